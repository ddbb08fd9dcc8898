package ingest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// session carries the messages of one connection:
//
//	receive --queue--> submit --Pipeline--> stored --acks--> acknowledge
//
// receive is the library's handler and must never wait, or the library would
// not see the broker's PINGRESP and give the connection up. The three other
// steps are goroutines of their own, since each may wait: for room in the
// pipeline, for the sync, for the network. All of them keep the order.
type session struct {
	subscriber *Subscriber
	queue      chan mqtt.Message // closed by stop
	bytes      atomic.Int64      // payloads in queue

	ended    chan error // holds the first reason to end the connection
	stopping atomic.Bool
	broken   atomic.Bool // what follows must not be acknowledged

	// mu orders receive before the closing of queue.
	mu     sync.RWMutex
	closed bool

	acks    ackList
	running sync.WaitGroup // submit and acknowledge
	open    sync.WaitGroup // messages in the pipeline
}

func newSession(s *Subscriber) *session {
	return &session{
		subscriber: s,
		queue:      make(chan mqtt.Message, queueMessages),
		ended:      make(chan error, 1),
		acks:       ackList{wake: make(chan struct{}, 1)},
	}
}

var errOverflow = errors.New("messages come faster than they can be stored; left unacknowledged to get them again")

// receive takes a message from the library.
func (x *session) receive(_ mqtt.Client, m mqtt.Message) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed || m.Qos() > 0 && (x.broken.Load() || x.stopping.Load()) {
		return // unacknowledged; the broker sends it again to the next connection
	}
	size := int64(len(m.Payload()))
	if x.bytes.Load()+size <= x.subscriber.opts.QueueBytes {
		select {
		case x.queue <- m:
			x.bytes.Add(size)
			return
		default:
		}
	}
	if m.Qos() == 0 {
		x.subscriber.metrics.dropped.Inc() // the broker will not send it again
		return
	}
	// Acknowledging a later one would be out of order, so none is from here on.
	x.broken.Store(true)
	x.end(errOverflow)
}

// end asks for the end of the connection; the first reason counts.
func (x *session) end(err error) {
	select {
	case x.ended <- err:
	default:
	}
}

func (x *session) start() {
	x.running.Go(x.submit)
	x.running.Go(x.acknowledge)
}

// stop returns when everything that was read is stored, and acknowledged if
// the connection still holds. Of a broken connection, what is only queued and
// can be had again is let go. When ctx is done, stop waits no longer than
// drainGrace; the rest then ends with the pipeline.
func (x *session) stop(ctx context.Context) {
	x.stopping.Store(true)
	if ctx.Err() == nil {
		x.broken.Store(true)
	}
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	close(x.queue)

	finished := make(chan struct{})
	go func() { x.running.Wait(); close(finished) }()
	select {
	case <-finished:
		return
	case <-ctx.Done():
	}
	select {
	case <-finished:
	case <-time.After(drainGrace):
		x.broken.Store(true)
	}
}

func (x *session) submit() {
	for m := range x.queue {
		x.bytes.Add(-int64(len(m.Payload())))
		if m.Qos() > 0 && x.broken.Load() {
			continue
		}
		x.open.Add(1)
		// The pipeline waits for its log, and ends by being stopped.
		x.subscriber.pipeline.Submit(context.Background(), x.message(m), func(err error) {
			defer x.open.Done()
			if err != nil {
				x.broken.Store(true)
				x.end(err)
			} else if !x.broken.Load() {
				x.acks.add(m)
			}
		})
	}
	x.open.Wait()
	x.acks.close()
}

func (x *session) message(m mqtt.Message) Message {
	return Message{
		Topic: m.Topic(), Payload: m.Payload(), QoS: m.Qos(), Retained: m.Retained(), Relayed: true, ReceivedAt: time.Now(),
	}
}

// acknowledge sends the acknowledgements, in the order of arrival: the
// pipeline stores what is submitted in order, and says so in order.
func (x *session) acknowledge() {
	for list, ok := x.acks.take(nil); ok; list, ok = x.acks.take(list) {
		for _, m := range list {
			m.Ack() // nothing when the connection is gone: then it comes again
		}
	}
	x.subscriber.opts.Log.Debug("session ended", zap.Bool("broken", x.broken.Load()))
}

// ackList hands stored messages from the pipeline, which must not wait, to the
// goroutine that acknowledges. It holds no more than the pipeline does, and
// what the broker lets be unacknowledged.
type ackList struct {
	mu     sync.Mutex
	list   []mqtt.Message
	closed bool
	wake   chan struct{}
}

func (a *ackList) add(m mqtt.Message) {
	a.mu.Lock()
	a.list = append(a.list, m)
	a.mu.Unlock()
	a.signal()
}

func (a *ackList) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.signal()
}

func (a *ackList) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// take waits for messages and returns them; ok is false when there are none
// and will be none. spare is used for the next list.
func (a *ackList) take(spare []mqtt.Message) (list []mqtt.Message, ok bool) {
	clear(spare)
	for {
		a.mu.Lock()
		if len(a.list) > 0 {
			list, a.list = a.list, spare[:0]
			a.mu.Unlock()
			return list, true
		}
		closed := a.closed
		a.mu.Unlock()
		if closed {
			return nil, false
		}
		<-a.wake
	}
}

// subscriberMetrics are the subscriber's own; messages are counted by the
// pipeline.
type subscriberMetrics struct {
	connected prometheus.Gauge
	connects  prometheus.Counter
	dropped   prometheus.Counter
}

func newSubscriberMetrics(reg prometheus.Registerer) (*subscriberMetrics, error) {
	m := &subscriberMetrics{
		connected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "telltale_subscriber_connected", Help: "1 while connected to the external broker."}),
		connects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_subscriber_connects_total", Help: "Connections made to the external broker."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_subscriber_dropped_total", Help: "QoS 0 messages lost because they came faster than they could be stored."}),
	}
	return m, register(reg, m.connected, m.connects, m.dropped)
}
