package ingest

import (
	"bytes"
	"context"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"go.uber.org/zap"

	"telltale/ingest/codec"
)

const (
	// windowMessages and windowWeight bound what one connection may have in the
	// pipeline at once, so that one that sends without end leaves the queue to
	// the others. A message that is alone may exceed the weight.
	windowMessages = 128
	windowWeight   = 512 << 10
)

// express takes the plain messages of one connection past the MQTT library:
// PUBLISH with QoS 0 or 1 to a topic that the client may publish to, which is
// nearly all that devices send. The library would have its goroutine wait for
// the sync of each message before it reads the next one.
type express struct {
	hook     *hook
	conn     *connection
	clientID string
	access   Access
	version  byte // of the protocol

	load *delivery // messages not yet handed over; nil: none
}

// delivery is what a connection sent in one go, on its way through the
// pipeline.
type delivery struct {
	pending
	from *express
	ids  []uint16          // to acknowledge, in order of arrival
	pass []*packets.Packet // to send on to other clients
}

// takes reports whether the packet goes the express way, and parses it.
func (x *express) takes(p []byte) (m publish, topic string, ok bool) {
	if p[0]>>4 != typePublish {
		return m, "", false
	}
	if m, ok = parsePublish(p, x.version); !ok {
		return m, "", false
	}
	topic = string(m.topic)
	ok = topic[0] != '$' && x.access.MayPublish(topic) && !codec.IsCommand(topic) && (!m.retain || codec.IsTelemetry(topic))
	return m, topic, ok
}

// add decodes a message into the load.
func (x *express) add(m publish, topic string, at time.Time) {
	x.hook.inflight.Add(1)
	if x.hook.draining.Load() {
		x.hook.inflight.Add(-1)
		return
	}
	if x.load == nil {
		x.load = x.hook.deliveries.Get().(*delivery)
		x.load.from = x
	}
	d := x.load
	x.hook.pipeline.add(&d.pending, Message{
		Topic: topic, Payload: m.payload, QoS: m.qos(), ClientID: x.clientID, ReceivedAt: at,
	})
	if m.id != 0 {
		d.ids = append(d.ids, m.id)
		d.expires = at.Add(x.hook.pipeline.opts.Patience)
	}
	if x.hook.heard(topic) {
		d.pass = append(d.pass, &packets.Packet{
			FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: m.qos()},
			TopicName:   topic, Payload: bytes.Clone(m.payload), Origin: x.clientID, PacketID: m.id,
		})
	}
	if d.messages == windowMessages {
		x.submit()
	}
}

// submit hands the load over and waits for room, in the connection's window and
// in the pipeline, and for as long as the device owes.
func (x *express) submit() {
	if x.load == nil {
		return
	}
	d := x.load
	x.load = nil
	d.weigh()
	x.conn.sent(&d.pending)
	pause := d.pause
	// No context: the wait ends by the pipeline's own patience.
	if err := x.hook.pipeline.enqueue(context.Background(), &d.pending); err != nil {
		d.settle(err)
	}
	// What a device may not send yet waits in its own connection, unread.
	x.hook.pipeline.metrics.pause(pause, x.conn.listener.served)
}

// waits implements [sender]. When one delivery is given up, all that come
// after it on the connection are: the client sends them again, in order.
func (d *delivery) waits(now time.Time) bool {
	if !d.expires.IsZero() && d.expires.Before(now) {
		d.from.conn.failed.Store(true)
	}
	return !d.from.conn.failed.Load()
}

// settle implements [sender]: it has the messages acknowledged, or the
// connection closed so that its client sends them again.
func (d *delivery) settle(err error) {
	x := d.from
	if err != nil {
		x.hook.metrics.rejected.Add(float64(d.messages))
		x.hook.log.Debug("messages not acknowledged", zap.String("client_id", x.clientID), zap.Int("messages", d.messages), zap.Error(err))
		x.conn.failed.Store(true)
		d.ids = d.ids[:0]
	} else {
		x.hook.forwardStored(d.pass)
	}
	x.conn.settled(&d.pending, d.ids)
	if err != nil || len(d.ids) > 0 {
		x.hook.acknowledger.add(x.conn)
	}
	x.hook.inflight.Add(-int64(d.messages))
	d.recycle()
}

func (d *delivery) recycle() {
	hook := d.from.hook
	clear(d.pass)
	d.reset()
	d.expires = time.Time{}
	d.from, d.ids, d.pass = nil, d.ids[:0], d.pass[:0]
	hook.deliveries.Put(d)
}

func newDelivery() any {
	d := &delivery{}
	d.sender = d
	return d
}

// OnSessionEstablished implements [mqtt.Hook]: from here on the client's
// messages may go the express way.
func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	if conn, ok := cl.Net.Conn.(*connection); ok {
		conn.express = &express{
			hook: h, conn: conn, clientID: cl.ID, access: accessOf(cl), version: cl.Properties.ProtocolVersion,
		}
	}
}
