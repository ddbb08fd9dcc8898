package codec

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/fxamacker/cbor/v2"

	"telltale/devices"
)

// SenML decodes packs of sensor measurements (RFC 8428), in JSON or in CBOR;
// the first byte tells which.
//
//	[{"bn": "urn:dev:ow:10e2073a01080063:", "bt": 1763780000, "n": "temp", "u": "Cel", "v": 4.2},
//	 {"n": "open", "vb": false}]
//
// Base fields are resolved; a time below 2^28 is relative to the receipt. The
// device is a level of the topic, or by default part of the names:
//
//	base name and name     urn:dev:ow:10e2: | temp         device urn:dev:ow:10e2, metric temp
//	a device URN           urn:dev:ow:10e2:temp            device urn:dev:ow:10e2, metric temp
//	a path                 2001:db8::2/temperature         device 2001:db8::2, metric temperature
//	parts                  fridge-7:temperature            device fridge-7, metric temperature
//	an address alone       2001:db8::2, with unit %RH      device 2001:db8::2, metric RH
//
// A metric without a name of its own is named by its unit, or value. A sum is
// the metric NAME_sum. Readings carry their unit. Links, versions and update
// times say nothing about a device; a field that must be understood (its name
// ends in "_") and is not is an error.
type SenML struct {
	byTopic
	cbor cbor.DecMode
	docs documents
}

// NewSenML returns the codec. device is the topic level of the device's id;
// empty finds it in the names.
func NewSenML(device string) (*SenML, error) {
	mode, err := cborMode()
	if err != nil {
		return nil, err
	}
	c := &SenML{byTopic: byTopic{selector{level: -1}}, cbor: mode}
	if device != "" {
		c.device, err = topicSelector("senml", device)
	}
	return c, err
}

// Decode implements [Codec].
func (c *SenML) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	pack, before := senmlPack{now: p.ReceivedAt}, len(dst)
	one := func(i int, r *senmlRecord) error {
		if i == MaxReports {
			return &PayloadError{Offset: r.start, Err: fmt.Errorf("more than %d records", MaxReports)}
		}
		resolved, ok, err := pack.resolve(r)
		if err != nil {
			return &PayloadError{Field: fmt.Sprintf("[%d]", i), Offset: r.start, Err: err}
		}
		if !ok {
			return nil
		}
		if dst, err = c.add(dst, before, &resolved, p); err != nil {
			return &PayloadError{Field: fmt.Sprintf("[%d]", i), Offset: r.start, Err: errors.Unwrap(err)}
		}
		return nil
	}
	if len(p.Body) > 0 && isCBORList(p.Body[0]) {
		err := senmlCBOR(c.cbor, p.Body, one)
		return dst, err // which one has made longer
	}
	d := c.docs.open(p.Body)
	defer c.docs.release(d)
	err := senmlJSON(d, p.Body, one)
	return dst, err
}

// add appends a resolved record, to the last report of the pack, which begins
// at before, if that is of the same device and time.
func (c *SenML) add(dst []devices.Report, before int, s *senmlResolved, p Payload) ([]devices.Report, error) {
	name, metric := senmlSplit(s)
	var id devices.ID
	var err error
	if c.device.inTopic() {
		id, err = c.device.fromTopic(p.Topic)
	} else {
		id, err = checkID(name)
	}
	if err != nil {
		return dst, err
	}
	if len(metric)+len("_sum") > MaxName {
		return dst, &PayloadError{Offset: -1, Err: fmt.Errorf("name of %d bytes is longer than %d", len(metric), MaxName)}
	}
	if n := len(dst); n == before || dst[n-1].Device != id || !dst[n-1].ObservedAt.Equal(s.at) || len(dst[n-1].Readings)+1 >= MaxValues {
		var r *devices.Report
		dst, r = extend(dst)
		r.Device, r.ObservedAt, r.ReceivedAt = id, s.at, p.ReceivedAt
	}
	r := &dst[len(dst)-1]
	unit := senmlUnit(s.unit)
	if s.has {
		r.Readings = append(r.Readings, devices.Reading{Metric: metric, Value: s.value})
		r.Units = append(r.Units, unit)
	}
	if s.hasSum {
		r.Readings = append(r.Readings, devices.Reading{Metric: metric + "_sum", Value: devices.Number(s.sum)})
		r.Units = append(r.Units, senmlSumUnit(unit))
	}
	return dst, nil
}

// senmlRecord is a record as it is written. Absent numbers are NaN, which no
// number in a payload is.
type senmlRecord struct {
	bn, bu, n, u, vs, vd             string
	hasBN, hasBU, hasU, hasVS, hasVD bool
	bt, bv, bs, bver, v, s, t        float64
	vb                               int8 // 1, 0; -1: absent
	anything                         bool
	start                            int64 // byte of the payload at which it begins
}

// senmlResolved is a record with everything that its base fields say.
type senmlResolved struct {
	base, name string // the resolved name is both, one behind the other
	unit       string
	at         time.Time
	seconds    float64 // at, as in the payload
	value      devices.Value
	has        bool
	sum        float64
	hasSum     bool
}

func newSenmlRecord() senmlRecord {
	absent := math.NaN()
	return senmlRecord{bt: absent, bv: absent, bs: absent, bver: absent, v: absent, s: absent, t: absent, vb: -1}
}

// senmlPack is what the records of a pack have said so far.
type senmlPack struct {
	now              time.Time
	bn, bu           string
	bt, bv, bs, bver float64
	records          int
}

// maxSenMLVersion is the version of RFC 8428. A higher one changes what the
// fields mean.
const maxSenMLVersion = 10

// senmlRelative is the first time in seconds that is absolute (RFC 8428,
// section 4.5.3).
const senmlRelative = 1 << 28

// resolve applies the base fields. It is false for a record that has only
// those.
func (p *senmlPack) resolve(r *senmlRecord) (s senmlResolved, ok bool, err error) {
	if err := p.base(r); err != nil {
		return s, false, err
	}
	s = senmlResolved{base: p.bn, name: r.n, unit: p.bu}
	p.records++
	if r.hasU {
		s.unit = r.u
	}
	given, err := r.value(&s.value, p.bv)
	if err != nil {
		return s, false, err
	}
	// An empty text says nothing, as everywhere.
	s.has = given && (!r.hasVS || r.vs != "") && (!r.hasVD || r.vd != "")
	if !math.IsNaN(r.s) {
		s.sum, s.hasSum = r.s+p.bs, true
	}
	if !given && !s.hasSum {
		if r.n != "" || !r.anything {
			err = errors.New("has neither a value nor a sum")
		}
		return s, false, err
	}
	if err := validSenMLName(p.bn + r.n); err != nil {
		return s, false, err
	}
	s.seconds = p.bt
	if !math.IsNaN(r.t) {
		s.seconds += r.t
	}
	s.at = InstantOf(s.seconds)
	if s.seconds < senmlRelative {
		// The bound keeps a nonsense within a Duration; it stays impossible.
		s.at = p.now.Add(time.Duration(max(-senmlRelative, s.seconds) * float64(time.Second)))
	}
	return s, true, nil
}

// base takes over the base fields of a record, which hold from it on.
func (p *senmlPack) base(r *senmlRecord) error {
	if r.hasBN {
		p.bn = r.bn
	}
	if r.hasBU {
		p.bu = r.bu
	}
	for _, field := range []struct {
		to   *float64
		from float64
	}{{&p.bt, r.bt}, {&p.bv, r.bv}, {&p.bs, r.bs}} {
		if !math.IsNaN(field.from) {
			*field.to = field.from
		}
	}
	if !math.IsNaN(r.bver) {
		if r.bver != math.Trunc(r.bver) || r.bver < 1 || r.bver > maxSenMLVersion {
			return fmt.Errorf("version %v is not between 1 and %d", r.bver, maxSenMLVersion)
		}
		if p.records > 0 && p.bver != r.bver {
			return errors.New("version differs from that of the records before")
		}
		p.bver = r.bver
	} else if p.records == 0 {
		p.bver = maxSenMLVersion
	}
	return nil
}

// value finds the one value of a record.
func (r *senmlRecord) value(to *devices.Value, base float64) (given bool, err error) {
	n := 0
	if !math.IsNaN(r.v) {
		n++
		*to = devices.Number(r.v + base)
	}
	if r.vb >= 0 {
		n++
		*to = devices.Number(float64(r.vb))
	}
	if r.hasVS {
		n++
		*to = devices.Label(r.vs)
	}
	if r.hasVD {
		n++
		*to = devices.Label(r.vd)
	}
	if n > 1 {
		return false, errors.New("has more than one value")
	}
	return n == 1, nil
}
