package codec

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"telltale/devices"
)

// TTN decodes what The Things Stack 3 publishes for each device (The Things
// Network, The Things Industries). Which message it is stands in the payload:
//
//	uplink_message     the values of "decoded_payload" as readings, else those
//	                   of "normalized_payload", else those that the model's
//	                   payload script makes of "frm_payload"; rssi and snr of
//	                   the gateway that heard the frame best
//	uplink_normalized  the values of "normalized_payload"
//	join_accept        the device is online
//	location_solved    location_latitude, location_longitude, ...
//	service_data       the values of "data"
//	downlink_...       nothing to store
//
// The device is end_device_ids.device_id, or where the source says; the time is
// the network server's received_at, since gateways' clocks are often wrong. A
// message that is simulated in the console of The Things Stack is refused: no
// device measured it.
type TTN struct{ lorawan }

// NewTTN returns the codec. device is as in [Source.Device]; empty is
// end_device_ids.device_id. scripts may be nil.
func NewTTN(device string, scripts Scripts) (*TTN, error) {
	s, err := parseSelector(cmp.Or(device, "end_device_ids.device_id"))
	if err != nil {
		return nil, err
	}
	return &TTN{lorawan{device: s, scripts: scripts}}, nil
}

// ttnMessage gathers what a message says.
type ttnMessage struct {
	uplink
	kind       string    // the key that says what it is
	received   time.Time // by the application server, a moment after the network server
	normalized []*part
}

// Decode implements [Codec].
func (c *TTN) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	d := c.docs.open(p.Body)
	defer c.docs.release(d)
	m := &ttnMessage{}
	if err := d.object("an object", func(key string) error { return m.top(d, key) }); err != nil {
		return dst, err
	}
	if err := d.end(); err != nil {
		return dst, err
	}
	if m.at.IsZero() {
		m.at = m.received
	}
	if m.kind == "" {
		return dst, &PayloadError{Offset: -1, Err: errors.New("payload is no message of The Things Stack: " +
			"it has no uplink_message, uplink_normalized, join_accept, location_solved, service_data and no downlink message")}
	}
	if strings.HasPrefix(m.kind, "downlink_") {
		return dst, nil
	}
	id, err := c.id(p)
	if err != nil {
		return dst, err
	}
	dst, err = c.report(dst, m, id, p)
	return dst, sentBy(id, err)
}

// report turns a message into reports: one, but for several measurements that
// The Things Stack has normalized, each with a time of its own.
func (c *TTN) report(dst []devices.Report, m *ttnMessage, id devices.ID, p Payload) ([]devices.Report, error) {
	measured := []*part{m.decoded}
	normalized := m.decoded == nil && len(m.normalized) > 0
	if normalized {
		measured = m.normalized
	}
	for i, one := range measured {
		var r *devices.Report
		dst, r = extend(dst)
		r.Device, r.ReceivedAt = id, p.ReceivedAt
		if m.kind == "join_accept" {
			r.Presence = devices.Online
		}
		u := m.uplink
		u.decoded, u.heard = one, m.heard && i == 0
		if err := c.complete(&u, r); err != nil {
			return dst, err
		}
		if normalized {
			takeTime(r)
		}
	}
	return dst, nil
}

// takeTime makes the time of a normalized measurement that of its report.
func takeTime(r *devices.Report) {
	i := slices.IndexFunc(r.Readings, func(o devices.Reading) bool { return o.Metric == "time" })
	if i < 0 {
		return
	}
	if t, err := time.Parse(time.RFC3339, r.Readings[i].Value.Label); err == nil {
		r.ObservedAt = t.UTC()
		r.Readings = slices.Delete(r.Readings, i, i+1)
	}
}

// top reads the value of one top-level key.
func (m *ttnMessage) top(d *document, key string) (err error) {
	switch key {
	case "received_at":
		m.received, err = d.moment()
	case "simulated":
		err = refuseSimulated(d)
	case "uplink_message", "uplink_normalized", "join_accept", "location_solved", "service_data":
		m.kind = key
		err = d.object("an object", func(inner string) error { return m.inner(d, inner) })
	default:
		if strings.HasPrefix(key, "downlink_") {
			m.kind = key
		}
		err = d.skip()
	}
	return err
}

// inner reads the value of one key of the message proper.
func (m *ttnMessage) inner(d *document, key string) (err error) {
	switch key {
	case "received_at":
		m.at, err = d.moment()
	case "rx_metadata":
		err = m.gateways(d, []string{"snr"}, []string{"time", "received_at"})
	case "decoded_payload":
		m.decoded, err = d.part()
	case "normalized_payload":
		err = m.normalizedPayload(d)
	case "frm_payload":
		m.frame, err = d.base64()
	case "f_port":
		m.port, err = d.fport()
	case "location":
		if m.decoded, err = d.part(); m.decoded != nil {
			m.decoded.name = key
		}
	case "data":
		m.decoded, err = d.part()
	default:
		err = d.skip()
	}
	return err
}

// normalizedPayload reads one measurement, or a list of them.
func (m *ttnMessage) normalizedPayload(d *document) error {
	one := func() error {
		p, err := d.part()
		if err != nil || p == nil {
			return err
		}
		m.normalized = append(m.normalized, p)
		return nil
	}
	if d.dec.PeekKind() == '[' {
		return d.list("a list of measurements", MaxReports, one)
	}
	return one()
}

func refuseSimulated(d *document) error {
	simulated, err := d.yes()
	if simulated {
		err = &PayloadError{Field: "simulated", Offset: d.dec.InputOffset() - int64(len("true")),
			Err: errors.New("message was made in the console of The Things Stack: no device measured it")}
	}
	return err
}

func (c *TTN) id(p Payload) (devices.ID, error) {
	if c.device.inTopic() {
		return c.device.fromTopic(p.Topic)
	}
	id, err := c.idAt(p.Body, c.device.path)
	if err == nil && id == "" {
		err = &PayloadError{Field: c.device.path, Offset: -1, Err: errNoDevice}
	}
	return id, err
}
