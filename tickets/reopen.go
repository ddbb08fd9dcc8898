package tickets

import (
	"fmt"
	"time"

	"telltale/rules"
)

// reopens returns the ended alarm that a raise goes on with; nil when there is
// none, or when it cannot go on: its ticket was closed for good, has become
// another customer's, or there is a ticket about the same already.
func (b *book) reopens(t *rules.Transition) *Alarm {
	if t.Reopens == "" {
		return nil
	}
	alarm := b.alarms[t.Reopens]
	if m, merged := b.merges[t.Reopens]; merged {
		alarm = b.alarms[m.AlarmID]
	}
	if alarm == nil || alarm.OpenKey() != (AlarmKey{Key: t.Key, Mode: t.Mode}) {
		return nil
	}
	ticket := b.ticketOf(alarm)
	if ticket == nil {
		return alarm
	}
	owner := customerID(b.customers[b.owners[ownedAt(t)]])
	other := b.unsolved[ticket.dedup()]
	if ticket.Status == Closed || ticket.CustomerID != owner || other != nil && other != ticket {
		return nil
	}
	return alarm
}

// goOn makes an alarm that had ended one that nobody has acknowledged: whoever
// had has not seen this.
func (a *Alarm) goOn(rule *rules.Rule, severity rules.Severity) {
	a.AcknowledgedAt, a.AcknowledgedBy = time.Time{}, ""
	a.Severity = severity
	a.Latched = rule.Latches(severity)
}

// reopen goes on with an alarm that had ended, and with its ticket.
func (b *book) reopen(alarm *Alarm, rule *rules.Rule, t *rules.Transition) {
	ended := alarm.ClearedAt
	alarm.goOn(rule, t.Severity)
	b.raiseAgain(alarm, t, fmt.Sprintf("It had ended at %s, %s before, so the same alarm goes on.",
		clock(ended), span(t.RaisedAt.Sub(ended))))
}
