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

// raise records a new alarm and finds it a ticket.
func (d *Desk) raise(b *book, t *rules.Transition) {
	if !t.ClearedAt.IsZero() {
		d.raiseOver(b, t)
		return
	}
	if b.knows(t.AlarmID) {
		alarm, before := b.alarmOf(t)
		b.count(alarm, before+t.Occurrences, t)
		if b.revives(alarm, t) {
			b.reactivate(alarm, t, "It had been taken for ended.")
		}
		return
	}
	if open := b.open[AlarmKey{Key: t.Key, Mode: t.Mode}]; open != nil {
		b.raiseAgain(open, t, "Its alarm was still open, so it counts as another occurrence and makes no second ticket.")
		return
	}
	rule := b.rule(d.catalog, t)
	if ended := b.reopens(t); ended != nil {
		b.reopen(ended, rule, t)
		return
	}
	alarm := newAlarm(t, rule.Latches(t.Severity))
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
	return b.ruleOf(catalog, t.Key.Rule, t.RuleVersion, t.Mode)
}

func (b *book) ruleOf(catalog Catalog, id string, version int, mode rules.Mode) *rules.Rule {
	ref := ruleRef{id, version}
	rule, seen := b.rules[ref]
	if seen {
		return rule
	}
	rule, declared := catalog.Rule(ref.id, ref.version)
	if !declared {
		rule = &rules.Rule{ID: ref.id, Version: ref.version, Title: ref.id, Mode: mode}
	}
	b.rules[ref] = rule
	return rule
}

func newAlarm(t *rules.Transition, latched bool) *Alarm {
	return &Alarm{
		ID: t.AlarmID, RaiseID: t.AlarmID, Key: t.Key, RuleVersion: t.RuleVersion, Mode: t.Mode,
		Severity: t.Severity, PendingSince: t.PendingSince, RaisedAt: t.RaisedAt, Latched: latched,
		Occurrences: max(t.Occurrences, 1), Values: t.Values, Faults: t.Faults,
		Explanation: t.Explanation, Trace: t.Trace, Chattering: t.Chattering,
		Evidence: t.Evidence,
	}
}

// raiseAgain lets an open alarm take in a later raise: a latched one whose
// condition had ended, or one whose end never became known.
func (b *book) raiseAgain(alarm *Alarm, t *rules.Transition, why string) {
	m := Merge{RaiseID: t.AlarmID, AlarmID: alarm.ID, Before: alarm.Occurrences}
	b.merges[m.RaiseID] = m
	b.changes.Merges = append(b.changes.Merges, m)
	alarm.RaiseID = t.AlarmID
	b.count(alarm, m.Before+max(t.Occurrences, 1), t)
	alarm.Chattering = alarm.Chattering || t.Chattering
	b.reactivate(alarm, t, why)
}

// revives reports whether a known raise is told anew of an alarm that has
// ended here and not there: by an engine that found itself and the database
// in disagreement after a restart. A mere repetition has the first one's
// trace.
func (b *book) revives(alarm *Alarm, t *rules.Transition) bool {
	return !alarm.Active() && t.AlarmID == alarm.ID && alarm.RaiseID == alarm.ID && t.Trace != alarm.Trace &&
		(b.open[alarm.OpenKey()] == nil || b.open[alarm.OpenKey()] == alarm)
}

// reactivate lets the condition of an alarm hold again.
func (b *book) reactivate(alarm *Alarm, t *rules.Transition, why string) {
	sentence := raisedAgain + clock(t.RaisedAt) + "."
	cause := fmt.Sprintf("%s after %s", t.AlarmID, clock(alarm.ClearedAt))
	before, shelved := alarm.Severity, alarm.Shelved(b.now)
	alarm.ClearedAt = time.Time{}
	alarm.Severity = max(alarm.Severity, t.Severity)
	alarm.SeverityAt = t.At
	alarm.Explanation = append(withoutLast(alarm.Explanation, raisedAgain), sentence)
	b.changeAlarm(alarm)
	if alarm.Mode != rules.Live {
		return
	}

	if shelved {
		if ticket := b.ticketOf(alarm); ticket != nil {
			b.note(ticket, Entry{Kind: EntryJoined, Trace: t.Trace, Text: sentence + " Nobody is told, because the alarm is shelved."})
			b.changeTicket(ticket)
		}
		return
	}
	b.takeUp(alarm, before, EventAlarmRaised, cause, Entry{Kind: EntryJoined, Trace: t.Trace, Text: sentence + " " + why})
}

// takeUp tells that the condition of an alarm holds, again or after all, and
// takes up its ticket if that was solved. Before is how grave the alarm was.
func (b *book) takeUp(alarm *Alarm, before rules.Severity, event, cause string, line Entry) {
	b.tellAlarm(event, alarm, cause)
	ticket := b.ticketOf(alarm)
	if ticket == nil {
		return
	}
	b.note(ticket, line)
	b.worsen(ticket, ticket.Priority.up(before, alarm.Severity), severityReason(before, alarm.Severity), line.Trace)
	b.tellTicket(EventTicketUpdated, ticket, event+" "+cause)
}

// raisedAgain begins the line of an explanation that tells the latest raise.
const raisedAgain = "Raised again at "

// withoutLast returns a copy of lines without the last one if that begins
// with the prefix, so that a line for the latest of many replaces the one
// before.
func withoutLast(lines []string, prefix string) []string {
	if n := len(lines); n > 0 && strings.HasPrefix(lines[n-1], prefix) {
		lines = lines[:n-1]
	}
	return slices.Clone(lines)
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
