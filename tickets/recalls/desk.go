package recalls

import (
	"context"
	"fmt"
	"time"

	"telltale/rules/excursion"
)

// Options of a [Desk].
type Options struct {
	// Now is the clock for what people do. Default: [time.Now].
	Now func() time.Time
}

// Desk is where judgements of shipments and people's acts become holds and
// recalls. It holds no state of its own and is safe for concurrent use.
type Desk struct {
	transact Transact
	now      func() time.Time
}

// NewDesk returns a desk that runs people's acts in transactions of its own.
func NewDesk(transact Transact, opts Options) *Desk {
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	return &Desk{transact: transact, now: func() time.Time { return stored(now()) }}
}

// stored returns t as it comes back from the store: UTC, in microseconds.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// clock writes a time for people.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Reader reads the evidence without a lock.
type Reader interface {
	ReadCase(ctx context.Context, shipment string) (*Case, error)
	LoadTrace(ctx context.Context, shipment string) (excursion.Trace, error)
}

// Assess judges a shipment as of now and changes nothing: for people who ask
// between two looks of [Desk.Consider]. The error of an unknown id is
// [NoShipment]'s.
func Assess(ctx context.Context, r Reader, shipment string, now time.Time) (*excursion.Assessment, error) {
	c, err := r.ReadCase(ctx, shipment)
	if err != nil {
		return nil, fmt.Errorf("read shipment %s: %w", shipment, err)
	}
	trace, err := r.LoadTrace(ctx, shipment)
	if err != nil {
		return nil, fmt.Errorf("load trace of shipment %s: %w", shipment, err)
	}
	a := excursion.Assess(c.Shipment, c.Profile, trace, stored(now))
	return &a, nil
}
