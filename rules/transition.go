package rules

import (
	"fmt"
	"time"

	"telltale/devices"
)

// Subject is what an alarm is about.
type Subject struct {
	Type string // "device"
	ID   string
}

// Key names an alarm among the open ones: there is at most one per rule and
// subject.
type Key struct {
	Rule    string
	Subject Subject
}

// String returns "rule on subject", for logs and errors.
func (k Key) String() string { return fmt.Sprintf("%s on %s %s", k.Rule, k.Subject.Type, k.Subject.ID) }

// Change is what happened to an alarm.
type Change uint8

// Changes of an alarm. Repeated carries a new count of occurrences and
// nothing else. Suppressed is about an alarm that does not exist: it would have
// been raised, but something holds it back. Its id is that of no other, and
// Released says under the same one that nothing does any more: the alarm was
// raised, or there is none to raise. Amended and Withdrawn come of reports that arrived late: Amended says that the alarm was
// told with another onset, end or severity, Withdrawn that it would not have
// been raised.
const (
	Raised Change = iota + 1
	Repeated
	Escalated
	Cleared
	Deescalated
	Suppressed
	Amended
	Withdrawn
	Released
)

// String returns the word used in logs and events.
func (c Change) String() string {
	switch c {
	case Raised:
		return "raised"
	case Repeated:
		return "repeated"
	case Escalated:
		return "escalated"
	case Cleared:
		return "cleared"
	case Deescalated:
		return "de-escalated"
	case Suppressed:
		return "suppressed"
	case Amended:
		return "amended"
	case Withdrawn:
		return "withdrawn"
	case Released:
		return "released"
	default:
		return fmt.Sprintf("change(%d)", uint8(c))
	}
}

// Before is what had been told of an alarm before it was amended.
type Before struct {
	PendingSince, RaisedAt time.Time
	ClearedAt              time.Time // zero: its condition held
	Severity               Severity
	Occurrences            int64
}

// Transition is one change of one alarm, with everything that led to it. It
// is a fact: whoever receives it twice must end in the same state, and can,
// because AlarmID, Change, Revision and Occurrences are the same in every
// replay.
type Transition struct {
	AlarmID string // the same for all transitions of one alarm, in every replay
	Key     Key
	Change  Change
	At      time.Time // event time of this change; of an amendment, up to which the device had reported

	RaisedAt     time.Time // event time of the raise; of an alarm that is held back, of when it would have been
	PendingSince time.Time // event time of the first breaching reading before it
	Severity     Severity
	Occurrences  int64 // evaluations that found the condition true since PendingSince

	Chattering bool   // the alarm came and went too often; it is held until it has been quiet
	Reopens    string // of a raise: the alarm of an earlier raise that this one goes on with; "": none
	Becomes    string // of what is released: the alarm that it was raised as; "": none
	// ClearedAt is the event time of the end: of an amended alarm that has
	// ended, and of one that was raised late and is over already. Zero
	// otherwise.
	ClearedAt time.Time
	Revision  int     // how often the alarm was amended, with this change
	Before    *Before // what an amendment or withdrawal takes back; nil otherwise

	RuleVersion int
	Mode        Mode
	Values      map[string]devices.Value // the device's values the decision saw
	Faults      []string                 // the fault codes present
	Explanation []string                 // sentences, in the order things were decided
	Evidence    Evidence                 // of a raise, also one that is amended, and of one held back: what else it was decided by; of what is released, Held alone
	Trace       string                   // position in the log of the report that decided it
}
