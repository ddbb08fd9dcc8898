package sparkplug

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// MaxMetrics bounds the metrics of one payload. Births of large gateways have a
// few thousand.
const MaxMetrics = 5000

// Payload is the content of one message.
type Payload struct {
	Timestamp *uint64 // Unix milliseconds; nil: not said
	Seq       uint64  // 0 when not said, as encoders leave a zero out
	Metrics   []Metric

	uuid string
	body []byte
}

// Metric is one metric of a payload.
type Metric struct {
	Name       string  // "" when it goes by its alias
	Alias      *uint64 // nil: none
	Timestamp  *uint64 // Unix milliseconds; nil: the payload's
	Type       DataType
	Historical bool
	Null       bool
	Value      Value
}

// Error says what is wrong with a payload, and where.
type Error struct {
	Field  string // as in "metrics[2].alias"
	Offset int    // byte at which the fault begins, from 0; -1: unknown
	Err    error
}

// Error returns a sentence.
func (e *Error) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Field numbers of Payload and Metric in the specification's sparkplug_b.proto.
const (
	payloadTimestamp = 1
	payloadMetrics   = 2
	payloadSeq       = 3
	payloadUUID      = 4
	payloadBody      = 5

	metricName       = 1
	metricAlias      = 2
	metricTimestamp  = 3
	metricDataType   = 4
	metricHistorical = 5
	metricNull       = 7
)

// Parse reads a payload, compressed or not. Errors are *[Error]. Names and
// texts are copies; the payload keeps no reference to b.
func Parse(b []byte) (*Payload, error) {
	p, err := parse(b)
	if err != nil || p.uuid != compressed {
		return p, err
	}
	inflated, err := p.inflate()
	if err != nil {
		return nil, &Error{Field: "body", Offset: -1, Err: err}
	}
	inner, err := parse(inflated)
	if err != nil {
		return nil, &Error{Field: "body", Offset: -1, Err: fmt.Errorf("inflated: %w", err)}
	}
	inner.Seq = p.Seq
	if inner.Timestamp == nil {
		inner.Timestamp = p.Timestamp
	}
	return inner, nil
}

func parse(b []byte) (*Payload, error) {
	p := &Payload{}
	r := reader{buf: b}
	for r.more() {
		f, err := r.next("payload")
		if err != nil {
			return nil, err
		}
		switch f.num {
		case payloadTimestamp:
			p.Timestamp, err = f.optional("timestamp")
		case payloadMetrics:
			err = p.addMetric(f)
		case payloadSeq:
			p.Seq, err = f.varint("seq")
		case payloadUUID:
			p.uuid, err = f.text("uuid")
		case payloadBody:
			p.body, err = f.bytes("body")
		}
		if err != nil {
			return nil, err
		}
	}
	if p.Seq > 255 {
		return nil, &Error{Field: "seq", Offset: -1, Err: fmt.Errorf("must be 0 to 255, not %d", p.Seq)}
	}
	return p, nil
}

func (p *Payload) addMetric(f field) error {
	path := fmt.Sprintf("metrics[%d]", len(p.Metrics))
	if len(p.Metrics) == MaxMetrics {
		return &Error{Field: path, Offset: f.at, Err: fmt.Errorf("more than %d metrics", MaxMetrics)}
	}
	b, err := f.bytes(path)
	if err != nil {
		return err
	}
	p.Metrics = append(p.Metrics, Metric{})
	return parseMetric(&p.Metrics[len(p.Metrics)-1], reader{buf: b, base: f.value}, path)
}

func parseMetric(m *Metric, r reader, path string) error {
	for r.more() {
		f, err := r.next(path)
		if err != nil {
			return err
		}
		switch f.num {
		case metricName:
			m.Name, err = f.text(path + ".name")
		case metricAlias:
			m.Alias, err = f.optional(path + ".alias")
		case metricTimestamp:
			m.Timestamp, err = f.optional(path + ".timestamp")
		case metricDataType:
			var n uint64
			n, err = f.varint(path + ".datatype")
			m.Type = DataType(min(n, uint64(lastType)+1))
		case metricHistorical:
			m.Historical, err = f.boolean(path + ".is_historical")
		case metricNull:
			m.Null, err = f.boolean(path + ".is_null")
		default:
			err = m.Value.take(f, path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reader goes through the fields of one protobuf message.
type reader struct {
	buf  []byte
	base int // of buf in the payload
	pos  int
}

// field is one field of a message as it lies on the wire.
type field struct {
	num   protowire.Number
	typ   protowire.Type
	n     uint64 // varint and fixed ones
	data  []byte // of bytes
	at    int    // where the field begins in the payload, and
	value int    // where its bytes do
}

func (r *reader) more() bool { return r.pos < len(r.buf) }

// next reads a field; path names the message for errors.
func (r *reader) next(path string) (field, error) {
	f := field{at: r.base + r.pos}
	broken := func(n int) (field, error) {
		return field{}, &Error{Field: path, Offset: f.at, Err: fmt.Errorf("is no protobuf: %w", protowire.ParseError(n))}
	}
	rest := r.buf[r.pos:]
	num, typ, n := protowire.ConsumeTag(rest)
	if n < 0 {
		return broken(n)
	}
	f.num, f.typ = num, typ
	rest = rest[n:]
	size := 0
	switch typ {
	case protowire.VarintType:
		f.n, size = protowire.ConsumeVarint(rest)
	case protowire.Fixed32Type:
		var v uint32
		v, size = protowire.ConsumeFixed32(rest)
		f.n = uint64(v)
	case protowire.Fixed64Type:
		f.n, size = protowire.ConsumeFixed64(rest)
	case protowire.BytesType:
		f.data, size = protowire.ConsumeBytes(rest)
		f.value = r.base + r.pos + n + size - len(f.data)
	default:
		size = protowire.ConsumeFieldValue(num, typ, rest)
	}
	if size < 0 {
		return broken(size)
	}
	r.pos += n + size
	return f, nil
}

func (f field) expect(typ protowire.Type, path string) error {
	if f.typ != typ {
		return &Error{Field: path, Offset: f.at, Err: fmt.Errorf("has protobuf wire type %d instead of %d", f.typ, typ)}
	}
	return nil
}

func (f field) varint(path string) (uint64, error) { return f.n, f.expect(protowire.VarintType, path) }
func (f field) bytes(path string) ([]byte, error)  { return f.data, f.expect(protowire.BytesType, path) }
func (f field) text(path string) (string, error) {
	return string(f.data), f.expect(protowire.BytesType, path)
}
func (f field) boolean(path string) (bool, error) {
	return f.n != 0, f.expect(protowire.VarintType, path)
}

func (f field) optional(path string) (*uint64, error) {
	n := f.n
	return &n, f.expect(protowire.VarintType, path)
}
