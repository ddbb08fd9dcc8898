package stream

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// sameBits compares numbers by their bits: NaN equals itself, -0 is not 0.
var sameBits = cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })

func encode(t testing.TB, b Batch) []byte {
	t.Helper()
	p, err := b.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func decode(t testing.TB, p []byte) Batch {
	t.Helper()
	var d Decoder
	b, err := d.Decode(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBatchComesBackAsItWas(t *testing.T) {
	t.Parallel()
	numbers := []float64{
		0, math.Copysign(0, -1), 1, -1, 4.2, -0.5, 0.001, 0.0001, 1e-300, 21.37, 999.999, 1 << 31, -(1 << 31),
		1<<31 - 1, 1 << 53, math.Pi, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1),
		math.NaN(), math.Float64frombits(0x7ff8dead00000001), 0.1 + 0.2,
	}
	full := devices.Report{
		Device: "fridge-1", ObservedAt: noon.Add(-time.Hour), ReceivedAt: noon.Add(-time.Millisecond), Seq: math.MaxUint64,
		Faults: []string{"E21", "", "E21"}, Presence: devices.Offline,
	}
	for _, n := range numbers {
		full.Readings = append(full.Readings, devices.Reading{Metric: "m", Value: devices.Number(n)})
	}
	full.Readings = append(full.Readings, devices.Reading{Metric: "", Value: devices.Label("défrost\x00")})

	for name, b := range map[string]Batch{
		"a tick":                   {AppendedAt: noon},
		"a tick before 1970":       {AppendedAt: time.Date(1905, 1, 1, 0, 0, 0, 1000, time.UTC)},
		"the zero time":            {},
		"everything set":           {AppendedAt: noon, Reports: []devices.Report{full, full, {Device: "fridge-2", Faults: []string{}}}},
		"a report with no reading": {AppendedAt: noon, Reports: []devices.Report{{Device: "d", ObservedAt: noon, ReceivedAt: noon}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := decode(t, encode(t, b))
			if diff := cmp.Diff(b, got, sameBits); diff != "" {
				t.Errorf("decoded batch differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimesAreCutToTheMicrosecond(t *testing.T) {
	t.Parallel()
	fine := noon.Add(999 * time.Nanosecond)
	b := decode(t, encode(t, Batch{AppendedAt: fine, Reports: []devices.Report{{Device: "d", ObservedAt: fine, ReceivedAt: fine}}}))
	for _, got := range []time.Time{b.AppendedAt, b.Reports[0].ObservedAt, b.Reports[0].ReceivedAt} {
		if !got.Equal(noon) || got.Location() != time.UTC {
			t.Errorf("got %v, want %v in UTC", got, noon)
		}
	}
}

func TestAnyBatchComesBack(t *testing.T) {
	t.Parallel()
	micros := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(-1<<55, 1<<55).Draw(t, "micros")).UTC()
	})
	value := rapid.OneOf(
		rapid.Map(rapid.Float64(), devices.Number),
		rapid.Map(rapid.Custom(func(t *rapid.T) float64 {
			return float64(rapid.Int32().Draw(t, "n")) / math.Pow10(rapid.IntRange(0, 4).Draw(t, "scale"))
		}), devices.Number),
		rapid.Map(rapid.StringN(1, 64, -1), devices.Label),
	)
	reading := rapid.Custom(func(t *rapid.T) devices.Reading {
		return devices.Reading{Metric: rapid.SampledFrom([]string{"temperature", "door_open", "p"}).Draw(t, "metric"), Value: value.Draw(t, "value")}
	})
	report := rapid.Custom(func(t *rapid.T) devices.Report {
		r := devices.Report{
			Device:     devices.ID(rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "device")),
			ObservedAt: micros.Draw(t, "observed"), ReceivedAt: micros.Draw(t, "received"),
			Seq:      rapid.Uint64().Draw(t, "seq"),
			Faults:   rapid.OneOf(rapid.Just([]string(nil)), rapid.SliceOfN(rapid.String(), 0, 3)).Draw(t, "faults"),
			Presence: devices.Presence(rapid.Byte().Draw(t, "presence")),
		}
		if n := rapid.IntRange(0, 5).Draw(t, "readings"); n > 0 {
			r.Readings = rapid.SliceOfN(reading, n, n).Draw(t, "values")
		}
		return r
	})
	var d Decoder
	rapid.Check(t, func(t *rapid.T) {
		b := Batch{AppendedAt: micros.Draw(t, "appended")}
		if n := rapid.IntRange(0, 8).Draw(t, "reports"); n > 0 {
			b.Reports = rapid.SliceOfN(report, n, n).Draw(t, "list")
		}
		p, _ := b.AppendBinary([]byte("before"))
		got, err := d.Decode(p[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, got, sameBits); diff != "" {
			t.Fatalf("decoded batch differs (-want +got):\n%s", diff)
		}
	})
}

func TestDecoderRefusesWhatIsNotABatch(t *testing.T) {
	t.Parallel()
	good := encode(t, Batch{AppendedAt: noon, Reports: []devices.Report{{
		Device: "fridge-1", ObservedAt: noon, ReceivedAt: noon, Seq: 7, Faults: []string{"E21"}, Presence: devices.Online,
		Readings: []devices.Reading{{Metric: "t", Value: devices.Number(math.Pi)}, {Metric: "mode", Value: devices.Label("defrost")}},
	}}})
	var d Decoder
	for n := range good {
		if _, err := d.Decode(good[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("the first %d of %d bytes: got %v, want ErrCorrupt", n, len(good), err)
		}
	}
	if _, err := d.Decode(append(bytes.Clone(good), 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte too many: got %v, want ErrCorrupt", err)
	}

	next := append([]byte{schemaVersion + 1}, good[1:]...)
	_, err := d.Decode(next)
	if want := "stream: batch of schema 3, this program reads schemas 1 to 2"; err == nil || err.Error() != want {
		t.Errorf("a later schema: got %v, want %s", err, want)
	}
}

func TestHostileCountsAllocateLittle(t *testing.T) {
	t.Parallel()
	// A tiny message that claims four thousand million reports and readings.
	hostile := append([]byte{schemaVersion}, bytes.Repeat([]byte{0xff}, 40)...)
	var d Decoder
	if _, err := d.Decode(hostile); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("got %v, want ErrCorrupt", err)
	}
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = d.Decode(hostile)
		}
	}).AllocedBytesPerOp()
	if allocated > 4096 {
		t.Errorf("refusing %d bytes took %d bytes of memory", len(hostile), allocated)
	}
}

func TestInternedStringsAreBounded(t *testing.T) {
	t.Parallel()
	var d Decoder
	for i := range 3 * maxInterned / 1000 {
		var b Batch
		for j := range 1000 {
			b.Reports = append(b.Reports, devices.Report{Device: devices.ID(time.Duration(i*1000 + j).String())})
		}
		if _, err := d.Decode(encode(t, b)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.interned); n > maxInterned+1000 {
		t.Errorf("decoder remembers %d strings, more than %d", n, maxInterned)
	}
}

func TestReportOfThreeReadingsIsSmall(t *testing.T) {
	t.Parallel()
	var b Batch
	b.AppendedAt = noon
	for i := range 100 {
		b.Reports = append(b.Reports, sampleReport(i%10))
	}
	if n := len(encode(t, b)) / len(b.Reports); n > 30 {
		t.Errorf("a report of three readings takes %d bytes, want at most 30", n)
	}
}
