package sparkplug

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// RebirthRequest returns the payload of an NCMD that asks an edge node for its
// births.
func RebirthRequest() []byte {
	p := Payload{Metrics: []Metric{{Name: RebirthMetric, Type: Boolean, Value: BoolValue(true)}}}
	return p.Append(nil)
}

// Metrics of an edge node's own business.
const (
	RebirthMetric = "Node Control/Rebirth"
	BDSeqMetric   = "bdSeq" // counts the node's sessions; joins birth and death
)

// IntValue returns a whole number of at most 32 bits.
func IntValue(n int32) Value { return Value{field: intValue, n: uint64(uint32(n))} }

// LongValue returns a whole number.
func LongValue(n int64) Value { return Value{field: longValue, n: uint64(n)} }

// DoubleValue returns a number.
func DoubleValue(f float64) Value { return Value{field: doubleValue, n: math.Float64bits(f)} }

// StringValue returns a text.
func StringValue(s string) Value { return Value{field: stringValue, text: s} }

// BoolValue returns true or false.
func BoolValue(b bool) Value { return Value{field: boolValue, n: protowire.EncodeBool(b)} }

// Append appends the payload's wire form to dst.
func (p *Payload) Append(dst []byte) []byte {
	dst = appendOptional(dst, payloadTimestamp, p.Timestamp)
	for i := range p.Metrics {
		dst = protowire.AppendTag(dst, payloadMetrics, protowire.BytesType)
		dst = protowire.AppendBytes(dst, p.Metrics[i].append(nil))
	}
	dst = appendVarint(dst, payloadSeq, p.Seq)
	if p.uuid != "" {
		dst = protowire.AppendString(protowire.AppendTag(dst, payloadUUID, protowire.BytesType), p.uuid)
		dst = protowire.AppendBytes(protowire.AppendTag(dst, payloadBody, protowire.BytesType), p.body)
	}
	return dst
}

func (m *Metric) append(dst []byte) []byte {
	if m.Name != "" {
		dst = protowire.AppendTag(dst, metricName, protowire.BytesType)
		dst = protowire.AppendString(dst, m.Name)
	}
	dst = appendOptional(dst, metricAlias, m.Alias)
	dst = appendOptional(dst, metricTimestamp, m.Timestamp)
	if m.Type != Unknown {
		dst = appendVarint(dst, metricDataType, uint64(m.Type))
	}
	if m.Historical {
		dst = appendVarint(dst, metricHistorical, 1)
	}
	if m.Null {
		dst = appendVarint(dst, metricNull, 1)
	}
	return m.Value.append(dst)
}

func (v Value) append(dst []byte) []byte {
	switch v.field {
	case intValue, longValue, boolValue:
		return appendVarint(dst, v.field, v.n)
	case floatValue:
		return protowire.AppendFixed32(protowire.AppendTag(dst, v.field, protowire.Fixed32Type), uint32(v.n))
	case doubleValue:
		return protowire.AppendFixed64(protowire.AppendTag(dst, v.field, protowire.Fixed64Type), v.n)
	case 0:
		return dst
	default:
		return protowire.AppendString(protowire.AppendTag(dst, v.field, protowire.BytesType), v.text)
	}
}

func appendVarint(dst []byte, num protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.VarintType), n)
}

func appendOptional(dst []byte, num protowire.Number, n *uint64) []byte {
	if n == nil {
		return dst
	}
	return appendVarint(dst, num, *n)
}
