package views

import (
	"time"

	"telltale/rules"
)

// AlarmQuery selects alarms. Empty fields select all.
type AlarmQuery struct {
	Device string
	Rule   string
	Ticket string // ticket id
	Active bool   // only those whose condition still holds
	Live   bool   // only those of live rules, not of rules on trial
	Limit  int    // zero: DefaultLimit

	ShelvedAt time.Time // only those that a person has put aside at this time; zero: all
}

// AlarmRow is one alarm.
type AlarmRow struct {
	ID             string
	RuleID         string
	RuleTitle      string
	Subject        rules.Subject
	Mode           rules.Mode
	Severity       rules.Severity
	RaisedAt       time.Time
	ClearedAt      time.Time // zero: active
	WithdrawnAt    time.Time // zero: late readings have not shown that it would not have been raised
	AcknowledgedAt time.Time // zero: nobody has
	AcknowledgedBy string
	ShelvedUntil   time.Time
	ShelvedBy      string
	ShelveReason   string
	Occurrences    int64
	TicketID       string // "" without a ticket
}
