package recalls

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"telltale/tickets/outbox"
)

// Types of the events that this package tells. Data is an [excursion.View], a
// [HoldView] or a [View], as things were at that moment.
const (
	EventShipmentAssessed = "shipment.assessed" // its verdict changed
	EventHoldPlaced       = "hold.placed"
	EventHoldReleased     = "hold.released"
	EventRecallProposed   = "recall.proposed"
	EventRecallUpdated    = "recall.updated" // signed once, or told of later data
	EventRecallApproved   = "recall.approved"
	EventRecallRejected   = "recall.rejected"
	EventRecallAnswered   = "recall.answered"
	EventRecallClosed     = "recall.closed"
)

// newEvent returns the event of a change. It commits with the change, so an
// id by chance is enough to tell it from every other.
func newEvent(kind, orderingKey, subject string, at time.Time, view any) outbox.Event {
	data, err := json.Marshal(view)
	if err != nil { // views hold strings, times and finite numbers only
		panic(fmt.Sprintf("recalls: encode %s: %v", kind, err))
	}
	return outbox.Event{
		ID: rand.Text(), Type: kind, Subject: subject, OrderingKey: orderingKey, At: at, Data: data,
	}
}
