package tickets

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"telltale/rules"
	"telltale/tickets/crm"
)

// relevel changes the severity of an alarm, up or down, and the priority of
// its ticket with it.
func (b *book) relevel(alarm *Alarm, rule *rules.Rule, t *rules.Transition) {
	if !alarm.Active() || !b.isNewSeverity(alarm, t) {
		return
	}
	before := alarm.Severity
	alarm.Severity = t.Severity
	alarm.stepped(before, t.At, strings.Join(t.Explanation, " "))
	alarm.Latched = alarm.Latched || rule.Latches(t.Severity)
	alarm.Explanation = addMissing(alarm.Explanation, t.Explanation)
	b.changeAlarm(alarm)
	if alarm.Mode == rules.Live {
		b.tellRelevelled(alarm, rule, before, t)
	}
}

// stepped notes that the severity of an alarm has changed.
func (a *Alarm) stepped(from rules.Severity, at time.Time, why string) {
	a.SeverityAt = at
	a.Steps = append(slices.Clone(a.Steps), SeverityStep{At: at, From: from.String(), To: a.Severity.String(), Why: why})
	a.Steps = a.Steps[max(0, len(a.Steps)-maxSteps):]
}

// isNewSeverity reports whether a transition says something about the severity
// that is not known yet. A ladder may lead up and down again, so an old step is
// told by its time; a rise at the very time of another is higher.
func (b *book) isNewSeverity(alarm *Alarm, t *rules.Transition) bool {
	if t.Change == rules.Escalated {
		return t.Severity > alarm.Severity && !t.At.Before(alarm.SeverityAt)
	}
	return t.Severity < alarm.Severity && t.At.After(alarm.SeverityAt)
}

func (b *book) tellRelevelled(alarm *Alarm, rule *rules.Rule, before rules.Severity, t *rules.Transition) {
	event, word := EventAlarmEscalated, "rose"
	if t.Change == rules.Deescalated {
		event, word = EventAlarmDeescalated, "fell"
	}
	entry := Entry{Kind: EntryEscalated, Trace: t.Trace,
		Text: fmt.Sprintf("Severity %s from %s to %s at %s.", word, before, alarm.Severity, clock(t.At))}
	ticket := b.ticketOf(alarm)
	if alarm.Shelved(b.now) {
		if ticket != nil {
			entry.Text += fmt.Sprintf(" Priority and status stay, because %s shelved the alarm until %s: %s",
				alarm.ShelvedBy, clock(alarm.ShelvedUntil), alarm.ShelveReason)
			b.note(ticket, entry)
			b.changeTicket(ticket)
		}
		return
	}
	cause := fmt.Sprintf("%s %s %s", alarm.RaiseID, alarm.Severity, clock(t.At))
	b.tellAlarm(event, alarm, cause)
	if ticket == nil {
		return
	}
	b.note(ticket, entry)
	if t.Change == rules.Deescalated {
		b.ease(ticket, rule, t.Trace)
	} else {
		b.worsen(ticket, ticket.Priority.up(before, alarm.Severity), severityReason(before, alarm.Severity), t.Trace)
	}
	b.tellTicket(EventTicketUpdated, ticket, t.Change.String()+" "+cause)
}

// ease lowers the priority of a ticket to what its alarms ask for now, unless
// a person has set it.
func (b *book) ease(ticket *Ticket, rule *rules.Rule, trace string) {
	gravest := rules.Info
	for _, a := range b.ofTicket[ticket.ID] {
		if a.Open() {
			gravest = max(gravest, a.Severity)
		}
	}
	wanted := b.priorityAt(ticket, rule, gravest)
	switch {
	case wanted.rank() >= ticket.Priority.rank():
	case ticket.PriorityBy != "":
		b.note(ticket, Entry{Kind: EntryPriority, Trace: trace, Text: fmt.Sprintf(
			"Priority stays %s, because %s set it.", ticket.Priority, ticket.PriorityBy)})
	default:
		b.note(ticket, Entry{Kind: EntryPriority, Trace: trace, Text: fmt.Sprintf(
			"Priority lowered from %s to %s: severity %s.", ticket.Priority, wanted, gravest)})
		ticket.Priority = wanted
	}
	b.changeTicket(ticket)
}

// priorityAt is the priority of a ticket whose alarm has a severity: the first
// one, and as many steps more as the severity is above the rule's.
func (b *book) priorityAt(ticket *Ticket, rule *rules.Rule, severity rules.Severity) Priority {
	var customer *crm.Customer
	if ticket.CustomerID != "" {
		customer = b.customers[ticket.CustomerID]
	}
	first, _ := firstPriority(rule, rule.Severity, customer)
	return first.up(rule.Severity, severity)
}
