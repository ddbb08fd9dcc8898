package views

import (
	"time"

	"telltale/rules"
	"telltale/tickets"
)

// AlarmAccount is an alarm with all that is needed to understand it, as the
// REST interface and `telltale rules explain` tell it.
type AlarmAccount struct {
	tickets.AlarmView

	Rule     *RuleThen      `json:"rule" doc:"as it was when it decided; null: that version is not kept"`
	Device   *DeviceOfAlarm `json:"device" doc:"null: it is not declared any more"`
	Customer *CustomerThen  `json:"customer" doc:"who owned the device at the fault; null: nobody"`
	Ticket   *TicketOfAlarm `json:"ticket"`

	Units    map[string]string   `json:"units" doc:"UCUM, by metric of values"`
	NextStep *NextStep           `json:"next_step" doc:"the next step of the severity ladder by age; null: none is to come"`
	Acts     []tickets.EntryView `json:"acts" doc:"who acknowledged and shelved it, and what they said, as far as its ticket tells"`
}

// HeldAccount is an alarm that was held back with all that is needed to
// understand it, as AlarmAccount is one that was raised.
type HeldAccount struct {
	tickets.HeldAlarmView

	Units map[string]string `json:"units" doc:"UCUM, by metric of values"`
}

// RuleThen is the version of a rule that decided something.
type RuleThen struct {
	Title          string    `json:"title"`
	Says           []string  `json:"says" doc:"what it does, in sentences"`
	Text           string    `json:"text" doc:"its declaration, YAML"`
	Author         string    `json:"author"`
	DeclaredAt     time.Time `json:"declared_at"`
	PresentVersion int       `json:"present_version" doc:"0: the rule is not declared any more"`
}

// DeviceOfAlarm is what is declared about the device of an alarm.
type DeviceOfAlarm struct {
	Model  string `json:"model"`
	Serial string `json:"serial"`
	Site   string `json:"site"`
}

// CustomerThen is who owned a device at the time of a fault.
type CustomerThen struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// TicketOfAlarm is the ticket that an alarm made or joined.
type TicketOfAlarm struct {
	ID      string         `json:"id"`
	Status  tickets.Status `json:"status" enum:"new,open,pending,on_hold,solved,closed"`
	Subject string         `json:"subject"`
}

// NextStep is a step of the severity ladder that time alone will take.
type NextStep struct {
	Severity string    `json:"severity" enum:"info,minor,major,critical"`
	At       time.Time `json:"at" doc:"event time"`
}

// NextStepOf returns the next step by age that would raise the severity of an
// active alarm; nil when there is none.
func NextStepOf(rule *rules.Rule, a *tickets.Alarm) *NextStep {
	if rule == nil || !a.Active() {
		return nil
	}
	for _, step := range rule.Escalate { // those by age ascend
		if step.When == "" && step.Severity > a.Severity {
			return &NextStep{Severity: step.Severity.String(), At: a.RaisedAt.Add(step.After)}
		}
	}
	return nil
}

// IsAct reports whether a line of a ticket's timeline is about what somebody
// did with its alarms.
func IsAct(kind string) bool {
	switch kind {
	case tickets.EntryAcked, tickets.EntryShelved, tickets.EntryUnshelved:
		return true
	default:
		return false
	}
}
