package history

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Consumer names the history writers in leases and checkpoints.
const Consumer = "history"

// PresenceConsumer names the writers that keep what devices said last.
const PresenceConsumer = "presence"

// Options say how a [Writer] works.
type Options struct {
	Node       string // stable name of this node, in leases. Required
	Partitions int    // of the log. Required

	// Consumer is the name in leases, checkpoints and logs. "": [Consumer].
	Consumer string

	// MaxReadings ends the gathering of a batch. It bounds memory, with the
	// size of one message of the log on top. Zero means 20,000: larger
	// batches made COPY no faster.
	MaxReadings int

	// MaxWait is how long a batch is gathered when readings are few; it is
	// how late history may be, and bounds the transactions per second. Zero
	// means 200 ms.
	MaxWait time.Duration

	// FlushEvery is how long a [Digester] takes in before it is told to store,
	// and Duty the share of the time that storing should take: after a Flush
	// that took long the next comes later, by up to ten seconds. Zero: a second,
	// and FlushEvery alone counts.
	FlushEvery time.Duration
	Duty       float64

	Log     *zap.Logger // nil: silence
	Metrics *Metrics    // nil: not counted
}

const (
	defaultMaxReadings = 20_000
	defaultMaxWait     = 200 * time.Millisecond

	defaultFlushEvery = time.Second

	// longestWait is how long a flush is put off at most because of a Duty.
	longestWait = 10 * time.Second
)

// Lease times. A writer that dies is followed by another within leaseTTL; one
// that restarts under its own name takes its leases back at once.
const (
	leaseTTL   = 15 * time.Second
	leaseRenew = 5 * time.Second
	leaseRetry = time.Second
)

// Pauses between tries while the store is away.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second

	// longestLater bounds what a store may ask for in a [LaterError].
	longestLater = 5 * time.Minute
)

func (o *Options) validate() error {
	var errs []error
	if o.Node == "" {
		errs = append(errs, errors.New("node name: not given"))
	}
	if o.Partitions < 1 {
		errs = append(errs, errors.New("partitions: must be at least 1"))
	}
	if o.MaxReadings < 0 || o.MaxWait < 0 || o.FlushEvery < 0 {
		errs = append(errs, errors.New("limits of a batch: must not be negative"))
	}
	if o.Duty < 0 || o.Duty > 1 {
		errs = append(errs, fmt.Errorf("duty: must be between 0 and 1, not %g", o.Duty))
	}
	return errors.Join(errs...)
}

func (o *Options) setDefaults() {
	o.Consumer = cmp.Or(o.Consumer, Consumer)
	o.MaxReadings = cmp.Or(o.MaxReadings, defaultMaxReadings)
	o.MaxWait = cmp.Or(o.MaxWait, defaultMaxWait)
	o.FlushEvery = cmp.Or(o.FlushEvery, defaultFlushEvery)
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
}
