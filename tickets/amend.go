package tickets

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"telltale/rules"
)

// AlarmVersion is what was told of an alarm until late readings amended it.
type AlarmVersion struct {
	RaiseID      string // the raise that was amended: of an alarm that took in several, one of them
	Revision     int    // the amendment of that raise that replaced this version, from 1
	PendingSince time.Time
	RaisedAt     time.Time
	ClearedAt    time.Time // zero: the condition held
	Severity     rules.Severity
	Occurrences  int64
	Evidence     rules.Evidence // what the raise was decided by, where the amendment has another

	ReplacedAt time.Time // by our clock: until then this version was known
	Reason     string
	Trace      string // position in the log of the report that led to the amendment
}

// revision returns how often a raise was amended here.
func (a *Alarm) revision(raiseID string) int {
	n := 0
	for _, v := range a.Earlier {
		if v.RaiseID == raiseID {
			n = max(n, v.Revision)
		}
	}
	return n
}

// outdated reports whether a transition is of a version that was amended
// since, or is an amendment that is made already.
func (b *book) outdated(t *rules.Transition) bool {
	if !b.knows(t.AlarmID) {
		return false
	}
	alarm, _ := b.alarmOf(t)
	done := alarm.revision(t.AlarmID)
	if t.Change == rules.Amended || t.Change == rules.Withdrawn {
		return done >= t.Revision
	}
	return done > t.Revision
}

// keepVersion puts what was told of a raise until now on the alarm's record.
func (b *book) keepVersion(alarm *Alarm, t *rules.Transition) (reason string) {
	reason = "Amended by late readings."
	if n := len(t.Explanation); n > 0 {
		reason = t.Explanation[n-1]
	}
	v := AlarmVersion{
		RaiseID: t.AlarmID, Revision: t.Revision, PendingSince: alarm.PendingSince, RaisedAt: alarm.RaisedAt, ClearedAt: alarm.ClearedAt,
		Severity: alarm.Severity, Occurrences: alarm.Occurrences, ReplacedAt: b.now, Reason: reason, Trace: t.Trace,
	}
	if told := t.Before; told != nil {
		v.PendingSince, v.RaisedAt, v.ClearedAt = stored(told.PendingSince), stored(told.RaisedAt), orZero(told.ClearedAt)
		v.Severity, v.Occurrences = told.Severity, max(told.Occurrences, 1)
	}
	alarm.Earlier = append(slices.Clone(alarm.Earlier), v)
	return reason
}

// amend corrects onset, end and severity of an alarm. What was told before
// stays on its record and in the ticket's timeline. Of an alarm that took in
// several raises, the first one owns the onset and the latest one the end. One
// that had not ended after all goes on as one that is raised again does.
func (b *book) amend(alarm *Alarm, rule *rules.Rule, before int64, t *rules.Transition) {
	was, severity, quiet := alarm.Active(), alarm.Severity, alarm.Shelved(b.now)
	reason := b.keepVersion(alarm, t)
	if t.AlarmID == alarm.ID {
		alarm.PendingSince, alarm.RaisedAt = t.PendingSince, t.RaisedAt
		if len(t.Values)+len(t.Faults) > 0 { // the raise was decided anew
			alarm.Values, alarm.Faults, alarm.Explanation = t.Values, t.Faults, nil
			alarm.Earlier[len(alarm.Earlier)-1].Evidence, alarm.Evidence = alarm.Evidence, t.Evidence
		}
	}
	alarm.Explanation = addMissing(alarm.Explanation, t.Explanation)
	if t.AlarmID == alarm.RaiseID {
		b.amendEnd(alarm, rule, t)
		if alarm.Severity != severity {
			alarm.stepped(severity, t.At, reason)
		}
		b.recount(alarm, before+max(t.Occurrences, 1))
	}
	b.changeAlarm(alarm)
	if alarm.Mode != rules.Live {
		return
	}
	cause := fmt.Sprintf("%s revision %d", t.AlarmID, t.Revision)
	line := Entry{Kind: EntryAmended, Trace: t.Trace, Text: reason}
	if alarm.Active() && !was {
		b.takeUp(alarm, severity, EventAlarmAmended, cause, line)
		return
	}
	b.tellAlarm(EventAlarmAmended, alarm, cause)
	ticket := b.ticketOf(alarm)
	if ticket == nil {
		return
	}
	b.note(ticket, line)
	switch {
	case was && !alarm.Active():
		b.settle(ticket, EventAlarmAmended+" "+cause, t.Trace)
		return
	case alarm.Active() && alarm.Severity > severity && !quiet:
		b.worsen(ticket, ticket.Priority.up(severity, alarm.Severity), severityReason(severity, alarm.Severity), t.Trace)
	case alarm.Active() && alarm.Severity < severity && !quiet:
		b.ease(ticket, rule, t.Trace)
	default:
		b.changeTicket(ticket)
	}
	b.tellTicket(EventTicketUpdated, ticket, EventAlarmAmended+" "+cause)
}

// amendEnd sets how grave the alarm is and when its condition ended. It cannot
// hold again beside another alarm that stands for the same thing.
func (b *book) amendEnd(alarm *Alarm, rule *rules.Rule, t *rules.Transition) {
	other := b.open[alarm.OpenKey()]
	switch {
	case !t.ClearedAt.IsZero():
		alarm.end(t.ClearedAt, b.now)
	case alarm.Active():
	case other == nil || other == alarm:
		alarm.ClearedAt = time.Time{}
		alarm.goOn(rule, t.Severity)
	}
	alarm.Severity = t.Severity
	alarm.Latched = alarm.Latched || rule.Latches(t.Severity) // one that was latched waits for a person
	alarm.Chattering = t.Chattering
}

// recount sets the number of occurrences, which an amendment may make fewer.
func (b *book) recount(alarm *Alarm, occurrences int64) {
	if ticket := b.ticketOf(alarm); ticket != nil {
		ticket.Occurrences += occurrences - alarm.Occurrences
	}
	alarm.Occurrences = occurrences
}

// withdraw notes that an alarm would not have been raised, had all readings
// arrived in time. Its ticket is solved, unless another alarm of it stands or
// a person has taken it up.
func (b *book) withdraw(alarm *Alarm, t *rules.Transition) {
	reason := b.keepVersion(alarm, t)
	alarm.Explanation = addMissing(alarm.Explanation, t.Explanation)
	if t.AlarmID == alarm.RaiseID {
		if alarm.Active() {
			alarm.end(t.At, b.now)
		}
		if alarm.ID == alarm.RaiseID { // no raise of it is left
			alarm.WithdrawnAt = b.now
		}
	}
	b.changeAlarm(alarm)
	if alarm.Mode != rules.Live {
		return
	}
	cause := fmt.Sprintf("%s revision %d", t.AlarmID, t.Revision)
	b.tellAlarm(EventAlarmWithdrawn, alarm, cause)
	ticket := b.ticketOf(alarm)
	if ticket == nil {
		return
	}
	b.note(ticket, Entry{Kind: EntryWithdrawn, Trace: t.Trace, Text: reason})
	b.changeTicket(ticket)
	event := EventTicketUpdated
	switch {
	case !ticket.Status.Unsolved() || b.openAlarm(ticket) != nil:
	case b.actedOn[ticket.Number]:
		b.note(ticket, Entry{Kind: EntryWithdrawn, Trace: t.Trace, Text: fmt.Sprintf(
			"Left %s, because a person has taken it up. Please solve it when the work is done.", statusWords(ticket.Status))})
	case b.move(ticket, actEnd) && ticket.Status == Solved:
		event = EventTicketSolved
		b.note(ticket, Entry{Kind: EntrySolved, Trace: t.Trace, Text: "Solved by itself: withdrawn by late readings."})
	}
	b.tellTicket(event, ticket, EventAlarmWithdrawn+" "+cause)
}

// raiseOver records an alarm that is over already when it becomes known. It
// joins or opens a ticket as if it had been known in time. One that would stand
// beside another is taken in by that, and so is one that went on with an alarm
// that ended later.
func (d *Desk) raiseOver(b *book, t *rules.Transition) {
	if b.knows(t.AlarmID) {
		return
	}
	rule := b.rule(d.catalog, t)
	alarm := newAlarm(t, rule.Latches(t.Severity))
	alarm.end(t.ClearedAt, b.now)
	open, ended := b.open[alarm.OpenKey()], b.reopens(t)
	switch {
	case open != nil && alarm.Open():
		b.takeInOver(open, t, "Its alarm is still open")
		return
	case open != nil || ended == nil:
	case ended.ClearedAt.After(alarm.ClearedAt):
		b.takeInOver(ended, t, "It belongs to an alarm that went on")
		return
	default:
		b.reopen(ended, rule, t)
		b.endLate(ended, t)
		return
	}
	switch {
	case t.Mode != rules.Live:
		b.addAlarm(alarm)
		return
	case rule.Ticket.None:
		b.addAlarm(alarm)
		b.tellAlarm(EventAlarmRaised, alarm, t.AlarmID)
	default:
		customer := b.customers[b.owners[ownedAt(t)]]
		if ticket := b.unsolved[dedup{t.Key.String(), customerID(customer)}]; ticket != nil {
			b.join(ticket, alarm, rule, t)
		} else {
			d.openTicket(b, alarm, rule, t)
		}
	}
	b.tellEndLate(alarm, t)
}

// endLate ends an alarm that went on for a while that is over.
func (b *book) endLate(alarm *Alarm, t *rules.Transition) {
	alarm.end(t.ClearedAt, b.now)
	b.changeAlarm(alarm)
	if alarm.Mode == rules.Live {
		b.tellEndLate(alarm, t)
	}
}

func (b *book) tellEndLate(alarm *Alarm, t *rules.Transition) {
	cause := fmt.Sprintf("%s at %s", t.AlarmID, clock(alarm.ClearedAt))
	b.tellAlarm(EventAlarmCleared, alarm, cause)
	if ticket := b.ticketOf(alarm); ticket != nil {
		b.note(ticket, Entry{Kind: EntryCleared, Trace: t.Trace, Text: fmt.Sprintf(
			"The condition had ended at %s, %s after it was raised; both became known late.",
			clock(alarm.ClearedAt), span(t.ClearedAt.Sub(t.RaisedAt)))})
		b.settle(ticket, "cleared "+cause, t.Trace)
	}
}

// takeInOver lets an alarm take in one of the same thing that is over.
func (b *book) takeInOver(alarm *Alarm, t *rules.Transition, why string) {
	m := Merge{RaiseID: t.AlarmID, AlarmID: alarm.ID, Before: alarm.Occurrences}
	b.merges[m.RaiseID] = m
	b.changes.Merges = append(b.changes.Merges, m)
	ticket := b.ticketOf(alarm)
	if ticket == nil || alarm.Mode != rules.Live {
		return
	}
	b.note(ticket, Entry{Kind: EntryJoined, Trace: t.Trace, Text: fmt.Sprintf(
		"Was also raised from %s to %s, which became known late. %s, so it makes no second one.",
		clock(t.RaisedAt), clock(t.ClearedAt), why)})
	b.changeTicket(ticket)
	b.tellTicket(EventTicketUpdated, ticket, "taken in "+t.AlarmID)
}

// addMissing returns a copy of lines with those of more that are not in it.
func addMissing(lines, more []string) []string {
	lines = slices.Clone(lines)
	for _, line := range more {
		if !slices.Contains(lines, line) && strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// orZero is stored for a time that may be zero.
func orZero(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return stored(t)
}
