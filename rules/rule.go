package rules

import "time"

// Rule is a declared rule, as people wrote it. [Compile] turns it into
// something that can be evaluated.
type Rule struct {
	ID      string
	Version int // counted up by every change, from 1; kept for ever
	Title   string

	AppliesTo Selector
	When      string        // condition that raises
	For       time.Duration // on-delay
	ClearWhen string        // condition that clears; "": not When
	ClearFor  time.Duration // off-delay

	Severity    Severity
	Escalate    []Escalation // ascending by After
	Latch       bool         // stays open until acknowledged
	InhibitedBy []string     // rules whose active alarm on the device suppresses creation
	Ticket      TicketTemplate
	Mode        Mode
}

// Selector chooses the devices that a rule watches. An empty selector
// chooses all.
type Selector struct {
	Models []string          // shell patterns on the model id, any of them
	Tags   map[string]string // all of them, exactly
}

// Escalation raises the severity of an alarm that has been active for After.
type Escalation struct {
	After    time.Duration
	Severity Severity
}

// TicketTemplate says what the ticket for an alarm looks like.
type TicketTemplate struct {
	None     bool   // the alarm makes no ticket
	Subject  string // with {{device.id}}, {{values.NAME}}, {{rule.title}}, ...; "": the rule's title and the device
	Priority string // low, normal, high, urgent; "": from the severity
	Team     string
	Article  string
}

// Mode says what a rule's transitions lead to.
type Mode string

// Modes of a rule.
const (
	Live   Mode = "live"   // alarms and tickets
	Shadow Mode = "shadow" // alarms only, marked as shadow
	Off    Mode = "off"    // not evaluated
)
