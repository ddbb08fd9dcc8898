package tickets

import (
	"time"

	"telltale/devices"
	"telltale/rules"
)

// Alarm is an alarm as it is stored. Active, acknowledged and shelved are
// separate facts about it.
type Alarm struct {
	ID          string
	Key         rules.Key
	RuleVersion int
	Mode        rules.Mode // live or shadow
	Severity    rules.Severity

	PendingSince time.Time // event time of the first breaching reading
	RaisedAt     time.Time // event time
	ClearedAt    time.Time // event time; zero: the condition holds

	AcknowledgedAt time.Time // zero: nobody has yet
	AcknowledgedBy string
	ShelvedUntil   time.Time // zero: never shelved
	ShelvedBy      string
	ShelveReason   string
	Latched        bool // stays open until acknowledged

	ShelvedAt     time.Time // our clock
	UnshelvedAt   time.Time // when the shelf ended: by its time, by a person, or with the condition; zero: it stands, or never was
	ShelfReminded bool      // the end of the shelf has been announced

	SeverityAt time.Time // event time of the last change of severity; zero: as it was raised
	Chattering bool      // came and went too often, and is held until it has been quiet
	// WithdrawnAt is when late readings showed that the alarm would not have
	// been raised, by our clock; zero: they have not. Earlier is what was told
	// of the alarm before late readings amended it, in order.
	WithdrawnAt time.Time
	Earlier     []AlarmVersion

	Occurrences int64
	Values      map[string]devices.Value
	Faults      []string
	Explanation []string
	Trace       string // position in the log that raised it
	TicketID    string // "": it has no ticket

	Evidence rules.Evidence // what the raise was decided by beyond Values
	Steps    []SeverityStep // the latest changes of its severity, ascending

	// RaiseID is the id the engine gave the latest raise. It differs from ID
	// when an open alarm took in a later raise; only the latest raise can
	// clear the alarm.
	RaiseID string
}

// SeverityStep is a change of an alarm's severity, up or down.
type SeverityStep struct {
	At   time.Time `json:"at" doc:"event time"`
	From string    `json:"from" enum:"info,minor,major,critical"`
	To   string    `json:"to" enum:"info,minor,major,critical"`
	Why  string    `json:"why"`
}

// maxSteps bounds the changes of severity that are kept of one alarm: a ladder
// may lead up and down for weeks.
const maxSteps = 50

// Active reports whether the condition holds.
func (a *Alarm) Active() bool { return a.ClearedAt.IsZero() }

// Open reports whether the alarm still stands: its condition holds, or it is
// latched and nobody has acknowledged it. One that was withdrawn does not.
func (a *Alarm) Open() bool {
	return a.Active() || a.Latched && a.AcknowledgedAt.IsZero() && a.WithdrawnAt.IsZero()
}

// AlarmKey names an alarm among the open ones: a rule in shadow may have one
// beside that of its live twin.
type AlarmKey struct {
	rules.Key
	Mode rules.Mode
}

// OpenKey returns the key that no other open alarm may have.
func (a *Alarm) OpenKey() AlarmKey { return AlarmKey{Key: a.Key, Mode: a.Mode} }
