package ingest

import (
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/zap"
)

// session carries the messages of one connection:
//
//	brokerWire --arrivals--> submit --Pipeline--> stored --acks--> acknowledge
//
// The wire's reader must never wait, or nobody would see the broker's PINGRESP
// and the library would give the connection up. The two other steps are
// goroutines of their own, since each may wait: for room in the pipeline, for
// the network. All of them keep the order.
type session struct {
	subscriber *Subscriber
	wire       *brokerWire // set by open

	arrivals handoff[arrival] // closed by stop
	bytes    atomic.Int64     // read and not yet in the pipeline
	acks     handoff[uint16]  // packet ids; the broker bounds how many are unacknowledged

	ended   chan error  // holds the first reason to end the connection
	closing atomic.Bool // what comes is left to the next connection
	broken  atomic.Bool // and what is here is not acknowledged any more

	running    sync.WaitGroup // submit and acknowledge
	inPipeline sync.WaitGroup // parcels
	parcels    sync.Pool
}

// arrival is what came from the broker in one go.
type arrival struct {
	packets []byte // PUBLISH, whole
	cut     int    // bytes of the last one that were not kept
	at      time.Time
}

func newSession(s *Subscriber) *session {
	x := &session{
		subscriber: s, arrivals: newHandoff[arrival](), acks: newHandoff[uint16](), ended: make(chan error, 1),
	}
	x.parcels.New = func() any {
		d := &parcel{session: x}
		d.sender = d
		return d
	}
	return x
}

// Reasons to end a connection. The broker sends again what is unacknowledged.
var (
	errOverflow      = errors.New("messages come faster than they can be stored; left unacknowledged to get them again")
	errInvalidPacket = errors.New("the broker sent a message that MQTT does not allow") // [MQTT-4.8.0-1]
)

// open connects to the broker for the library.
func (x *session) open(u *url.URL, opts mqtt.ClientOptions) (net.Conn, error) {
	conn, err := openBroker(u, opts)
	if err != nil {
		return nil, err
	}
	x.wire = newBrokerWire(conn, x)
	return x.wire, nil
}

// receive takes messages from the wire, as far as there is room.
func (x *session) receive(a arrival) {
	fits := len(a.packets)
	switch room := int(x.subscriber.opts.QueueBytes - x.bytes.Load()); {
	case x.closing.Load():
		fits = 0
	case fits > room:
		fits = wholePublishes(a.packets[:room])
	}
	x.leave(a.packets[fits:])
	if a.packets = a.packets[:fits]; fits > 0 {
		x.bytes.Add(int64(fits))
		x.arrivals.add(a)
	}
}

// leave lets go of messages. Those with QoS 1 come again with the next
// connection; to acknowledge a later one would be out of order, so this one
// takes no more.
func (x *session) leave(packets []byte) {
	const qos = 0x06
	for len(packets) > 0 {
		size, _ := packetSize(packets)
		if packets[0]&qos == 0 {
			x.subscriber.metrics.dropped.Inc()
		} else if !x.closing.Load() {
			x.end(errOverflow)
		}
		packets = packets[min(size, len(packets)):]
	}
}

// fail has nothing acknowledged from here on and the connection ended.
func (x *session) fail(err error) {
	x.broken.Store(true)
	x.end(err)
}

// end takes no more messages and asks for the end of the connection, when what
// is here is acknowledged. The first reason counts.
func (x *session) end(err error) {
	x.closing.Store(true)
	select {
	case x.ended <- err:
	default:
	}
}

func (x *session) start() {
	x.running.Go(x.submit)
	x.running.Go(x.acknowledge)
}

// stop returns when everything that was read is stored and acknowledged. Of a
// broken connection, what is only read and can be had again is let go. When ctx
// is done, stop waits no longer than drainGrace; the rest then ends with the
// pipeline.
func (x *session) stop(ctx context.Context) {
	x.closing.Store(true)
	x.arrivals.close()

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

// submit decodes what arrived and hands it to the pipeline.
func (x *session) submit() {
	load := x.parcels.Get().(*parcel)
	for list, ok := x.arrivals.take(nil); ok; list, ok = x.arrivals.take(list) {
		for _, a := range list {
			load = x.decode(load, a)
			x.bytes.Add(-int64(len(a.packets)))
		}
		load = x.handOver(load)
	}
	x.inPipeline.Wait()
	x.acks.close()
}

// decode adds an arrival to the load and returns the load to go on with.
func (x *session) decode(load *parcel, a arrival) *parcel {
	const version = 4 // of the protocol that we log in with
	for p := a.packets; len(p) > 0; {
		size, _ := packetSize(p)
		size = min(size, len(p)) // of one that was cut
		m, ok := parsePublish(p[:size], version)
		switch {
		case x.broken.Load():
			x.leave(p)
			return load
		case !ok:
			x.fail(errInvalidPacket)
			return load
		}
		load.add(m, a)
		if p = p[size:]; load.messages == parcelMessages {
			load = x.handOver(load)
		}
	}
	return load
}

// handOver waits for room in the pipeline and returns an empty load.
func (x *session) handOver(load *parcel) *parcel {
	if load.messages == 0 {
		return load
	}
	load.weigh()
	x.inPipeline.Add(1)
	// The pipeline waits for its log, and ends by being stopped.
	if err := x.subscriber.pipeline.enqueue(context.Background(), &load.pending); err != nil {
		load.settle(err)
	}
	return x.parcels.Get().(*parcel)
}

// acknowledge writes the acknowledgements, in the order of arrival: the
// pipeline stores what is handed over in order, and says so in order.
func (x *session) acknowledge() {
	var packets []byte
	for ids, ok := x.acks.take(nil); ok; ids, ok = x.acks.take(ids) {
		packets = packets[:0]
		for _, id := range ids {
			packets = appendPuback(packets, id)
		}
		if _, err := x.wire.Write(packets); err != nil {
			x.fail(err) // they come again
		}
	}
	x.subscriber.opts.Log.Debug("session ended", zap.Bool("broken", x.broken.Load()))
}
