package influx

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"telltale/devices"
)

func TestLines(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 123_456_789, time.UTC)
	reading := func(metric string, v devices.Value) devices.Reading { return devices.Reading{Metric: metric, Value: v} }
	for _, c := range []struct {
		name     string
		device   devices.ID
		readings []devices.Reading
		want     string
	}{
		{"numbers of a report share a line", "fridge-17", []devices.Reading{
			reading("temperature", devices.Number(4.2)), reading("door_open", devices.Number(0)),
		}, "readings,device=fridge-17 temperature=4.2,door_open=0 1795348800123456\n"},
		{"labels have a line of their own", "d", []devices.Reading{
			reading("mode", devices.Label("defrost")), reading("t", devices.Number(1)), reading("state", devices.Label(`a "b" \c`)),
		}, "readings,device=d t=1 1795348800123456\nlabels,device=d mode=\"defrost\",state=\"a \\\"b\\\" \\\\c\" 1795348800123456\n"},
		{"a slash needs no escape, a comma and a space do", "plant/line,1", []devices.Reading{
			reading("a b=c", devices.Number(-1e-300)),
		}, "readings,device=plant/line\\,1 a\\ b\\=c=-1e-300 1795348800123456\n"},
		{"names that InfluxDB has a use for get a prefix", "d", []devices.Reading{
			reading("time", devices.Number(1)), reading("_field", devices.Number(2)), reading("metric_time", devices.Number(3)),
		}, "readings,device=d metric_time=1,metric__field=2,metric_metric_time=3 1795348800123456\n"},
		{"what is no name becomes one", "d", []devices.Reading{reading("", devices.Number(1)), reading("a\nb\\", devices.Number(2))},
			"readings,device=d \uFFFD=1,a\uFFFDb\uFFFD=2 1795348800123456\n"},
		{"the largest number there is", "d", []devices.Reading{reading("t", devices.Number(math.MaxFloat64))},
			"readings,device=d t=1.7976931348623157e+308 1795348800123456\n"},
		{"nothing is no line", "d", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			refs, _ := finiteReadings([]devices.Report{{Device: c.device, ObservedAt: at, Readings: c.readings}})
			got, lines := appendLines(nil, refs)
			if string(got) != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if want := strings.Count(c.want, "\n"); lines != want {
				t.Errorf("%d lines, want %d", lines, want)
			}
		})
	}
}

func TestNoTwoGoodNamesShareAField(t *testing.T) {
	t.Parallel()
	names := []string{
		"time", "metric_time", "metric_metric_time", "device", "_device", "metric__device", "_field", "metric__field", "field", "Time", "temperature", "°C",
	}
	seen := map[string]string{}
	for _, name := range names {
		key := fieldKey(name)
		if other, taken := seen[key]; taken {
			t.Errorf("%q and %q are both stored as %q", name, other, key)
		}
		seen[key] = name
		if back := metricOf(key); back != name {
			t.Errorf("%q comes back as %q", name, back)
		}
	}
}

// FuzzLine writes one reading with any names and values and reads the line
// with a parser of its own: what comes out is what was put in, in one line.
func FuzzLine(f *testing.F) {
	f.Add("fridge-17", "temperature", 4.2, "")
	f.Add("plant/line 1,a=b", "mode", 0.0, `de"fr\ost`)
	f.Add("\\", "x\n\\,= ", math.MaxFloat64, "a\nb\\")
	f.Add("", "_time", math.Copysign(0, -1), "\xff\x00")
	f.Fuzz(func(t *testing.T, device, metric string, n float64, text string) {
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return
		}
		value := devices.Value{Number: n, Label: text}
		report := devices.Report{
			Device: devices.ID(device), ObservedAt: time.UnixMicro(1_763_780_000_123_456),
			Readings: []devices.Reading{{Metric: metric, Value: value}},
		}
		b, lines := appendLines(nil, []ref{{report: &report}})
		if lines != 1 || !utf8.Valid(b) {
			t.Fatalf("%d lines of %q", lines, b)
		}
		got, err := parseLine(string(b))
		if err != nil {
			t.Fatalf("%v in %q", err, b)
		}
		want := line{measurement: numbers, tags: map[string]string{deviceTag: safeName(device)}, at: 1_763_780_000_123_456,
			fields: map[string]any{fieldKey(metric): n}}
		if value.IsLabel() {
			want.measurement = labels
			want.fields = map[string]any{fieldKey(metric): strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")}
		}
		if !want.equal(got) {
			t.Fatalf("%q is read as\n%+v, want\n%+v", b, got, want)
		}
		checkLiteral(t, device)
		checkLiteral(t, metric)
	})
}

// checkLiteral makes sure that a name cannot leave the quotes of a query.
func checkLiteral(t *testing.T, name string) {
	t.Helper()
	for _, safe := range []string{safeName(name), fieldKey(name)} {
		if safe == "" || strings.ContainsAny(safe, "\"\\$`{}\n\r\t\x00") || !utf8.ValidString(safe) {
			t.Fatalf("%q is made safe as %q", name, safe)
		}
	}
}
