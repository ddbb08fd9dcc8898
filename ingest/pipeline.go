package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest/codec"
)

// Errors of the pipeline. After each of them the message must not be
// acknowledged.
var (
	// ErrNotStored says that the log did not take the message in time.
	ErrNotStored = errors.New("ingest: message was not stored in time")

	// ErrStopped says that the pipeline runs no more.
	ErrStopped = errors.New("ingest: pipeline is stopped")
)

// Appender is the durable log, as the pipeline needs it. Append returns nil
// when everything is synced to disk; it may be given the same again after an
// error.
type Appender interface {
	Append(ctx context.Context, at time.Time, reports []devices.Report, refused [][]byte) error
}

// PipelineOptions tune a pipeline; the zero value is right for most.
type PipelineOptions struct {
	// Router finds the codec of a topic. Nil: the native topics only.
	Router *codec.Router

	// Clocks say by the name of a source how its devices' times are treated;
	// the others' by the name "". Nil: all are trusted.
	Clocks map[string]Clock

	// Drifts are what is known already of devices' clocks, for sources whose
	// policy is [OffsetClock]. The pipeline goes on from there, in this map.
	Drifts map[devices.ID]devices.Drift

	// Limits bound what one device may send.
	Limits Limits

	// QueueMessages and QueueBytes bound what waits for the log; beyond either,
	// senders wait. Zero: 65,536 messages, 64 MiB.
	QueueMessages int
	QueueBytes    int

	// Patience is how long Accept waits for the log before it gives up and the
	// sender has to send again. Zero: 20 s.
	Patience time.Duration

	// Metrics is where the pipeline's metrics are registered. Nil: nowhere.
	Metrics prometheus.Registerer

	// Log is told of failing flushes. Nil: none.
	Log *zap.Logger
}

// Pipeline decodes messages, identifies their device, checks times and values
// and appends what is believed to the log and what is not to its quarantine.
// Messages that arrive while a flush is under way share the next one. Its
// methods are safe for concurrent use.
type Pipeline struct {
	log       Appender
	directory func() *devices.Directory
	view      atomic.Pointer[view]
	opts      PipelineOptions
	queue     *queue
	metrics   *metrics
	waiters   sync.Pool // of *waiter
	flush     flush
	drifts    drifts
	limiter   *limiter // nil: nobody is limited
}

// NewPipeline returns a pipeline into the log. directory returns the devices as
// they are declared now; it is called for every message. Run must be called for
// anything to be stored.
func NewPipeline(log Appender, directory func() *devices.Directory, opts PipelineOptions) (*Pipeline, error) {
	opts.QueueMessages = cmp.Or(opts.QueueMessages, 1<<16)
	opts.QueueBytes = cmp.Or(opts.QueueBytes, 64<<20)
	opts.Patience = cmp.Or(opts.Patience, 20*time.Second)
	opts.Log = cmp.Or(opts.Log, zap.NewNop())
	if opts.Router == nil {
		router, err := codec.NewRouter(nil, codec.Options{})
		if err != nil {
			return nil, err
		}
		opts.Router = router
	}
	p := &Pipeline{log: log, directory: directory, opts: opts, queue: newQueue(opts.QueueMessages, opts.QueueBytes)}
	p.drifts.all = opts.Drifts
	if p.drifts.all == nil {
		p.drifts.all = make(map[devices.ID]devices.Drift)
	}
	p.waiters.New = func() any {
		w := &waiter{result: make(chan error, 1)}
		w.sender = w
		return w
	}
	var err error
	if p.limiter, err = newLimiter(opts.Limits); err != nil {
		return nil, err
	}
	if p.metrics, err = newMetrics(opts.Metrics, p.queue); err != nil {
		return nil, fmt.Errorf("register pipeline metrics: %w", err)
	}
	return p, nil
}

// Accept stores one message and returns nil when it is synced to disk, as
// reports or in quarantine. After an error it may be stored all the same, and
// must be sent again. The sender of a device that is beyond its limit is kept
// waiting.
func (p *Pipeline) Accept(ctx context.Context, m Message) error {
	w := p.waiters.Get().(*waiter)
	w.reset()
	p.add(&w.pending, m)
	w.expires = m.ReceivedAt.Add(p.opts.Patience)
	if w.nothing() {
		p.count(&w.pending)
		p.waiters.Put(w)
		return nil
	}
	if err := p.submit(ctx, &w.pending); err != nil {
		p.waiters.Put(w)
		return fmt.Errorf("accept message: %w", err)
	}
	select {
	case err := <-w.result:
		pause := w.pause
		p.waiters.Put(w)
		p.metrics.pause(min(pause, longestPause), ctx.Done())
		return err
	case <-ctx.Done():
		return fmt.Errorf("accept message: %w", ctx.Err()) // the flusher still holds it
	}
}

// longestPause bounds a pause of Accept, which not every caller can break off.
const longestPause = time.Second

// waiter is the sender of one message that waits in a blocking call.
type waiter struct {
	pending
	result chan error // holds one
}

func (w *waiter) waits(now time.Time) bool { return !w.expires.Before(now) }
func (w *waiter) settle(err error)         { w.result <- err }

// Submit stores one message and calls done, once, with what Accept would have
// returned, except that it never gives up waiting for the log. Messages are
// stored, and their done called, in the order of the Submit calls. Submit
// itself waits only while the queue is full. done must not block.
func (p *Pipeline) Submit(ctx context.Context, m Message, done func(error)) {
	it := &pending{sender: callback(done)}
	p.add(it, m)
	if err := p.submit(ctx, it); err != nil {
		done(fmt.Errorf("submit message: %w", err))
	}
}

// callback is a sender that waits for as long as it takes.
type callback func(error)

func (callback) waits(time.Time) bool { return true }
func (f callback) settle(err error)   { f(err) }

// Refuse puts a message that a door could not even read into quarantine; it
// returns as Accept does.
func (p *Pipeline) Refuse(ctx context.Context, m Message, reason Reason, detail string) error {
	result := make(chan error, 1)
	it := &pending{messages: 1, sender: callback(func(err error) { result <- err })}
	p.quarantine(it, m, "", complaint{reason: reason, detail: detail})
	if err := p.submit(ctx, it); err != nil {
		return fmt.Errorf("refuse message: %w", err)
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("refuse message: %w", ctx.Err())
	}
}

// submit hands messages that were added to it over to the flusher. It waits
// for room in the queue; after an error their sender is not told again.
func (p *Pipeline) submit(ctx context.Context, it *pending) error {
	it.weigh()
	return p.enqueue(ctx, it)
}

func (p *Pipeline) enqueue(ctx context.Context, it *pending) error {
	err := p.queue.put(ctx, it)
	if err != nil {
		p.metrics.outcomes[outcomeUnstored].Add(float64(it.messages))
	}
	return err
}

// nothing reports whether there is nothing to store.
func (it *pending) nothing() bool { return len(it.reports) == 0 && len(it.quarantined) == 0 }

// count notes what became of messages that are stored.
func (p *Pipeline) count(it *pending) {
	p.metrics.outcomes[outcomeAccepted].Add(float64(it.messages - len(it.special)))
	for _, outcome := range it.special {
		p.metrics.outcomes[outcome].Inc()
	}
}
