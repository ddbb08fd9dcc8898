package stream

import (
	"encoding/binary"
	"math"
	"time"

	"telltale/devices"
)

// The encoding, schema 2. Integers are varints unless a width is given, signed
// ones zigzag; times are microseconds.
//
//	batch   = schema(1 byte) reports(4 bytes LE) readings(4 bytes LE) appendedAt report*
//	report  = string(device) receivedAt-appendedAt observedAt-receivedAt flags(1 byte)
//	          [seq] [presence(1 byte)] [deviceTime-receivedAt] [count string(fault)*] count reading*
//	reading = string(metric) kind(1 byte) value
//	string  = index, and when index is the number of strings so far: length bytes
//	value   = kind 0: float64, 8 bytes LE
//	          kind 1..4: integer to be divided by 1, 10, 100, 1000
//	          kind 5: string(label)
//
// A string is written out where it first occurs and is an index afterwards;
// device ids and metric names repeat, so a report of three readings takes
// about 25 bytes. Schema 1 knew no deviceTime and is read as well: such batches
// may lie in a log that was written before an update.
const (
	schemaVersion = 2
	oldestSchema  = 1
	headerSize    = 1 + 4 + 4

	flagSeq      = 1 << 0
	flagPresence = 1 << 1
	flagFaults   = 1 << 2
	flagDevTime  = 1 << 3
	flagsKnown   = flagSeq | flagPresence | flagFaults | flagDevTime

	kindFloat   = 0
	kindDecimal = 1 // kindDecimal+n: integer / 10^n
	kindLabel   = 5
)

// AppendBinary appends the encoding of b to dst. Times are kept to the
// microsecond (what Postgres keeps); finer parts are cut off. The error is
// always nil; it is there for [encoding.BinaryAppender].
func (b *Batch) AppendBinary(dst []byte) ([]byte, error) {
	e := encoder{buf: dst, index: make(map[string]uint64)}
	e.begin(b.AppendedAt)
	for i := range b.Reports {
		e.add(&b.Reports[i])
	}
	return e.finish(), nil
}

// encoder builds one batch. begin makes it ready again, keeping its memory.
type encoder struct {
	buf      []byte
	start    int // of this batch in buf
	index    map[string]uint64
	at       int64 // AppendedAt
	reports  uint32
	readings uint32
}

func (e *encoder) begin(at time.Time) {
	clear(e.index)
	e.start = len(e.buf)
	e.at = at.UnixMicro()
	e.reports, e.readings = 0, 0
	e.buf = append(e.buf, schemaVersion, 0, 0, 0, 0, 0, 0, 0, 0)
	e.buf = binary.AppendVarint(e.buf, e.at)
}

func (e *encoder) finish() []byte {
	counts := e.buf[e.start+1:]
	binary.LittleEndian.PutUint32(counts, e.reports)
	binary.LittleEndian.PutUint32(counts[4:], e.readings)
	return e.buf
}

func (e *encoder) add(r *devices.Report) {
	received, observed := r.ReceivedAt.UnixMicro(), r.ObservedAt.UnixMicro()
	e.string(string(r.Device))
	e.buf = binary.AppendVarint(e.buf, received-e.at)
	e.buf = binary.AppendVarint(e.buf, observed-received)
	e.header(r)

	e.buf = binary.AppendUvarint(e.buf, uint64(len(r.Readings)))
	for i := range r.Readings {
		e.string(r.Readings[i].Metric)
		e.value(r.Readings[i].Value)
	}

	e.reports++
	e.readings += uint32(len(r.Readings))
}

// header writes the flags and what they announce.
func (e *encoder) header(r *devices.Report) {
	var flags byte
	if r.Seq != 0 {
		flags |= flagSeq
	}
	if r.Presence != devices.PresenceUnknown {
		flags |= flagPresence
	}
	if r.Faults != nil {
		flags |= flagFaults
	}
	if !r.DeviceTime.IsZero() {
		flags |= flagDevTime
	}
	e.buf = append(e.buf, flags)

	if flags&flagSeq != 0 {
		e.buf = binary.AppendUvarint(e.buf, r.Seq)
	}
	if flags&flagPresence != 0 {
		e.buf = append(e.buf, byte(r.Presence))
	}
	if flags&flagDevTime != 0 {
		e.buf = binary.AppendVarint(e.buf, r.DeviceTime.UnixMicro()-r.ReceivedAt.UnixMicro())
	}
	if flags&flagFaults != 0 {
		e.buf = binary.AppendUvarint(e.buf, uint64(len(r.Faults)))
		for _, f := range r.Faults {
			e.string(f)
		}
	}
}

func (e *encoder) string(s string) {
	if i, ok := e.index[s]; ok {
		e.buf = binary.AppendUvarint(e.buf, i)
		return
	}
	i := uint64(len(e.index))
	e.index[s] = i
	e.buf = binary.AppendUvarint(e.buf, i)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *encoder) value(v devices.Value) {
	if v.IsLabel() {
		e.buf = append(e.buf, kindLabel)
		e.string(v.Label)
		return
	}
	if n, scale, ok := devices.Decimal(v.Number); ok {
		e.buf = append(e.buf, byte(kindDecimal+scale))
		e.buf = binary.AppendVarint(e.buf, n)
		return
	}
	e.buf = append(e.buf, kindFloat)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, math.Float64bits(v.Number))
}
