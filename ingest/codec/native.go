package codec

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"telltale/devices"
)

// Native decodes this product's own format: one object, or a list of them for
// a device that stores and forwards.
//
//	{"ts": 1763780000123, "seq": 7,
//	 "values": {"temperature": 4.2, "door_open": false, "mode": "defrost"},
//	 "faults": ["E21"]}
//
// ts is Unix milliseconds, or seconds, micro- or nanoseconds as [Instant] tells
// them apart, or an RFC 3339 text, and the time of receipt when absent. values
// are numbers, true, false or short texts; null says nothing. faults are the
// codes now present; an empty list says that there are none, an absent one says
// nothing. Every key is optional, any other key is an error.
type Native struct {
	byTopic
	docs documents
}

// NewNative returns the native codec. device says which topic level, such as
// "topic[1]", is the device's id.
func NewNative(device string) (*Native, error) {
	s, err := parseSelector(device)
	if err != nil {
		return nil, err
	}
	if !s.inTopic() {
		return nil, fmt.Errorf("codec native finds the device in the topic, as topic[N], not at %q", device)
	}
	return &Native{byTopic: byTopic{s}}, nil
}

// Decode implements [Codec].
func (c *Native) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	id, err := c.device.fromTopic(p.Topic)
	if err != nil {
		return dst, err
	}
	d := c.docs.open(p.Body)
	defer c.docs.release(d)
	return d.reports(dst, func(r *devices.Report) error {
		r.Device, r.ObservedAt, r.ReceivedAt = id, p.ReceivedAt, p.ReceivedAt
		return nativeObject(d, r)
	})
}

// reports reads one object or a list of them, each with one, and makes sure
// that nothing follows.
func (d *document) reports(dst []devices.Report, one func(*devices.Report) error) ([]devices.Report, error) {
	if d.dec.PeekKind() != '[' {
		if err := d.expect('{', "an object or a list of objects"); err != nil {
			return dst, err
		}
		dst, r := extend(dst)
		if err := one(r); err != nil {
			return dst, err
		}
		return dst, d.end()
	}

	if err := d.enter(); err != nil {
		return dst, err
	}
	for n := 0; d.more(']'); n++ {
		if n == MaxReports {
			return dst, &PayloadError{Offset: d.dec.InputOffset(), Err: fmt.Errorf("more than %d objects", MaxReports)}
		}
		if err := d.expect('{', "an object"); err != nil {
			return dst, err
		}
		var r *devices.Report
		dst, r = extend(dst)
		if err := one(r); err != nil {
			return dst, err
		}
	}
	if err := d.leave(); err != nil {
		return dst, err
	}
	return dst, d.end()
}

// more reports whether the list or object goes on. It is false when broken
// JSON follows; then reading the closing bracket tells.
func (d *document) more(closing jsontext.Kind) bool {
	kind := d.dec.PeekKind()
	return kind != closing && kind != 0
}

// errUnknownKey helps who has put a reading beside the values, not into them.
var errUnknownKey = errors.New(`unknown key: there are ts, seq, values (the readings) and faults`)

func nativeObject(d *document, r *devices.Report) error {
	if err := d.enter(); err != nil {
		return err
	}
	for d.more('}') {
		key, err := d.value()
		if err != nil {
			return err
		}
		switch string(d.text(key)) {
		case "ts":
			r.ObservedAt, err = d.timestamp()
		case "seq":
			r.Seq, err = d.sequence()
		case "values":
			err = nativeValues(d, r)
		case "faults":
			err = nativeFaults(d, r)
		default:
			err = d.errAt(key, errUnknownKey)
		}
		if err != nil {
			return err
		}
	}
	return d.leave()
}

// timestamp reads a Unix time or an RFC 3339 text.
func (d *document) timestamp() (time.Time, error) {
	raw, err := d.value()
	if err != nil {
		return time.Time{}, err
	}
	return d.timestampOf(raw)
}

// timestampOf is timestamp for a value that is read already.
func (d *document) timestampOf(raw jsontext.Value) (time.Time, error) {
	switch raw.Kind() {
	case '0':
		return instant(raw, 0), nil
	case '"':
		t, err := time.Parse(time.RFC3339, string(d.text(raw)))
		if err != nil {
			return time.Time{}, d.errAt(raw, errors.New("must be Unix milliseconds or an RFC 3339 time such as 2026-03-01T12:00:00Z"))
		}
		return t.UTC(), nil
	default:
		return time.Time{}, d.errAt(raw, fmt.Errorf("must be Unix milliseconds or an RFC 3339 time, not %s", describe(raw.Kind())))
	}
}

// sequence reads a whole number from 0.
func (d *document) sequence() (uint64, error) {
	raw, err := d.value()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		return 0, d.errAt(raw, errors.New("must be a whole number from 0 to 18446744073709551615"))
	}
	return n, nil
}

func nativeValues(d *document, r *devices.Report) error {
	if err := d.expect('{', "an object of values by metric"); err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	for n := 0; d.more('}'); n++ {
		key, err := d.value()
		if err != nil {
			return err
		}
		metric, err := d.metric(key, n)
		if err != nil {
			return err
		}
		v, ok, err := d.reading()
		if err != nil {
			return err
		}
		if ok {
			r.Readings = append(r.Readings, devices.Reading{Metric: metric, Value: v})
		}
	}
	return d.leave()
}

// metric returns the name of the metric number n of its object.
func (d *document) metric(key jsontext.Value, n int) (string, error) {
	name := d.text(key)
	switch {
	case n == MaxValues:
		return "", d.errAt(key, fmt.Errorf("more than %d values", MaxValues))
	case len(name) == 0:
		return "", d.errAt(key, errors.New("name of a metric is empty"))
	case len(name) > MaxName:
		return "", d.errAt(key, fmt.Errorf("name of %d bytes is longer than %d", len(name), MaxName))
	}
	return d.name(name), nil
}

func nativeFaults(d *document, r *devices.Report) error {
	if err := d.expect('[', "a list of fault codes"); err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	r.Faults = []string{} // an empty list says that there are none
	for d.more(']') {
		if err := d.expect('"', "a fault code in quotes"); err != nil {
			return err
		}
		raw, err := d.value()
		if err != nil {
			return err
		}
		code := d.text(raw)
		switch {
		case len(r.Faults) == MaxFaults:
			return d.errAt(raw, fmt.Errorf("more than %d fault codes", MaxFaults))
		case len(code) == 0 || len(code) > MaxText:
			return d.errAt(raw, fmt.Errorf("fault code must have 1 to %d bytes, not %d", MaxText, len(code)))
		}
		r.Faults = append(r.Faults, d.name(code))
	}
	return d.leave()
}
