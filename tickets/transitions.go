package tickets

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets/crm"
)

// apply makes one transition's changes in the book. A transition that has
// been handled before changes nothing.
func (d *Desk) apply(b *book, t *rules.Transition) {
	if t.Change == rules.Raised {
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
	case rules.Escalated:
		b.escalate(alarm, t)
	case rules.Cleared:
		b.clear(alarm, t)
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

// raise records a new alarm and finds it a ticket.
func (d *Desk) raise(b *book, t *rules.Transition) {
	if b.knows(t.AlarmID) {
		alarm, before := b.alarmOf(t)
		b.count(alarm, before+t.Occurrences, t)
		return
	}
	if open := b.open[AlarmKey{Key: t.Key, Mode: t.Mode}]; open != nil {
		b.raiseAgain(open, t)
		return
	}

	rule := b.rule(d.catalog, t)
	alarm := newAlarm(t, rule.Latch)
	if t.Mode != rules.Live {
		b.addAlarm(alarm)
		return
	}
	if rule.Ticket.None {
		b.addAlarm(alarm)
		b.tellAlarm(EventAlarmRaised, alarm, t.AlarmID)
		return
	}

	customer := b.customers[b.owners[ownedAt(t)]]
	if ticket := b.unsolved[dedup{t.Key.String(), customerID(customer)}]; ticket != nil {
		b.join(ticket, alarm, rule, t)
		return
	}
	d.openTicket(b, alarm, rule, t)
}

// rule returns the transition's rule, the same one throughout a decision even
// when the catalog changes meanwhile. A rule that is no longer declared still
// has its alarms ticketed, under its id.
func (b *book) rule(catalog Catalog, t *rules.Transition) *rules.Rule {
	ref := ruleRef{t.Key.Rule, t.RuleVersion}
	rule, seen := b.rules[ref]
	if seen {
		return rule
	}
	rule, declared := catalog.Rule(ref.id, ref.version)
	if !declared {
		rule = &rules.Rule{ID: ref.id, Version: ref.version, Title: ref.id, Mode: t.Mode}
	}
	b.rules[ref] = rule
	return rule
}

func newAlarm(t *rules.Transition, latched bool) *Alarm {
	return &Alarm{
		ID: t.AlarmID, RaiseID: t.AlarmID, Key: t.Key, RuleVersion: t.RuleVersion, Mode: t.Mode,
		Severity: t.Severity, PendingSince: t.PendingSince, RaisedAt: t.RaisedAt, Latched: latched,
		Occurrences: max(t.Occurrences, 1), Values: t.Values, Faults: t.Faults,
		Explanation: t.Explanation, Trace: t.Trace,
	}
}

// raiseAgain lets an open alarm take in a later raise: a latched one whose
// condition had ended, or one whose end never became known.
func (b *book) raiseAgain(alarm *Alarm, t *rules.Transition) {
	m := Merge{RaiseID: t.AlarmID, AlarmID: alarm.ID, Before: alarm.Occurrences}
	b.merges[m.RaiseID] = m
	b.changes.Merges = append(b.changes.Merges, m)

	sentence := fmt.Sprintf("Raised again at %s.", clock(t.RaisedAt))
	alarm.RaiseID = t.AlarmID
	alarm.ClearedAt = time.Time{}
	before := alarm.Severity
	alarm.Severity = max(alarm.Severity, t.Severity)
	alarm.Explanation = append(slices.Clone(alarm.Explanation), sentence)
	b.count(alarm, m.Before+max(t.Occurrences, 1), t)
	b.changeAlarm(alarm)
	if alarm.Mode != rules.Live {
		return
	}

	b.tellAlarm(EventAlarmRaised, alarm, t.AlarmID)
	if ticket := b.ticketOf(alarm); ticket != nil {
		b.note(ticket, Entry{Kind: EntryJoined, Trace: t.Trace, Text: sentence +
			" Its alarm was still open, so it counts as another occurrence and makes no second ticket."})
		b.worsen(ticket, ticket.Priority.up(before, alarm.Severity), severityReason(before, alarm.Severity), t.Trace)
		b.tellTicket(EventTicketUpdated, ticket, "raised again "+t.AlarmID)
	}
}

// openTicket opens the ticket for a new alarm.
func (d *Desk) openTicket(b *book, alarm *Alarm, rule *rules.Rule, t *rules.Transition) {
	customer := b.customers[b.owners[ownedAt(t)]]
	ticket := d.newTicket(b, rule, t, customer)
	ticket.AlarmIDs = []string{alarm.ID}
	alarm.TicketID = ticket.ID
	b.addAlarm(alarm)
	earlier, isReturn := b.earlier[ticket.dedup()]
	b.addTicket(ticket)

	b.note(ticket, Entry{Kind: EntryOpened, Trace: t.Trace, Text: openedText(ticket, rule, t, customer)})
	if len(t.Explanation) > 0 {
		b.note(ticket, Entry{Kind: EntryExplanation, Trace: t.Trace, Text: strings.Join(t.Explanation, "\n")})
	}
	if isReturn {
		b.note(ticket, Entry{Kind: EntryEarlier, Text: fmt.Sprintf(
			"The same thing was solved in %s, %s ago.", earlier.ID, span(b.now.Sub(earlier.SolvedAt)))})
	}
	b.tellAlarm(EventAlarmRaised, alarm, t.AlarmID)
	b.tellTicket(EventTicketOpened, ticket, t.AlarmID)
}

// join adds a new alarm to the unsolved ticket about the same thing.
func (b *book) join(ticket *Ticket, alarm *Alarm, rule *rules.Rule, t *rules.Transition) {
	alarm.TicketID = ticket.ID
	b.addAlarm(alarm)
	ticket.AlarmIDs = append(slices.Clone(ticket.AlarmIDs), alarm.ID)
	ticket.Occurrences += alarm.Occurrences

	b.note(ticket, Entry{Kind: EntryJoined, Trace: t.Trace, Text: fmt.Sprintf(
		"Raised again at %s. This ticket about the same rule and device is not solved, so no second one was opened.",
		clock(t.RaisedAt))})
	if len(t.Explanation) > 0 {
		b.note(ticket, Entry{Kind: EntryExplanation, Trace: t.Trace, Text: strings.Join(t.Explanation, "\n")})
	}
	wanted, reason := firstPriority(rule, t.Severity, b.customers[ticket.CustomerID])
	b.worsen(ticket, wanted, reason, t.Trace)
	b.tellAlarm(EventAlarmRaised, alarm, t.AlarmID)
	b.tellTicket(EventTicketUpdated, ticket, "joined by "+t.AlarmID)
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

// escalate raises the severity of an alarm and the priority of its ticket.
func (b *book) escalate(alarm *Alarm, t *rules.Transition) {
	if t.Severity <= alarm.Severity || !alarm.Active() {
		return
	}
	before := alarm.Severity
	sentence := fmt.Sprintf("Severity rose from %s to %s at %s.", before, t.Severity, clock(t.At))
	alarm.Severity = t.Severity
	alarm.Explanation = slices.Clone(alarm.Explanation)
	for _, line := range t.Explanation {
		if !slices.Contains(alarm.Explanation, line) {
			alarm.Explanation = append(alarm.Explanation, line)
		}
	}
	b.changeAlarm(alarm)
	if alarm.Mode != rules.Live {
		return
	}

	ticket := b.ticketOf(alarm)
	cause := alarm.RaiseID + " " + t.Severity.String()
	if alarm.Shelved(b.now) {
		if ticket != nil {
			b.note(ticket, Entry{Kind: EntryEscalated, Trace: t.Trace, Text: fmt.Sprintf(
				"%s Priority and status stay, because %s shelved the alarm until %s: %s",
				sentence, alarm.ShelvedBy, clock(alarm.ShelvedUntil), alarm.ShelveReason)})
			b.changeTicket(ticket)
		}
		return
	}
	b.tellAlarm(EventAlarmEscalated, alarm, cause)
	if ticket != nil {
		b.note(ticket, Entry{Kind: EntryEscalated, Trace: t.Trace, Text: sentence})
		b.worsen(ticket, ticket.Priority.up(before, t.Severity), severityReason(before, t.Severity), t.Trace)
		b.tellTicket(EventTicketUpdated, ticket, "escalated "+cause)
	}
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
			Text: "Opened again: it was solved while its condition held, and that got worse."})
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
	alarm.ClearedAt = t.At
	if t.At.Before(alarm.RaisedAt) {
		alarm.ClearedAt = alarm.RaisedAt
	}
	b.changeAlarm(alarm)
	if alarm.Mode != rules.Live {
		return
	}
	b.tellAlarm(EventAlarmCleared, alarm, t.AlarmID)

	ticket := b.ticketOf(alarm)
	if ticket == nil {
		return
	}
	text := fmt.Sprintf("The condition ended at %s, %s after it was raised.",
		clock(alarm.ClearedAt), span(alarm.ClearedAt.Sub(alarm.RaisedAt)))
	b.note(ticket, Entry{Kind: EntryCleared, Trace: t.Trace, Text: strings.Join(append([]string{text}, t.Explanation...), "\n")})
	b.settle(ticket, "cleared "+t.AlarmID, t.Trace)
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

// ownerRole is the role of the contact a ticket is addressed to.
const ownerRole = "owner"

func customerID(customer *crm.Customer) string {
	if customer == nil {
		return ""
	}
	return customer.ID
}

// newTicket returns the ticket for a raised alarm.
func (d *Desk) newTicket(b *book, rule *rules.Rule, t *rules.Transition, customer *crm.Customer) *Ticket {
	number := b.nextNumber()
	device := devices.ID(t.Key.Subject.ID)
	ticket := &Ticket{
		ID: FormatID(number), Number: number, Status: New, DedupKey: t.Key.String(),
		DeviceID: string(device), RuleID: rule.ID, Team: rule.Ticket.Team, ArticleID: rule.Ticket.Article,
		Occurrences: max(t.Occurrences, 1),
		ObservedAt:  t.RaisedAt, OpenedAt: b.now, UpdatedAt: b.now,
	}
	ticket.Priority, _ = firstPriority(rule, t.Severity, customer)
	if customer != nil {
		ticket.CustomerID = customer.ID
		if contact, ok := customer.ContactFor(ownerRole); ok {
			ticket.ContactID = contact.ID
		}
	}

	about := d.describe(device, t)
	if ticket.ArticleID == "" {
		ticket.ArticleID = about.fault.Article
	}
	ticket.Subject = subjectFor(rule, t, about, customer)
	return ticket
}
