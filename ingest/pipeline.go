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
	pool      sync.Pool // of *pending with a waiter, not waited on by anybody
	flush     flush
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
	p.pool.New = func() any { return &pending{waiter: make(chan error, 1)} }
	var err error
	if p.metrics, err = newMetrics(opts.Metrics, p.queue); err != nil {
		return nil, fmt.Errorf("register pipeline metrics: %w", err)
	}
	return p, nil
}

// Accept stores one message and returns nil when it is synced to disk, as
// reports or in quarantine. After an error it may be stored all the same, and
// must be sent again.
func (p *Pipeline) Accept(ctx context.Context, m Message) error {
	it := p.pool.Get().(*pending)
	p.prepare(it, m)
	it.expires = m.ReceivedAt.Add(p.opts.Patience)
	if it.nothing() {
		p.count(it)
		p.pool.Put(it)
		return nil
	}
	if err := p.queue.put(ctx, it); err != nil {
		p.metrics.outcomes[outcomeUnstored].Inc()
		p.pool.Put(it)
		return fmt.Errorf("accept message: %w", err)
	}
	select {
	case err := <-it.waiter:
		p.pool.Put(it)
		return err
	case <-ctx.Done():
		return fmt.Errorf("accept message: %w", ctx.Err()) // the flusher still holds it
	}
}

// Submit stores one message and calls done, once, with what Accept would have
// returned, except that it never gives up waiting for the log. Messages are
// stored, and their done called, in the order of the Submit calls. Submit
// itself waits only while the queue is full. done must not block.
func (p *Pipeline) Submit(ctx context.Context, m Message, done func(error)) {
	it := &pending{callback: done}
	p.prepare(it, m)
	if err := p.queue.put(ctx, it); err != nil {
		p.metrics.outcomes[outcomeUnstored].Inc()
		done(fmt.Errorf("submit message: %w", err))
	}
}

// Refuse puts a message that a door could not even read into quarantine; it
// returns as Accept does.
func (p *Pipeline) Refuse(ctx context.Context, m Message, reason Reason, detail string) error {
	result := make(chan error, 1)
	it := &pending{callback: func(err error) { result <- err }}
	p.quarantine(it, m, reason, detail)
	it.weigh()
	if err := p.queue.put(ctx, it); err != nil {
		p.metrics.outcomes[outcomeUnstored].Inc()
		return fmt.Errorf("refuse message: %w", err)
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("refuse message: %w", ctx.Err())
	}
}

// prepare turns a message into what is to be stored of it. It runs in the
// caller's goroutine, so that decoding is spread over the processors.
func (p *Pipeline) prepare(it *pending, m Message) {
	it.reports, it.quarantined = it.reports[:0], it.quarantined[:0]
	it.outcome = outcomeAccepted
	if len(m.Payload) > codec.MaxPayload {
		p.quarantine(it, oversized(m, len(m.Payload)), TooLarge,
			fmt.Sprintf("payload of %d bytes is above the limit of %d; the first %d are kept", len(m.Payload), codec.MaxPayload, keptOfOversized))
	} else if c, ok := p.opts.Router.Route(m.Topic); !ok {
		p.quarantine(it, m, UnknownTopic, fmt.Sprintf("no source claims topic %s", m.Topic))
	} else {
		p.decode(it, m, c)
	}
	it.weigh()
}

// keptOfOversized is how much of a payload above the limit is kept.
const keptOfOversized = 4 << 10

func oversized(m Message, size int) Message {
	m.Payload = m.Payload[:min(size, keptOfOversized)]
	return m
}

func (p *Pipeline) decode(it *pending, m Message, c codec.Codec) {
	reports, err := p.decodeSafely(c, it.reports, m)
	if err != nil {
		p.quarantine(it, m, Malformed, err.Error())
		return
	}
	if m.Retained {
		reports = withoutUndated(reports)
		if len(reports) == 0 {
			it.outcome = outcomeRepeated
		}
	}
	kept, cs := p.currentView().check(reports)
	it.reports = kept
	for _, c := range cs {
		p.quarantine(it, m, c.reason, c.sentence())
	}
}

// decodeSafely makes an error of a codec's panic: one message that nobody
// foresaw must not end the gateway, over and over, for every device.
func (p *Pipeline) decodeSafely(c codec.Codec, dst []devices.Report, m Message) (reports []devices.Report, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("codec panicked: %v", v)
			p.opts.Log.Error("codec panicked", zap.String("topic", m.Topic), zap.Any("panic", v), zap.StackSkip("stack", 1))
		}
	}()
	return c.Decode(dst, codec.Payload{Topic: m.Topic, Body: m.Payload, ReceivedAt: m.ReceivedAt})
}

// withoutUndated keeps, in place, the reports of a retained message that say
// when they were made, or whose sender is connected or not: of the others
// nobody knows how old they are, and they were ingested when they were new.
func withoutUndated(reports []devices.Report) []devices.Report {
	kept := reports[:0]
	for _, r := range reports {
		if r.Presence != devices.PresenceUnknown || !r.ObservedAt.Equal(r.ReceivedAt) {
			kept = append(kept, r)
		}
	}
	return kept
}

func (p *Pipeline) quarantine(it *pending, m Message, reason Reason, detail string) {
	it.outcome = string(reason)
	it.quarantined = append(it.quarantined, Quarantined{
		ID: quarantinedID(reason, m.Topic, m.Payload), Reason: reason, Detail: detail,
		Topic: m.Topic, ClientID: m.ClientID, Payload: m.Payload, ReceivedAt: m.ReceivedAt,
	})
}

// currentView returns the directory as it is now.
func (p *Pipeline) currentView() *view {
	d := p.directory()
	v := p.view.Load()
	if v == nil || v.directory != d {
		v = newView(d)
		p.view.Store(v)
	}
	return v
}

// nothing reports whether there is nothing to store.
func (it *pending) nothing() bool { return len(it.reports) == 0 && len(it.quarantined) == 0 }

// count notes what became of a message that is stored.
func (p *Pipeline) count(it *pending) {
	p.metrics.outcomes[it.outcome].Inc()
}
