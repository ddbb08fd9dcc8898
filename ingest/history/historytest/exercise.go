package historytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"telltale/devices"
	"telltale/ingest/history"
)

// Reader is what console and backtest ask of a history.
type Reader interface {
	Range(ctx context.Context, query history.Query) ([]history.Bucket, error)
	RawPoints(ctx context.Context, device devices.ID, metric string, from, to time.Time) ([]history.Point, error)
}

// Subject is a history under test: empty, with partition 0 leased, and with
// the devices declared that [Devices] lists.
type Subject struct {
	Store  history.Store
	Reader Reader
	Epoch  int64 // of the lease of partition 0

	// Acquire takes partition 0 again, under the next epoch.
	Acquire func() (epoch int64)
}

// Devices lists the ids that the exercise uses.
func Devices() []devices.ID { return []devices.ID{"fridge-1", "plant/line:2/m.3"} }

// noon is when everything happens.
func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

// Exercise runs everything that a history has to do against what open returns,
// which is opened anew for each part.
func Exercise(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"what is written is there, each value as it was", writtenIsThere},
		{"the same chunk again changes nothing", twiceIsOnce},
		{"steps are summed up", stepsAreSummedUp},
		{"a range begins with From and ends before To", rangesAreHalfOpen},
		{"a fenced writer moves no position", fencedMovesNothing},
		{"hostile names harm nobody", hostileNames},
		{"values that are no numbers are left out", notFinite},
		{"any readings give the buckets that arithmetic gives", anyReadings},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
		})
	}
}

// failer is what a test and a property's try have in common.
type failer interface {
	Helper()
	Context() context.Context
	Fatalf(format string, args ...any)
}

func (s *Subject) write(t failer, seq uint64, reports ...devices.Report) history.Written {
	t.Helper()
	written, err := s.Store.Write(t.Context(), []history.Chunk{{Epoch: s.Epoch, Seq: seq, Reports: reports}})
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	return written
}

func (s *Subject) points(t testing.TB, device devices.ID, metric string) []history.Point {
	t.Helper()
	points, err := s.Reader.RawPoints(t.Context(), device, metric, noon().Add(-24*time.Hour), noon().Add(24*time.Hour))
	if err != nil {
		t.Fatalf("raw points of %s %s: %v", device, metric, err)
	}
	return points
}

// report is what a device says so long after noon.
func report(device devices.ID, after time.Duration, readings ...devices.Reading) devices.Report {
	at := noon().Add(after)
	return devices.Report{Device: device, ObservedAt: at, ReceivedAt: at.Add(time.Second), Readings: readings}
}

func reading(metric string, value float64) devices.Reading {
	return devices.Reading{Metric: metric, Value: devices.Number(value)}
}

func labelled(metric, label string) devices.Reading {
	return devices.Reading{Metric: metric, Value: devices.Label(label)}
}

func compare(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func writtenIsThere(t *testing.T, s Subject) {
	for _, device := range Devices() {
		s.write(t, s.position(t)+1,
			report(device, 0, reading("temperature", 4.2), reading("integer", 7), labelled("mode", `de"fr\ost, = ü`)),
			report(device, 123_456*time.Microsecond, reading("temperature", -math.MaxFloat64), reading("mode", 3)),
			report(device, time.Hour, reading("temperature", 5e-324), labelled("mode", "i")))
		compare(t, "numbers", []history.Point{
			{T: noon(), Value: devices.Number(4.2)},
			{T: noon().Add(123_456 * time.Microsecond), Value: devices.Number(-math.MaxFloat64)},
			{T: noon().Add(time.Hour), Value: devices.Number(5e-324)},
		}, s.points(t, device, "temperature"))
		compare(t, "labels and numbers of one metric", []history.Point{
			{T: noon(), Value: devices.Label(`de"fr\ost, = ü`)},
			{T: noon().Add(123_456 * time.Microsecond), Value: devices.Number(3)},
			{T: noon().Add(time.Hour), Value: devices.Label("i")},
		}, s.points(t, device, "mode"))
	}
	compare(t, "of a device that never reported", []history.Point(nil), s.points(t, "nobody", "temperature"))
	compare(t, "of a metric that nobody has", []history.Point(nil), s.points(t, Devices()[0], "nothing"))
}

func (s *Subject) position(t testing.TB) uint64 {
	t.Helper()
	seq, err := s.Store.Position(t.Context(), 0)
	if err != nil {
		t.Fatalf("position: %v", err)
	}
	return seq
}

func twiceIsOnce(t *testing.T, s Subject) {
	device := Devices()[0]
	var reports []devices.Report
	for i := range 100 {
		reports = append(reports, report(device, time.Duration(i)*time.Second, reading("temperature", float64(i)), labelled("mode", fmt.Sprint(i))))
	}
	s.write(t, 1, reports...)
	s.write(t, 2, reports[50:]...) // redelivered behind its position
	s.Epoch = s.Acquire()          // and to the next holder of the partition
	s.write(t, 3, reports...)
	if n := len(s.points(t, device, "temperature")); n != 100 {
		t.Errorf("%d numbers, want 100", n)
	}
	if n := len(s.points(t, device, "mode")); n != 100 {
		t.Errorf("%d labels, want 100", n)
	}
	if seq := s.position(t); seq != 3 {
		t.Errorf("position %d, want 3", seq)
	}
}

func stepsAreSummedUp(t *testing.T, s Subject) {
	device := Devices()[1]
	s.write(t, 1,
		report(device, 0, reading("temperature", 1)),
		report(device, 59*time.Second, reading("temperature", 2), labelled("temperature", "unsure")),
		report(device, time.Minute, reading("temperature", 8)),
		report(device, 10*time.Minute, labelled("temperature", "broken")))
	ask := history.Query{Device: device, Metric: "temperature", From: noon(), To: noon().Add(time.Hour), Step: time.Minute}
	for _, c := range []struct {
		name string
		step time.Duration
		want []history.Bucket
	}{
		{"minutes, without those that have no numbers", time.Minute, []history.Bucket{
			{T: noon(), Min: 1, Avg: 1.5, Max: 2, N: 2}, {T: noon().Add(time.Minute), Min: 8, Avg: 8, Max: 8, N: 1},
		}},
		{"a step longer than the range begins before it", 24 * time.Hour, []history.Bucket{
			{T: noon().Add(-12 * time.Hour), Min: 1, Avg: 11.0 / 3, Max: 8, N: 3},
		}},
		// 2000-01-01 was a Saturday.
		{"weeks are counted from 2000-01-01", 7 * 24 * time.Hour, []history.Bucket{
			{T: time.Date(2026, 11, 14, 0, 0, 0, 0, time.UTC), Min: 1, Avg: 11.0 / 3, Max: 8, N: 3},
		}},
		{"seven seconds do not divide an hour", 7 * time.Second, []history.Bucket{
			{T: noon().Add(-4 * time.Second), Min: 1, Avg: 1, Max: 1, N: 1},
			{T: noon().Add(59 * time.Second), Min: 2, Avg: 5, Max: 8, N: 2},
		}},
		{"no step gives every number", 0, []history.Bucket{
			{T: noon(), Min: 1, Avg: 1, Max: 1, N: 1},
			{T: noon().Add(59 * time.Second), Min: 2, Avg: 2, Max: 2, N: 1},
			{T: noon().Add(time.Minute), Min: 8, Avg: 8, Max: 8, N: 1},
		}},
	} {
		q := ask
		q.Step = c.step
		got, err := s.Reader.Range(t.Context(), q)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got, nearly()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func nearly() cmp.Option {
	return cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateApprox(1e-9, 1e-9)}
}

// stepStart is the beginning of the step that t is in.
func stepStart(t time.Time, step time.Duration) time.Time {
	origin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	return t.Add(-(t.Sub(origin) % step)) // nothing here is older than the origin
}

func rangesAreHalfOpen(t *testing.T, s Subject) {
	device := Devices()[0]
	for i := range 5 {
		s.write(t, uint64(i+1), report(device, time.Duration(i)*time.Microsecond, reading("temperature", float64(i))))
	}
	got, err := s.Reader.RawPoints(t.Context(), device, "temperature", noon().Add(time.Microsecond), noon().Add(3*time.Microsecond))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "from 1 to before 3", []history.Point{
		{T: noon().Add(time.Microsecond), Value: devices.Number(1)}, {T: noon().Add(2 * time.Microsecond), Value: devices.Number(2)},
	}, got)
	for _, to := range []time.Time{noon(), noon().Add(-time.Hour)} {
		if got, err := s.Reader.RawPoints(t.Context(), device, "temperature", noon(), to); err != nil || len(got) != 0 {
			t.Errorf("a range that ends at or before its beginning: %v, %v", got, err)
		}
		if got, err := s.Reader.Range(t.Context(), history.Query{Device: device, Metric: "temperature", From: noon(), To: to, Step: time.Minute}); err != nil || len(got) != 0 {
			t.Errorf("buckets of a range that ends at or before its beginning: %v, %v", got, err)
		}
	}
}

func fencedMovesNothing(t *testing.T, s Subject) {
	old := s.Epoch
	s.write(t, 1, report(Devices()[0], 0, reading("temperature", 1)))
	s.Epoch = s.Acquire()
	_, err := s.Store.Write(t.Context(), []history.Chunk{{Epoch: old, Seq: 9, Reports: []devices.Report{
		report(Devices()[0], time.Second, reading("temperature", 2)),
	}}})
	var fenced *history.FencedError
	if !errors.As(err, &fenced) || !cmp.Equal(fenced.Partitions, []int{0}) {
		t.Errorf("error %v, want that partition 0 went to another writer", err)
	}
	if seq := s.position(t); seq != 1 {
		t.Errorf("position %d, want 1", seq)
	}
	s.write(t, 2, report(Devices()[0], time.Second, reading("temperature", 2)))
	if n := len(s.points(t, Devices()[0], "temperature")); n != 2 {
		t.Errorf("%d readings, want 2: the next holder writes what the fenced one may have written", n)
	}
}

// HostileNames lists metric names that try to be more than a name.
func HostileNames() []string {
	return []string{
		`x" or true or r._field == "secret`, `"; DROP MEASUREMENT readings; --`, `a\`, `a\" = 1 --`, "line\nreadings,device=b c=1",
		"${r.secret}", "time", "device", "_field", "_measurement", "_time", "metric_time", "", "a,b=c d", "nul\x00", "\xff\xfe", "'; --", "温度", "Temp °C (1)",
		`x") |> drop(columns: ["a"])`, "1) FROM x; SELECT (1",
	}
}

func hostileNames(t *testing.T, s Subject) {
	device := Devices()[0]
	s.write(t, 1, report(device, 0, reading("secret", 42), reading("temperature", 1)))
	for i, name := range HostileNames() {
		if name == "" {
			continue // no codec makes one, and PostgreSQL has no use for it
		}
		after := time.Duration(i+1) * time.Minute
		s.write(t, uint64(i+2), report(device, after, reading(name, float64(i)), labelled(name+"!", name)))
		compare(t, fmt.Sprintf("numbers of %q", name), []history.Point{{T: noon().Add(after), Value: devices.Number(float64(i))}}, s.points(t, device, name))
		if got := s.points(t, device, name+"!"); len(got) != 1 || !got[0].Value.IsLabel() {
			t.Errorf("labels of %q: %v", name+"!", got)
		}
		q := history.Query{Device: device, Metric: name, From: noon(), To: noon().Add(time.Hour), Step: time.Hour}
		if got, err := s.Reader.Range(t.Context(), q); err != nil || len(got) != 1 || got[0].N != 1 {
			t.Errorf("buckets of %q: %v, %v", name, got, err)
		}
		// As a device it is nobody, and shows nothing of anybody.
		compare(t, fmt.Sprintf("of the device %q", name), []history.Point(nil), s.points(t, devices.ID(name), "secret"))
	}
	if n := len(s.points(t, device, "temperature")); n != 1 {
		t.Errorf("%d readings of temperature afterwards, want 1", n)
	}
}

func notFinite(t *testing.T, s Subject) {
	device := Devices()[0]
	written := s.write(t, 1, report(device, 0, reading("a", math.NaN()), reading("b", math.Inf(1)), reading("c", 3)),
		report(device, time.Second, reading("a", math.Inf(-1))))
	if written.NotFinite != 3 || written.Stored != 1 {
		t.Errorf("written %+v, want 3 not finite and 1 stored", written)
	}
	if n := len(s.points(t, device, "c")); n != 1 {
		t.Errorf("%d readings of c, want 1", n)
	}
}

// anyReadings compares buckets with their arithmetic, for readings, ranges and
// steps at random.
func anyReadings(t *testing.T, s Subject) {
	metric := 0
	rapid.Check(t, func(rt *rapid.T) {
		metric++ // a series of its own for each try
		name := fmt.Sprintf("metric %d", metric)
		device := rapid.SampledFrom(Devices()).Draw(rt, "device")
		values := rapid.MapOf(rapid.Int64Range(-7_200_000_000, 7_200_000_000), rapid.Float64Range(-1e6, 1e6)).Draw(rt, "values by microsecond")
		step := time.Duration(rapid.Int64Range(1, 100_000).Draw(rt, "step in ms")) * time.Millisecond
		q := history.Query{Device: device, Metric: name, Step: step}
		q.From = noon().Add(time.Duration(rapid.Int64Range(-7_200, 0).Draw(rt, "from")) * time.Second)
		q.To = noon().Add(time.Duration(rapid.Int64Range(0, 7_200).Draw(rt, "to")) * time.Second)

		var reports []devices.Report
		for us, v := range values { // in no order
			reports = append(reports, report(device, time.Duration(us)*time.Microsecond, reading(name, v)))
		}
		s.write(rt, uint64(metric), reports...)
		got, err := s.Reader.Range(t.Context(), q)
		if err != nil {
			rt.Fatalf("range: %v", err)
		}
		if diff := cmp.Diff(Summarise(reports, q), got, nearly()); diff != "" {
			rt.Fatalf("%+v (-want +got):\n%s", q, diff)
		}
	})
}

// Summarise is the arithmetic that a range query must agree with.
func Summarise(reports []devices.Report, q history.Query) []history.Bucket {
	byStart := make(map[time.Time]*history.Bucket)
	for i := range reports {
		r := &reports[i]
		if r.Device != q.Device || r.ObservedAt.Before(q.From) || !r.ObservedAt.Before(q.To) {
			continue
		}
		for _, reading := range r.Readings {
			if reading.Metric != q.Metric || reading.Value.IsLabel() {
				continue
			}
			start, v := stepStart(r.ObservedAt, q.Step), reading.Value.Number
			b := byStart[start]
			if b == nil {
				b = &history.Bucket{T: start, Min: v, Max: v}
				byStart[start] = b
			}
			b.Min, b.Max = min(b.Min, v), max(b.Max, v)
			b.N++
			b.Avg += (v - b.Avg) / float64(b.N)
		}
	}
	buckets := make([]history.Bucket, 0, len(byStart))
	for _, b := range byStart {
		buckets = append(buckets, *b)
	}
	slices.SortFunc(buckets, func(a, b history.Bucket) int { return a.T.Compare(b.T) })
	return buckets
}
