package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"telltale/devices"
)

// ErrCorrupt is the cause of every decoding error except an unknown schema.
var ErrCorrupt = errors.New("stream: corrupt batch")

// The smallest encodings; they bound what a count may claim, and so the memory
// that hostile bytes can make us allocate: about 40 times their own length.
const (
	minReport  = 5 // device, two times, flags, number of readings
	minReading = 3 // metric, kind, value
	minString  = 1
)

// maxInterned bounds the strings a decoder remembers between batches. It is
// far above devices and metrics of one partition; when it is reached the
// decoder starts anew.
const maxInterned = 1 << 15

// Decoder decodes batches. It remembers strings from one batch to the next, so
// that device ids and metric names are allocated once. The zero value is ready;
// a Decoder is not safe for concurrent use.
type Decoder struct {
	interned map[string]string
	table    []string          // strings of the batch in hand
	readings []devices.Reading // of the batch in hand, those not yet given to a report
	p        []byte
	fail     error
}

// Decode decodes p. The batch is the caller's: neither p nor the decoder keep
// a reference to it. All its reports and all their readings lie in one array
// each. Errors match [ErrCorrupt], or tell of a schema this program is too old
// for.
func (d *Decoder) Decode(p []byte) (Batch, error) {
	if len(p) < headerSize {
		return Batch{}, fmt.Errorf("%w: %d bytes are no header", ErrCorrupt, len(p))
	}
	if p[0] < oldestSchema || p[0] > schemaVersion {
		return Batch{}, fmt.Errorf("stream: batch of schema %d, this program reads schemas %d to %d", p[0], oldestSchema, schemaVersion)
	}
	reports := int(binary.LittleEndian.Uint32(p[1:]))
	readings := int(binary.LittleEndian.Uint32(p[5:]))
	if reports > len(p)/minReport || readings > len(p)/minReading {
		return Batch{}, fmt.Errorf("%w: %d bytes cannot hold %d reports and %d readings", ErrCorrupt, len(p), reports, readings)
	}
	d.reset(p[headerSize:], readings)

	at := d.varint()
	b := Batch{AppendedAt: time.UnixMicro(at).UTC()}
	if reports > 0 {
		b.Reports = make([]devices.Report, reports)
	}
	for i := range b.Reports {
		d.report(&b.Reports[i], at)
	}
	if len(d.p) != 0 || len(d.readings) != 0 {
		d.corrupt("the counts do not match the content")
	}
	if d.fail != nil {
		return Batch{}, d.fail
	}
	return b, nil
}

func (d *Decoder) reset(p []byte, readings int) {
	d.p, d.fail, d.table = p, nil, d.table[:0]
	d.readings = make([]devices.Reading, readings)
	if d.interned == nil || len(d.interned) > maxInterned {
		d.interned = make(map[string]string)
	}
}

func (d *Decoder) report(r *devices.Report, at int64) {
	r.Device = devices.ID(d.string())
	received := at + d.varint()
	observed := received + d.varint()
	r.ReceivedAt = time.UnixMicro(received).UTC()
	r.ObservedAt = time.UnixMicro(observed).UTC()

	flags := d.byte()
	if flags&^flagsKnown != 0 {
		d.corrupt("unknown flags")
	}
	if flags&flagSeq != 0 {
		r.Seq = d.uvarint()
	}
	if flags&flagPresence != 0 {
		r.Presence = devices.Presence(d.byte())
	}
	if flags&flagDevTime != 0 {
		r.DeviceTime = time.UnixMicro(received + d.varint()).UTC()
	}
	d.faults(r, flags&flagFaults != 0)
	d.reportReadings(r)
}

func (d *Decoder) faults(r *devices.Report, present bool) {
	if !present {
		return
	}
	r.Faults = make([]string, d.count(minString))
	for i := range r.Faults {
		r.Faults[i] = d.string()
	}
}

func (d *Decoder) reportReadings(r *devices.Report) {
	n := d.count(minReading)
	if n > len(d.readings) {
		d.corrupt("more readings than announced")
		return
	}
	if n == 0 {
		return
	}
	r.Readings, d.readings = d.readings[:n:n], d.readings[n:]
	for i := range r.Readings {
		r.Readings[i] = devices.Reading{Metric: d.string(), Value: d.value()}
	}
}

func (d *Decoder) value() devices.Value {
	kind := d.byte()
	switch {
	case kind == kindFloat:
		if len(d.p) < 8 {
			d.corrupt("a number is cut off")
			return devices.Value{}
		}
		bits := binary.LittleEndian.Uint64(d.p)
		d.p = d.p[8:]
		return devices.Number(math.Float64frombits(bits))
	case kind < kindDecimal+devices.DecimalScales:
		return devices.Number(devices.FromDecimal(d.varint(), int(kind-kindDecimal)))
	case kind == kindLabel:
		return devices.Label(d.string())
	default:
		d.corrupt("unknown kind of value")
		return devices.Value{}
	}
}

func (d *Decoder) string() string {
	i := d.uvarint()
	if i < uint64(len(d.table)) {
		return d.table[i]
	}
	n := d.uvarint()
	if i != uint64(len(d.table)) || n > uint64(len(d.p)) {
		d.corrupt("a string is cut off or out of order")
		return ""
	}
	s := d.intern(d.p[:n])
	d.p = d.p[n:]
	d.table = append(d.table, s)
	return s
}

func (d *Decoder) intern(b []byte) string {
	if s, ok := d.interned[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(s) <= maxInternedLength {
		d.interned[s] = s
	}
	return s
}

// maxInternedLength keeps long strings, which are no ids or names, out of the
// decoder's memory.
const maxInternedLength = 256

// count reads a number of elements of at least size bytes each.
func (d *Decoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.p)/size) {
		d.corrupt("a count is larger than the rest")
		return 0
	}
	return int(n)
}

func (d *Decoder) byte() byte {
	if len(d.p) == 0 {
		d.corrupt("cut off")
		return 0
	}
	b := d.p[0]
	d.p = d.p[1:]
	return b
}

func (d *Decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.p)
	if n <= 0 {
		d.corrupt("a number is cut off")
		return 0
	}
	d.p = d.p[n:]
	return v
}

func (d *Decoder) varint() int64 {
	v, n := binary.Varint(d.p)
	if n <= 0 {
		d.corrupt("a number is cut off")
		return 0
	}
	d.p = d.p[n:]
	return v
}

// corrupt keeps the first complaint and ends the input, so that every loop
// above runs out at once.
func (d *Decoder) corrupt(what string) {
	if d.fail == nil {
		d.fail = fmt.Errorf("%w: %s", ErrCorrupt, what)
	}
	d.p = nil
}
