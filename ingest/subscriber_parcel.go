package ingest

import "time"

// parcelMessages bounds how many messages of a broker share their fate. It
// saves wake-ups; a flush takes many parcels.
const parcelMessages = 256

// parcel is some messages of a broker on their way through the pipeline.
type parcel struct {
	pending
	session *session
	ids     []uint16 // to acknowledge, in order of arrival
}

// add decodes a message of an arrival into the parcel.
func (d *parcel) add(m publish, a arrival) {
	if m.id != 0 {
		d.ids = append(d.ids, m.id)
	}
	d.session.subscriber.pipeline.add(&d.pending, Message{
		Topic: string(m.topic), Payload: m.payload, Cut: a.cut, QoS: m.qos(), Retained: m.retain, Relayed: true, ReceivedAt: a.at,
	})
}

// waits implements [sender]: for as long as it takes.
func (d *parcel) waits(time.Time) bool { return true }

// settle implements [sender]: it has the messages acknowledged, or the
// connection ended so that the broker sends them again.
func (d *parcel) settle(err error) {
	x := d.session
	switch {
	case err != nil:
		x.fail(err)
	case !x.broken.Load():
		x.acks.add(d.ids...)
	}
	d.reset()
	d.ids = d.ids[:0]
	x.parcels.Put(d)
	x.inPipeline.Done()
}
