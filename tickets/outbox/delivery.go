package outbox

import (
	"encoding/json"
	"time"
)

// Event is something that happened and that others want to hear of. It is
// stored in the transaction of the change it announces.
type Event struct {
	ID          string // CloudEvents id and idempotency key
	Position    int64  // place among all events, ascending with gaps; set by the store, 0 before
	Type        string // "ticket.opened", "recall.proposed", ...
	Subject     string // the ticket, alarm or recall it is about
	OrderingKey string // events of one key are delivered in order
	At          time.Time
	Trace       string // position in the log of the message that caused it, "p3/10293/17"; "" when a person did
	Data        json.RawMessage
}

// Delivery is one event on its way to one destination.
type Delivery struct {
	ID          int64
	Destination string // name of the destination in the configuration
	Event       Event
	State       State
	Attempts    int // counted up by every claim
	NextAt      time.Time
	LastError   string
	CreatedAt   time.Time
}

// State is where a delivery stands.
type State string

// States of a delivery.
const (
	Available State = "available"
	Running   State = "running"
	Retryable State = "retryable"
	Completed State = "completed"
	Discarded State = "discarded" // a person gave it up, or it was refused for too long
)

// Outcome is what became of a claimed delivery.
type Outcome struct {
	State State         // Completed, Retryable or Discarded
	After time.Duration // Retryable: not before this has passed
	Error string        // what went wrong; "" when Completed
}
