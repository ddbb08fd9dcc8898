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
	Escalate    []Escalation // by age, ascending by After; by condition, in any order
	Latch       bool         // stays open until acknowledged
	LatchFrom   Severity     // an alarm latches when it reaches this; Info: always
	InhibitedBy []Inhibitor  // whose active alarm suppresses creation

	Chattering   Chattering
	ReopenWithin time.Duration // raised again within this time of its end, the same alarm goes on; 0: a new one

	Ticket TicketTemplate
	Mode   Mode

	// Tests are the rule's own, as JSON in the form that rules/script reads;
	// "": none. Nothing here depends on them.
	Tests string
}

// Selector chooses the devices that a rule watches. An empty selector
// chooses all.
type Selector struct {
	Models []string          // shell patterns on the model id, any of them
	Tags   map[string]string // all of them, exactly
}

// Escalation is a step of the severity ladder: by age, when the alarm has been
// active for After, or by a condition. A step by condition falls back when its
// condition ends, as an alarm would.
type Escalation struct {
	After    time.Duration // 0: the step has a condition
	Severity Severity

	When      string        // "": the step is by age
	For       time.Duration // counted from the first breach, also before the alarm is raised
	ClearWhen string        // "": not When
	ClearFor  time.Duration
}

// Inhibitor is a rule whose active alarm holds back others.
type Inhibitor struct {
	Rule  string
	Scope Scope // whose alarms it holds back; "": [SameDevice]
}

// Scope says which devices an alarm has an influence on.
type Scope string

// Scopes of an inhibitor.
const (
	SameDevice  Scope = "device"
	SameSite    Scope = "site"    // devices.Device.Site; a device without a site is at none
	SameGateway Scope = "gateway" // the gateway itself and the devices behind it
)

// Chattering holds an alarm that comes and goes too often as one. The zero
// value does not.
type Chattering struct {
	Times  int           // raised more often than this ...
	Within time.Duration // ... in this time, the alarm chatters
	Quiet  time.Duration // and ends when its clear condition has held for this
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
