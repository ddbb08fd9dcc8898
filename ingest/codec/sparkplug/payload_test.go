package sparkplug

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// packed compresses a payload as the specification says.
func packed(t testing.TB, algorithm string, payload []byte) []byte {
	t.Helper()
	var body bytes.Buffer
	var w io.WriteCloser = zlib.NewWriter(&body)
	if algorithm == "GZIP" {
		w = gzip.NewWriter(&body)
	}
	if _, err := w.Write(payload); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	outer := Payload{Seq: 7, uuid: compressed, body: body.Bytes()}
	if algorithm != "" {
		outer.Metrics = []Metric{{Name: "algorithm", Type: String, Value: StringValue(algorithm)}}
	}
	return outer.Append(nil)
}

func TestCompressedPayloadsReadAsIfTheyWereNot(t *testing.T) {
	t.Parallel()
	inner := Payload{Seq: 3, Metrics: []Metric{{Name: "Load", Type: Double, Value: DoubleValue(0.5)}}}
	for _, algorithm := range []string{"GZIP", "DEFLATE"} {
		got, err := Parse(packed(t, algorithm, inner.Append(nil)))
		want := inner
		want.Seq = 7 // the outer one counts
		if diff := cmp.Diff(&want, got, cmp.AllowUnexported(Payload{}, Value{})); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", algorithm, err, diff)
		}
	}
}

func TestWhatDoesNotInflateIsRefused(t *testing.T) {
	t.Parallel()
	outer := func(algorithm string, body []byte) []byte {
		p := Payload{uuid: compressed, body: body, Metrics: []Metric{{Name: "algorithm", Value: StringValue(algorithm)}}}
		return p.Append(nil)
	}
	for _, c := range []struct {
		name, want string
		in         []byte
	}{
		{"no algorithm", "body: is compressed, but no metric names the algorithm", packed(t, "", nil)},
		{"an algorithm that nobody has", `body: is compressed with "ZIP", which is neither GZIP nor DEFLATE`, packed(t, "ZIP", nil)},
		{"a body that is not compressed", "body: is not compressed with GZIP: EOF", outer("GZIP", nil)},
		{"a bomb", "body: is more than 1048576 bytes when inflated", packed(t, "GZIP", make([]byte, MaxInflated+1))},
		{"no protobuf inside", "body: inflated: payload: is no protobuf: unexpected EOF", packed(t, "GZIP", []byte{0xff})},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(c.in)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestPayloadsAreBounded(t *testing.T) {
	t.Parallel()
	p := Payload{Metrics: make([]Metric, MaxMetrics+1)}
	if _, err := Parse(p.Append(nil)); err == nil || !strings.Contains(err.Error(), "more than 5000 metrics") {
		t.Errorf("got %v", err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	whole := func(n uint64) Value { return Value{field: longValue, n: n} }
	for _, c := range []struct {
		name  string
		value Value
		typ   DataType
		want  devices.Value
		err   error
	}{
		{"a negative Int8 in 32 bits", IntValue(-56), Int8, devices.Number(-56), nil},
		{"a negative Int8 in 8 bits", IntValue(200), Int8, devices.Number(-56), nil},
		{"an Int8 that is too large", IntValue(300), Int8, devices.Value{}, ErrType},
		{"an Int8 that is too small", IntValue(-200), Int8, devices.Value{}, ErrType},
		{"the smallest Int16", IntValue(-32768), Int16, devices.Number(-32768), nil},
		{"a negative Int16 in 64 bits", whole(1<<64 - 2), Int16, devices.Number(-2), nil},
		{"a negative Int32", IntValue(-1), Int32, devices.Number(-1), nil},
		{"a negative Int64", LongValue(-5), Int64, devices.Number(-5), nil},
		{"an UInt8", IntValue(255), UInt8, devices.Number(255), nil},
		{"an UInt8 that is negative", IntValue(-1), UInt8, devices.Value{}, ErrType},
		{"an UInt32", IntValue(-1), UInt32, devices.Number(4294967295), nil},
		{"an UInt32 in the long field", whole(4294967295), UInt32, devices.Number(4294967295), nil},
		{"an UInt64", whole(1 << 63), UInt64, devices.Number(9223372036854775808), nil},
		{"a date", whole(1763780000123), DateTime, devices.Number(1763780000123), nil},
		{"a Float", Value{field: floatValue, n: 0x3fc00000}, Float, devices.Number(1.5), nil},
		{"a Double in the float field", Value{field: floatValue, n: 0x3fc00000}, Double, devices.Number(1.5), nil},
		{"a Double in a whole field", IntValue(1), Double, devices.Value{}, ErrType},
		{"true", BoolValue(true), Boolean, devices.Number(1), nil},
		{"a Boolean as a number", IntValue(1), Boolean, devices.Value{}, ErrType},
		{"a text", StringValue("auto"), String, devices.Label("auto"), nil},
		{"a UUID", StringValue("6ba7b810"), UUID, devices.Label("6ba7b810"), nil},
		{"nothing", Value{}, Int32, devices.Value{}, ErrType},
		{"a data set", Value{field: datasetValue}, DataSet, devices.Value{}, ErrNoReading},
		{"bytes", Value{field: bytesValue}, Bytes, devices.Value{}, ErrNoReading},
		{"an array", Value{field: bytesValue}, Int8Array, devices.Value{}, ErrNoReading},
		{"a type from the future", IntValue(1), lastType + 1, devices.Value{}, ErrNoReading},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.value.Reading(c.typ)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %v and %v, want %v and %v", got, err, c.want, c.err)
			}
		})
	}
}
