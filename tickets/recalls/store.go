package recalls

import (
	"context"
	"time"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
	"telltale/tickets/outbox"
)

// Store is one transaction on shipments' evidence, holds and recalls.
type Store interface {
	Evidence
	Ledger
	Outbox
}

// Transact runs f in one transaction that commits when f returns nil, and
// runs it again when it lost a race.
type Transact func(ctx context.Context, f func(Store) error) error

// Evidence is what is known of shipments.
type Evidence interface {
	// LockShipment returns the shipment, locked until the transaction ends.
	// The error of an unknown id is [NoShipment]'s.
	LockShipment(ctx context.Context, id string) (*Case, error)

	// LoadTrace returns all temperatures stored for the shipment.
	LoadTrace(ctx context.Context, id string) (excursion.Trace, error)

	// SaveAssessment stores the judgement and the grounds acted upon.
	SaveAssessment(ctx context.Context, a *excursion.Assessment, grounds []string) error

	// StaleShipments returns up to limit shipments that were never judged, or
	// whose declaration, profile or ending is newer than their judgement; and
	// those whose declaration is settle old by now and was not when they were
	// judged.
	StaleShipments(ctx context.Context, now time.Time, settle time.Duration, limit int) ([]string, error)

	// BackfillTrace adds what the reading history knows to the trace, and
	// returns how many points were new.
	BackfillTrace(ctx context.Context, id string) (int64, error)

	// ShipmentsWithLots returns the ids of the shipments that carry any of
	// the lots, ascending.
	ShipmentsWithLots(ctx context.Context, lots []Lot) ([]string, error)
}

// Ledger is where holds and recalls are kept.
type Ledger interface {
	// PlaceHolds holds the lots that are not on hold yet, gives the new holds
	// their ids, and returns them.
	PlaceHolds(ctx context.Context, holds []Hold) ([]Hold, error)

	// LockHold returns a hold, locked together with its shipment. The error of
	// an unknown id is [NoHold]'s.
	LockHold(ctx context.Context, id string) (*Hold, error)

	// ReleaseHold stores when, by whom and why the hold was released.
	ReleaseHold(ctx context.Context, hold *Hold) error

	// LockRecall returns a recall, locked. The error of an unknown id is
	// [NoRecall]'s.
	LockRecall(ctx context.Context, id string) (*Recall, error)

	// LockRunningRecall returns the recall with the key that is neither
	// rejected nor closed, locked; nil when there is none.
	LockRunningRecall(ctx context.Context, key string) (*Recall, error)

	// RunningRecallOf returns the id of a recall that is neither rejected nor
	// closed and takes back the lot of the shipment; "" when there is none.
	RunningRecallOf(ctx context.Context, shipment string, lot Lot) (string, error)

	// AddRecall stores a new recall with its items, and gives it number, id
	// and the items' ids.
	AddRecall(ctx context.Context, r *Recall, key string) error

	// SaveRecall stores what changed of a recall: its status, explanation,
	// times, new signatures and the answers of its items.
	SaveRecall(ctx context.Context, r *Recall) error
}

// Outbox takes the events that the transaction announces.
type Outbox interface {
	AppendEvents(ctx context.Context, events []outbox.Event) error
}

// Case is a shipment with what has been decided about it so far.
type Case struct {
	Shipment *shipments.Shipment
	Profile  *shipments.StorageProfile
	Grounds  []string              // budgets that were acted upon
	Last     *excursion.Assessment // nil: never judged
}
