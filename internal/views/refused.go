package views

import (
	"errors"
	"time"

	"telltale/devices"
	"telltale/ingest"
)

// ErrCursor says that a cursor is not of the list it was given to.
var ErrCursor = errors.New("views: not a cursor of this list")

// RefusedQuery selects quarantined messages. Empty fields select all.
type RefusedQuery struct {
	Reason  ingest.Reason
	Device  string    // that the refusal is about
	Topic   string    // MQTT filter, or a part of the topic
	Text    string    // part of the detail, topic, client or payload
	Since   time.Time // came last at or after
	Until   time.Time // came first before
	Waiting bool      // only those that were not replayed since they came last

	After string // cursor of the page before
	Limit int    // zero: DefaultLimit
}

// RefusedRow is one quarantined message, the latest first.
type RefusedRow struct {
	ingest.Quarantined

	LastAt     time.Time // when it came last
	Count      int64     // how often it came
	ReplayedAt time.Time // zero: not replayed since it came last
	TriedAt    time.Time // when a replay was tried last; zero: never
	Outcome    string    // of that: "accepted", or the reason it is refused for now
}

// ReplaySelection says which refused messages to replay: those that fit all
// fields that are not empty.
type ReplaySelection struct {
	Reason  ingest.Reason
	Devices []string // that the refusal is about
	Topic   string   // MQTT filter, or a part of the topic
	IDs     []string // these, replayed before or not
}

// Empty reports whether nothing is selected.
func (s ReplaySelection) Empty() bool {
	return s.Reason == "" && len(s.Devices) == 0 && s.Topic == "" && len(s.IDs) == 0
}

// Replay is how far one replay is. It counts arrivals: a message that came
// three times is replayed three times, at the times it came.
type Replay struct {
	Number      int64
	RequestedBy string
	RequestedAt time.Time
	Reason      ingest.Reason
	Selected    int64
	Accepted    int64
	Refused     int64     // once more; they stay
	Failure     string    // why it does not go on at the moment
	FinishedAt  time.Time // zero: it goes on
}

// ReplayTrial is what would become of the first messages of a replay.
type ReplayTrial struct {
	Selected, Accepted, Refused int64
	More                        bool // there are more than those
}

// QuarantineBounds says what the quarantine may hold.
type QuarantineBounds struct {
	Before      time.Time // what came last before goes
	MaxMessages int64
	MaxBytes    int64
}

// LetGo counts refused messages that were deleted.
type LetGo struct {
	Arrivals int64
	Waiting  int64 // of them, never replayed
}

// UnclaimedQuery selects devices that send and are not declared.
type UnclaimedQuery struct {
	Text  string // part of the id
	After string // cursor of the page before
	Limit int    // zero: DefaultLimit
}

// UnclaimedRow is a device that sends and is not declared, the latest first.
type UnclaimedRow struct {
	ID       devices.ID
	FirstAt  time.Time
	LastAt   time.Time
	Messages int64 // that came, ever
	Waiting  int64 // that are kept for it
	LetGo    int64 // that were not

	// The last message of it that is kept.
	Topic, Source string
	Payload       []byte
	ReceivedAt    time.Time
}
