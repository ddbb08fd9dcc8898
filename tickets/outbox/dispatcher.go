package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Store is where deliveries wait. Times are by the store's clock, so that
// several nodes agree.
type Store interface {
	// ClaimDeliveries takes up to limit deliveries of a destination that are
	// due, oldest first, at most one of each ordering key, and none with an
	// earlier unsettled one of its key. They are running until the lease is
	// over; then they may be claimed again.
	ClaimDeliveries(ctx context.Context, destination string, limit int, lease time.Duration) ([]Delivery, error)

	// SettleDelivery records what became of a claimed delivery. It changes
	// nothing when the delivery has been claimed again since.
	SettleDelivery(ctx context.Context, d Delivery, outcome Outcome) error

	// OldestUnsent returns the age of the oldest unsettled delivery of each
	// destination that has one.
	OldestUnsent(ctx context.Context) (map[string]time.Duration, error)
}

// Destination is where events are sent to.
type Destination interface {
	Name() string

	// Send delivers one event within its own time limit. An error that is not
	// a [*SendError] says that the destination is out of reach.
	Send(ctx context.Context, event Event) error
}

// Options of a [Dispatcher].
type Options struct {
	// Parallel is how many events are sent to one destination at once.
	// Default: 8.
	Parallel int

	// Watch calls wake whenever there may be new events, until ctx ends or it
	// loses touch; then it is called again. Nil: the store is only polled.
	Watch func(ctx context.Context, wake func()) error

	// Poll is how often the store is asked without being woken. Default: 1 s.
	Poll time.Duration

	// Lease is how long a claimed delivery is not claimed again; it must be
	// longer than a batch can take: four times a destination's time limit.
	// Default: 1 min.
	Lease time.Duration

	// StopWithin is how long attempts under way may go on after the end of
	// Run's context. Default: 3 s.
	StopWithin time.Duration

	// Policy says when to try again.
	Policy Policy

	// Metrics count; nil: nothing is counted.
	Metrics *Metrics

	// Tracer is told of every attempt; nil: nobody is.
	Tracer Tracer
}

// Tracer makes spans of attempts to deliver. It must not wait.
type Tracer interface {
	// Attempted is called after an attempt that led to the outcome.
	Attempted(d Delivery, from, to time.Time, outcome Outcome)
}

const (
	defaultParallel   = 8
	defaultPoll       = time.Second
	defaultLease      = time.Minute
	defaultStopWithin = 3 * time.Second

	batchPerSender = 4                // deliveries claimed for each sender at once
	gaugeEvery     = 10 * time.Second // how often the age of the oldest is measured
	claimWithin    = 5 * time.Second  // bound of taking deliveries
	settleWithin   = 5 * time.Second  // bound of writing down what became of a delivery
)

func (o Options) withDefaults() Options {
	o.Parallel = cmp.Or(o.Parallel, defaultParallel)
	o.Poll = cmp.Or(o.Poll, defaultPoll)
	o.Lease = cmp.Or(o.Lease, defaultLease)
	o.StopWithin = cmp.Or(o.StopWithin, defaultStopWithin)
	o.Policy = o.Policy.withDefaults()
	return o
}

func (o Options) validate() error {
	var faults []error
	if o.Parallel < 1 {
		faults = append(faults, errors.New("outbox: option Parallel must be positive"))
	}
	if o.Poll < 0 || o.Lease < 0 || o.StopWithin < 0 {
		faults = append(faults, errors.New("outbox: options Poll, Lease and StopWithin must not be negative"))
	}
	return errors.Join(faults...)
}

// Dispatcher delivers stored events to their destinations, each in a loop of
// its own. Several nodes may run one on the same store.
type Dispatcher struct {
	store Store
	lanes []*lane
	opts  Options
	log   *zap.Logger
}

// NewDispatcher returns a dispatcher for the destinations, whose names must
// differ.
func NewDispatcher(store Store, destinations []Destination, log *zap.Logger, opts Options) (*Dispatcher, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	d := &Dispatcher{store: store, opts: opts, log: log.Named("outbox")}
	seen := make(map[string]bool, len(destinations))
	for _, destination := range destinations {
		name := destination.Name()
		if seen[name] {
			return nil, fmt.Errorf("outbox: there are two destinations %q", name)
		}
		seen[name] = true
		d.lanes = append(d.lanes, newLane(store, destination, d.log, opts))
	}
	return d, nil
}

// Run delivers until ctx ends. Attempts under way may then end within
// Options.StopWithin. It returns nil.
func (d *Dispatcher) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	for _, l := range d.lanes {
		loops.Go(func() { l.run(ctx) })
	}
	loops.Go(func() { d.measure(ctx) })
	if d.opts.Watch != nil {
		loops.Go(func() { d.watch(ctx) })
	}
	loops.Wait()
	return nil
}

// Wake makes all destinations look for new deliveries at once. It never
// blocks.
func (d *Dispatcher) Wake() {
	for _, l := range d.lanes {
		select {
		case l.wake <- struct{}{}:
		default: // it has been woken and has not looked yet
		}
	}
}

// watch wakes the lanes when something was stored. While it is out of touch
// they poll, so it may take its time to come back.
func (d *Dispatcher) watch(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.opts.Watch(ctx, d.Wake); err != nil && ctx.Err() == nil {
			d.log.Warn("not told of new events, polling", zap.Error(err))
		}
		pause := time.NewTimer(d.opts.Poll)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// measure keeps the age of the oldest unsent event up to date.
func (d *Dispatcher) measure(ctx context.Context) {
	tick := time.NewTicker(gaugeEvery)
	defer tick.Stop()
	for {
		if err := d.measureOnce(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("age of unsent events not measured", zap.Error(err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (d *Dispatcher) measureOnce(ctx context.Context) error {
	ages, err := d.store.OldestUnsent(ctx)
	if err != nil {
		return fmt.Errorf("read oldest unsent events: %w", err)
	}
	for _, l := range d.lanes {
		d.opts.Metrics.waiting(l.to.Name(), ages[l.to.Name()])
	}
	return nil
}
