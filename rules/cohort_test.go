package rules

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
)

// fleetStory is several fridges under one rule.
type fleetStory struct {
	t      testing.TB
	engine *Engine
	ids    []devices.ID
	got    []Transition
}

func fleetIDs(n int) []devices.ID {
	ids := make([]devices.ID, n)
	for i := range ids {
		ids[i] = devices.ID(fmt.Sprintf("fridge-%02d", i))
	}
	return ids
}

func cohortSet(t testing.TB, n int, when string) *Set {
	t.Helper()
	set, err := Compile([]Rule{{ID: "apart", Version: 1, When: when}}, directoryOf(fleetIDs(n)...))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func newFleetStory(t testing.TB, n int, when string) *fleetStory {
	t.Helper()
	return &fleetStory{t: t, engine: NewEngine(cohortSet(t, n, when)), ids: fleetIDs(n)}
}

// round sends a temperature of each device, n minutes after the start.
func (s *fleetStory) round(n float64, values ...float64) {
	s.t.Helper()
	var reports []devices.Report
	for i, v := range values {
		reports = append(reports, reportOf(s.ids[i], minute(n), map[string]any{"temperature": v}))
	}
	s.got = append(s.got, s.engine.Apply(reports, minute(n), nil)...)
}

// z is what cohort_z(temperature, window) is for a device.
func (s *fleetStory) z(id devices.ID, window time.Duration) float64 {
	s.t.Helper()
	d := s.engine.devices[id]
	n, problems, _ := checkCondition(fmt.Sprintf("cohort_z(temperature, %q) > 0", formatSpan(window)), newScope([]*devices.Model{fridge()}))
	if n == nil {
		s.t.Fatal(problems)
	}
	b := d.plan.rules[0].binder
	return b.number(n.(comparisonNode).left)(s.engine.prepare(d, d.observed, 0))
}

func TestADeviceIsMeasuredByTheMedianOfItsPeers(t *testing.T) {
	t.Parallel()
	s := newFleetStory(t, 10, `cohort_z(temperature, "24h") > 3`)
	values := []float64{4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 15}
	s.round(0, values...)
	if got := s.z(s.ids[9], 24*time.Hour); got == got {
		t.Errorf("before the first slot of an hour is over it is %v", got)
	}
	s.round(60, values...)
	// The median is 6.25; half of the distances from it are at most 1.25.
	want := (15 - 6.25) / (madDeviation * 1.25)
	if got := s.z(s.ids[9], 24*time.Hour); !near(got, want) {
		t.Errorf("it is %v, want %v", got, want)
	}
	if len(s.got) != 1 || s.got[0].Key.Subject.ID != "fridge-09" {
		t.Fatalf("transitions %+v", s.got)
	}
	const explained = `cohort_z(temperature, "24h") 4.7 (got 15, the median of 9 peers is 6.3 ± 1.9) > 3 at 11:00:00 UTC (rule apart v1)`
	if got := s.got[0].Explanation[0]; got != explained {
		t.Errorf("explanation\n %s, want\n %s", got, explained)
	}
}

func TestACohortNeedsPeersThatDiffer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		values []float64
		known  bool
	}{
		{"eight peers", []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, true},
		{"seven peers", []float64{1, 2, 3, 4, 5, 6, 7, 8}, false},
		{"peers that all say the same", []float64{4, 4, 4, 4, 4, 4, 4, 4, 4, 9}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newFleetStory(t, len(c.values), `cohort_z(temperature, "24h") > 3`)
			s.round(0, c.values...)
			s.round(60, c.values...)
			if got := s.z(s.ids[0], 24*time.Hour); (got == got) != c.known {
				t.Errorf("it is %v", got)
			}
		})
	}
}

func TestABabblingDeviceCountsOnce(t *testing.T) {
	t.Parallel()
	s := newFleetStory(t, 10, `cohort_z(temperature, "24h") > 3`)
	values := []float64{30, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 5}
	s.round(0, values...)
	for n := range 59 * 60 {
		s.round(float64(n+1)/60, 30)
	}
	s.round(60, values...)
	if got := s.engine.cohorts[cohortKey{"FR-200", "temperature", int64(24 * time.Hour)}]; got.median != 6.25 || got.peers != 10 {
		t.Errorf("median %v of %d, want 6.25 of 10", got.median, got.peers)
	}
}

func TestWhatPeersSaidAgesOut(t *testing.T) {
	t.Parallel()
	s := newFleetStory(t, 10, `cohort_z(temperature, "24h") > 3`)
	cold := []float64{-20, -21, -22, -23, -24, -25, -26, -27, -28, -29}
	warm := []float64{4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5}
	for h := range 24 {
		s.round(60*float64(h), cold...)
	}
	for h := range 26 {
		s.round(60*float64(24+h), warm...)
	}
	if got := s.z(s.ids[0], 24*time.Hour); math.Abs(got) > 2 {
		t.Errorf("a day after all changed it is %v", got)
	}
	s.round(60*100, warm...)
	if got := s.z(s.ids[0], 24*time.Hour); got == got {
		t.Errorf("after two days without a word of anybody it is %v", got)
	}
}

func TestWhatWasMeasuredBeforeTheWindowDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newFleetStory(t, 10, `cohort_z(temperature, "1h") > 3`)
	for i, id := range s.ids {
		r := reportOf(id, minute(0), map[string]any{"temperature": i})
		s.engine.Apply([]devices.Report{r}, minute(90), nil)
	}
	s.engine.Tick(minute(200))
	if c := s.engine.cohorts[cohortKey{"FR-200", "temperature", int64(time.Hour)}]; c.peers != 0 {
		t.Errorf("%d peers", c.peers)
	}
}

// drawFleet makes up rounds of a dozen fridges.
func drawFleet(t *rapid.T) []event {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	var events []event
	now := start
	for range rapid.IntRange(1, 30).Draw(t, "rounds") {
		now = now.Add(time.Duration(rapid.SampledFrom([]int{1, 20, 60, 150, 4000}).Draw(t, "seconds")) * time.Second)
		e := event{at: now}
		for i, id := range fleetIDs(12) {
			if random.IntN(4) > 0 {
				e.reports = append(e.reports, reportOf(id, now, map[string]any{"temperature": float64(random.IntN(40))/10 + float64(i)/4}))
			}
		}
		events = append(events, e)
	}
	return events
}

const apart = `cohort_z(temperature, "1h") > 1.2 or cohort_z(temperature, "10m") < -1.2`

func TestTheOrderOfDevicesWithinARoundDoesNotMatter(t *testing.T) {
	t.Parallel()
	set := cohortSet(t, 12, apart)
	rapid.Check(t, func(t *rapid.T) {
		want, got := NewEngine(set), NewEngine(set)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 2))
		for i, one := range drawFleet(t) {
			shuffled := slices.Clone(one.reports)
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if diff := cmp.Diff(life(want.Apply(one.reports, one.at, nil)), life(got.Apply(shuffled, one.at, nil))); diff != "" {
				t.Fatalf("round %d differs (-in order +shuffled):\n%s", i, diff)
			}
		}
	})
}

func TestASnapshotDoesNotChangeACohort(t *testing.T) {
	t.Parallel()
	set := cohortSet(t, 12, apart)
	rapid.Check(t, func(t *rapid.T) {
		want, got := NewEngine(set), NewEngine(set)
		for i, one := range drawFleet(t) {
			if rapid.Bool().Draw(t, "restart") {
				got = restored(t, got, set)
			}
			if diff := cmp.Diff(want.Apply(one.reports, one.at, nil), got.Apply(one.reports, one.at, nil)); diff != "" {
				t.Fatalf("round %d differs (-without restart +with):\n%s", i, diff)
			}
		}
		if !bytes.Equal(want.Snapshot(nil), got.Snapshot(nil)) {
			t.Fatal("states differ at the end")
		}
	})
}

func TestASummaryIsExactForFewAndCloseForMany(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 31, 32, 33, 1000, 4096} {
		values := make([]float64, n)
		for i := range values {
			values[i] = math.Exp(2 * random.NormFloat64()) // skewed, with a long tail
		}
		s := summarize(7, values)
		again := slices.Clone(values)
		random.Shuffle(n, func(i, j int) { again[i], again[j] = again[j], again[i] })
		if diff := cmp.Diff(s, summarize(7, again), cmp.AllowUnexported(summary{})); diff != "" {
			t.Errorf("the order matters:\n%s", diff)
		}
		rank := float64(slices.IndexFunc(values, func(v float64) bool { return v >= weightedMedian(s.weigh(nil)) }))
		if off := math.Abs(rank/float64(n) - 0.5); off > 0.5/summaryPoints && n > summaryPoints {
			t.Errorf("the median of %d values is off by %.3f of the ranks", n, off)
		}
		if exact := (values[(n-1)/2] + values[n/2]) / 2; n <= summaryPoints && weightedMedian(s.weigh(nil)) != exact {
			t.Errorf("the median of %d values is %v, want %v", n, weightedMedian(s.weigh(nil)), exact)
		}
	}
}

func TestMergedSummariesAreCloseToTheWhole(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var all []float64
	var parts []summary
	for p := range 16 {
		values := make([]float64, 1+random.IntN(300))
		for i := range values {
			values[i] = float64(p) + 3*random.NormFloat64() // partitions are not alike
		}
		all = append(all, values...)
		parts = append(parts, summarize(7, values))
	}
	merged := mergeSummaries(7, parts)
	slices.Sort(all)
	for i, v := range merged.points {
		rank, _ := slices.BinarySearch(all, v)
		want := (float64(i) + 0.5) / summaryPoints
		if got := float64(rank) / float64(len(all)); math.Abs(got-want) > 1.0/summaryPoints {
			t.Errorf("point %d of the merged summary is at %.3f of the ranks, want %.3f", i, got, want)
		}
	}
	if merged.count != int64(len(all)) {
		t.Errorf("%d devices, want %d", merged.count, len(all))
	}
	backwards := slices.Clone(parts)
	slices.Reverse(backwards)
	if diff := cmp.Diff(merged, mergeSummaries(7, backwards), cmp.AllowUnexported(summary{})); diff != "" {
		t.Errorf("the order of partitions matters:\n%s", diff)
	}
}

func TestWhatACohortIsAskedIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ when, want string }{
		{`cohort_z(temperature) > 3`, `rule r, when 1:1: cohort_z takes two arguments, the second a quoted duration (write cohort_z(temperature, "24h"))`},
		{`cohort_z(temperature, "24") > 3`, `rule r, when 1:23: "24" is not a duration such as 90s, 10m, 36h or 7d`},
		{`cohort_z(temperature, "10s") > 3`, "rule r, when 1:23: cohort_z looks back for 1m at least"},
		{`cohort_z(door_open, "24h") > 3`, "rule r, when 1:10: door_open (a switch) is not a number"},
		{`cohort_z(temperature * 2, "24h") > 3`, "rule r, when 1:22: cohort_z looks at one metric by its name"},
	} {
		_, err := Compile([]Rule{{ID: "r", When: c.when}}, directoryOf(fridgeID))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got  %v\n want %s", c.when, err, c.want)
		}
	}
}

// BenchmarkCohort measures a reading of a device that is compared with 10,000
// others, slots of a minute included.
func BenchmarkCohort(b *testing.B) {
	ids := fleetIDs(10_000)
	s := &fleetStory{t: b, engine: NewEngine(cohortSet(b, len(ids), `cohort_z(temperature, "24m") > 300`)), ids: ids}
	reports := make([]devices.Report, len(ids))
	for i, id := range ids {
		reports[i] = reportOf(id, start, map[string]any{"temperature": 4 + float64(i%100)/25})
	}
	now := start
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		i := n % len(ids)
		if i == 0 {
			now = now.Add(time.Minute)
		}
		reports[i].ObservedAt, reports[i].ReceivedAt = now, now
		s.engine.Apply(reports[i:i+1], now, nil)
	}
}
