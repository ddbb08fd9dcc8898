package tickets

import (
	"fmt"
	"strings"
	"time"

	"telltale/rules"
)

// apply makes one transition's changes in the book. A transition that has
// been handled before changes nothing.
func (d *Desk) apply(b *book, t *rules.Transition) {
	b.trace = t.Trace
	switch {
	case t.Change == rules.Suppressed:
		b.suppress(t)
		return
	case t.Change == rules.Released:
		b.release(t)
		return
	case b.outdated(t):
		return
	case t.Change == rules.Raised:
		d.raise(b, t)
		return
	}
	alarm, before := b.alarmOf(t)
	if alarm == nil {
		return // of an alarm that was never raised here: nothing to change
	}
	switch t.Change {
	case rules.Repeated:
		b.count(alarm, before+t.Occurrences, t)
	case rules.Escalated, rules.Deescalated:
		b.relevel(alarm, b.rule(d.catalog, t), t)
	case rules.Cleared:
		b.clear(alarm, t)
	case rules.Amended:
		b.amend(alarm, b.rule(d.catalog, t), before, t)
	case rules.Withdrawn:
		b.withdraw(alarm, t)
	}
}

// alarmOf returns the alarm a transition is about, and its occurrences before
// the raise that the transition belongs to. An id that is not known stands
// for the open alarm of its key: better that one than an orphan.
func (b *book) alarmOf(t *rules.Transition) (alarm *Alarm, before int64) {
	if m, ok := b.merges[t.AlarmID]; ok {
		return b.alarms[m.AlarmID], m.Before
	}
	if a := b.alarms[t.AlarmID]; a != nil {
		return a, 0
	}
	a := b.open[AlarmKey{Key: t.Key, Mode: t.Mode}]
	if a == nil || t.At.Before(a.RaisedAt) {
		return nil, 0
	}
	return a, 0
}

// count brings the number of occurrences up to date. To keep the timeline
// readable, only passing a power of ten is worth a line.
func (b *book) count(alarm *Alarm, occurrences int64, t *rules.Transition) {
	more := occurrences - alarm.Occurrences
	if more <= 0 {
		return
	}
	alarm.Occurrences = occurrences
	b.changeAlarm(alarm)

	ticket := b.ticketOf(alarm)
	if ticket == nil {
		return
	}
	had := ticket.Occurrences
	ticket.Occurrences += more
	b.changeTicket(ticket)
	if passed := powerOfTen(ticket.Occurrences); passed > powerOfTen(had) && ticket.Status.Unsolved() {
		b.note(ticket, Entry{Kind: EntryOccurrence, Trace: t.Trace,
			Text: fmt.Sprintf("%d occurrences by %s.", ticket.Occurrences, clock(t.At))})
	}
}

// powerOfTen returns the largest power of ten that is at most n, 1 below 10.
func powerOfTen(n int64) int64 {
	p := int64(1)
	for n >= 10 {
		n /= 10
		p *= 10
	}
	return p
}

// worsen raises a ticket's priority and takes up again a ticket that was
// solved too early.
func (b *book) worsen(ticket *Ticket, wanted Priority, reason, trace string) {
	if wanted.rank() > ticket.Priority.rank() {
		b.note(ticket, Entry{Kind: EntryPriority, Trace: trace, Text: fmt.Sprintf(
			"Priority raised from %s to %s: %s.", ticket.Priority, wanted, reason)})
		ticket.Priority = wanted
	}
	wasSolved := ticket.Status == Solved
	if wasSolved && b.unsolved[ticket.dedup()] == nil && b.move(ticket, actWorsen) {
		b.note(ticket, Entry{Kind: EntryReopened, Trace: trace,
			Text: "Opened again: it was solved, and its condition holds."})
	}
	b.changeTicket(ticket)
}

// clear ends the condition of an alarm, and solves its ticket when that was
// the last one.
func (b *book) clear(alarm *Alarm, t *rules.Transition) {
	stale := t.AlarmID != alarm.RaiseID && b.knows(t.AlarmID) // a later raise followed
	if !alarm.Active() || stale {
		return
	}
	alarm.end(t.At, b.now)
	b.changeAlarm(alarm)
	if alarm.Mode != rules.Live {
		return
	}
	cause := fmt.Sprintf("%s at %s", t.AlarmID, clock(alarm.ClearedAt))
	b.tellAlarm(EventAlarmCleared, alarm, cause)

	ticket := b.ticketOf(alarm)
	if ticket == nil {
		return
	}
	text := fmt.Sprintf("The condition ended at %s, %s after it was raised.",
		clock(alarm.ClearedAt), span(alarm.ClearedAt.Sub(alarm.RaisedAt)))
	b.note(ticket, Entry{Kind: EntryCleared, Trace: t.Trace, Text: strings.Join(append([]string{text}, t.Explanation...), "\n")})
	b.settle(ticket, "cleared "+cause, t.Trace)
}

// end notes when the condition ended, as it became known now. A shelf ends with
// it.
func (a *Alarm) end(at, now time.Time) {
	if at.Before(a.RaisedAt) {
		at = a.RaisedAt
	}
	if a.onShelf() {
		a.UnshelvedAt = now
	}
	a.ClearedAt = at
}

// settle solves a ticket whose last alarm has ended, or notes why it is left
// open. Cause tells its event apart.
func (b *book) settle(ticket *Ticket, cause, trace string) {
	b.changeTicket(ticket)
	if alarm := b.openAlarm(ticket); alarm != nil {
		text := "Another alarm of this ticket is still open."
		if !alarm.Active() {
			text = "The rule latches: the ticket is solved when a person has acknowledged the alarm."
		}
		b.note(ticket, Entry{Kind: EntryCleared, Trace: trace, Text: text})
		b.tellTicket(EventTicketUpdated, ticket, cause)
		return
	}

	from := ticket.Status
	b.move(ticket, actEnd)
	switch {
	case ticket.Status == Solved && from != Solved:
		b.note(ticket, Entry{Kind: EntrySolved, Trace: trace, Text: "Solved by itself: no alarm of this ticket is open any more."})
		b.tellTicket(EventTicketSolved, ticket, cause)
	case ticket.Status.Unsolved():
		b.note(ticket, Entry{Kind: EntryCleared, Trace: trace, Text: fmt.Sprintf(
			"Left %s, because a person has put it there. Please solve it when the work is done.", statusWords(ticket.Status))})
		b.tellTicket(EventTicketUpdated, ticket, cause)
	default:
		b.tellTicket(EventTicketUpdated, ticket, cause)
	}
}
