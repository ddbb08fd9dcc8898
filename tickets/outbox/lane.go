package outbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"
)

// lane is the way to one destination.
type lane struct {
	store Store
	to    Destination
	opts  Options
	log   *zap.Logger
	wake  chan struct{} // capacity 1: one wake-up waiting is as good as many

	mu      sync.Mutex
	breaker breaker
}

func newLane(store Store, to Destination, log *zap.Logger, opts Options) *lane {
	return &lane{
		store: store, to: to, opts: opts,
		log:  log.With(zap.String("destination", to.Name())),
		wake: make(chan struct{}, 1),
	}
}

// run delivers until ctx ends.
func (l *lane) run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := l.round(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			l.log.Warn("deliveries not claimed", zap.Error(err))
		case n > 0:
			continue // there may be more
		}
		l.wait(ctx)
	}
}

// wait returns when woken, when it is time to look again, or when ctx ends.
func (l *lane) wait(ctx context.Context) {
	poll := time.NewTimer(l.opts.Poll)
	defer poll.Stop()
	select {
	case <-l.wake:
	case <-poll.C:
	case <-ctx.Done():
	}
}

// round claims a batch, sends it and settles it. It returns how many
// deliveries were claimed.
func (l *lane) round(ctx context.Context) (int, error) {
	l.mu.Lock()
	limit := l.breaker.allows(l.opts.Parallel*batchPerSender, time.Now())
	l.mu.Unlock()
	if limit == 0 {
		return 0, nil
	}
	batch, err := l.claim(ctx, limit)
	if err != nil {
		return 0, fmt.Errorf("claim deliveries: %w", err)
	}
	if len(batch) > 0 {
		l.deliver(ctx, batch)
	}
	return len(batch), nil
}

// claim is not broken off by the end of ctx: what was claimed and not
// received could not be given back, and would wait for the end of its lease.
func (l *lane) claim(ctx context.Context, limit int) ([]Delivery, error) {
	claiming, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimWithin)
	defer cancel()
	return l.store.ClaimDeliveries(claiming, l.to.Name(), limit, l.opts.Lease)
}

// deliver sends a batch, several at once. The events of a batch have
// different ordering keys, so their order does not matter.
func (l *lane) deliver(ctx context.Context, batch []Delivery) {
	sending, stop := lingering(ctx, l.opts.StopWithin)
	defer stop()

	work := make(chan Delivery) // unbuffered: a sender takes one when it is free
	var senders sync.WaitGroup
	for range min(l.opts.Parallel, len(batch)) {
		senders.Go(func() {
			for d := range work {
				l.attempt(ctx, sending, d)
			}
		})
	}
	for _, d := range batch {
		work <- d
	}
	close(work)
	senders.Wait()
}

// lingering returns a context that ends some time after ctx.
func lingering(ctx context.Context, linger time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var timer *time.Timer
	var mu sync.Mutex
	unhook := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(linger, cancel)
	})
	return lasting, func() {
		unhook()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		cancel()
	}
}

// attempt sends one delivery and writes down what became of it. After the end
// of ctx nothing new is sent; the delivery is given back.
func (l *lane) attempt(ctx, sending context.Context, d Delivery) {
	if ctx.Err() != nil {
		l.settle(sending, d, Outcome{State: Retryable, Error: d.LastError})
		return
	}
	begin := time.Now()
	err := l.to.Send(sending, d.Event)
	if err != nil && sending.Err() != nil {
		// We broke it off, so it tells nothing about the destination.
		l.settle(sending, d, Outcome{State: Retryable, Error: "broken off at shutdown"})
		return
	}
	outcome := l.opts.Policy.Next(d, err, time.Now(), rand.Float64())
	l.record(err)
	l.opts.Metrics.attempted(l.to.Name(), outcome, time.Since(begin))
	if l.opts.Tracer != nil {
		l.opts.Tracer.Attempted(d, begin, time.Now(), outcome)
	}
	l.report(d, outcome)
	l.settle(sending, d, outcome)
}

// record feeds the breaker and tells when it opens or closes.
func (l *lane) record(err error) {
	l.mu.Lock()
	was := l.breaker.open()
	l.breaker.record(err, time.Now())
	is := l.breaker.open()
	l.mu.Unlock()

	if was == is {
		return
	}
	l.opts.Metrics.breaker(l.to.Name(), is)
	if is {
		l.log.Warn("destination fails, left alone for a while", zap.Error(err))
	} else {
		l.log.Info("destination is back")
	}
}

func (l *lane) report(d Delivery, outcome Outcome) {
	fields := []zap.Field{
		zap.String("event_id", d.Event.ID), zap.String("event_type", d.Event.Type),
		zap.String("subject", d.Event.Subject), zap.String("trace", d.Event.Trace), zap.Int("attempt", d.Attempts),
	}
	if outcome.Error != "" {
		fields = append(fields, zap.String("cause", outcome.Error))
	}
	switch outcome.State {
	case Completed:
		l.log.Debug("event delivered", fields...)
	case Retryable:
		l.log.Debug("event not delivered, will be tried again", append(fields, zap.Duration("after", outcome.After))...)
	case Discarded:
		l.log.Error("event given up, refused for too long", fields...)
	}
}

// settle writes even while the gateway stops: what was sent should not be
// sent again. If it cannot, the lease ends and the delivery is sent again.
func (l *lane) settle(ctx context.Context, d Delivery, outcome Outcome) {
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	if err := l.store.SettleDelivery(writing, d, outcome); err != nil {
		l.log.Warn("delivery not settled, will be sent again", zap.String("event_id", d.Event.ID),
			zap.String("trace", d.Event.Trace), zap.Error(err))
	}
}
