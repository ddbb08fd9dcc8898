package ingest

import (
	"bytes"
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

// add turns a message into what is to be stored of it. It runs in the caller's
// goroutine, so that decoding is spread over the processors. Nothing refers to
// the message's payload afterwards.
func (p *Pipeline) add(it *pending, m Message) {
	it.messages++
	if size := len(m.Payload) + m.Cut; size > codec.MaxPayload {
		p.quarantine(it, oversized(m), "", complaint{reason: TooLarge, devices: p.senderOf(m.Topic, nil),
			detail: fmt.Sprintf("payload of %d bytes is above the limit of %d; the first %d are kept", size, codec.MaxPayload, keptOfOversized)})
	} else if source, c, ok := p.opts.Router.Find(m.Topic); !ok {
		p.quarantine(it, m, "", complaint{reason: UnknownTopic, detail: fmt.Sprintf("no source claims topic %s", m.Topic)})
	} else {
		p.decode(it, m, source, c)
	}
}

// keptOfOversized is how much of a payload above the limit is kept.
const keptOfOversized = 4 << 10

func oversized(m Message) Message {
	m.Payload = m.Payload[:min(len(m.Payload), keptOfOversized)]
	return m
}

func (p *Pipeline) decode(it *pending, m Message, source string, c codec.Codec) {
	before := len(it.reports)
	decoded, err := p.decodeSafely(c, it.reports, m)
	if err != nil {
		p.quarantine(it, m, source, complaint{reason: undecoded(err), detail: err.Error(), devices: p.senderOf(m.Topic, err)})
		return
	}
	added := decoded[before:]
	if m.Retained {
		added = withoutUndated(added)
		if len(added) == 0 {
			it.special = append(it.special, outcomeRepeated)
		}
	}
	view, clock := p.currentView(), p.clock(source)
	if c, beyond := p.limit(it, m, view, added); beyond {
		p.quarantine(it, m, source, c)
		return
	}
	clock.correct(added, &p.drifts, view.declares)
	added, cs := view.check(added, clock)
	it.reports = decoded[:before+len(added)]
	for _, c := range cs {
		p.quarantine(it, m, source, c)
	}
	if len(cs) > 1 { // one outcome for each message
		it.special = it.special[:len(it.special)-len(cs)+1]
	}
}

// limit charges a message to the devices it is from. One that came through a
// broker's hands is refused when it is beyond the limit, for to hold it up would
// hold up everybody else's; others make their sender pause.
func (p *Pipeline) limit(it *pending, m Message, view *view, reports []devices.Report) (c complaint, beyond bool) {
	if p.limiter == nil || m.Replayed {
		return complaint{}, false
	}
	for len(reports) > 0 {
		id, n := reports[0].Device, 1
		for n < len(reports) && reports[n].Device == id {
			n++
		}
		reports = reports[n:]
		if !view.declares(id) {
			continue // refused for that, and of no bounded number
		}
		x := p.limiter.charge(id, n, m.ReceivedAt, m.Relayed)
		if x.over <= 0 {
			continue
		}
		if x.warn {
			p.opts.Log.Warn("device sends more than its limit", zap.String("device_id", string(id)),
				zap.Bool("refused", m.Relayed), zap.Duration("ahead", x.over))
		}
		if m.Relayed {
			return complaint{reason: RateLimited, devices: []devices.ID{id}, detail: fmt.Sprintf(
				"device %s sends more than the %g messages per second it may", id, p.opts.Limits.DeviceRate)}, true
		}
		it.pause = max(it.pause, x.over)
	}
	return complaint{}, false
}

// senderOf returns whose message it is that could not be decoded: the device
// that the codec found before it failed, or else the only one that speaks on
// the topic; nil when neither says.
func (p *Pipeline) senderOf(topic string, err error) []devices.ID {
	var pe *codec.PayloadError
	if errors.As(err, &pe) && pe.Device != "" {
		return []devices.ID{pe.Device}
	}
	if id, ok := p.opts.Router.Owner(topic); ok {
		return []devices.ID{id}
	}
	return nil
}

// undecoded is the reason to refuse a message that a codec does not decode.
func undecoded(err error) Reason {
	switch {
	case errors.Is(err, codec.ErrUnborn):
		return Unborn
	case errors.Is(err, codec.ErrScript):
		return ScriptFailed
	default:
		return Malformed
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
	return c.Decode(dst, codec.Payload{
		Topic: m.Topic, Body: m.Payload, ReceivedAt: m.ReceivedAt, Old: m.Retained || m.Replayed,
	})
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

// clock returns how the times of a source are treated.
func (p *Pipeline) clock(source string) Clock {
	if c, ok := p.opts.Clocks[source]; ok {
		return c
	}
	return p.opts.Clocks[""]
}

func (p *Pipeline) quarantine(it *pending, m Message, source string, c complaint) {
	it.special = append(it.special, string(c.reason))
	it.quarantined = append(it.quarantined, Quarantined{
		ID: quarantinedID(c.reason, m.Topic, m.Payload), Reason: c.reason, Detail: c.sentence(),
		Topic: m.Topic, Source: source, ClientID: m.ClientID, Payload: bytes.Clone(m.Payload),
		ReceivedAt: m.ReceivedAt, Retained: m.Retained, Devices: c.devices, ObservedAt: c.observedAt,
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

// count notes what became of messages that are stored.
func (p *Pipeline) count(it *pending) {
	p.metrics.outcomes[outcomeAccepted].Add(float64(it.messages - len(it.special)))
	for _, outcome := range it.special {
		p.metrics.outcomes[outcome].Inc()
	}
}
