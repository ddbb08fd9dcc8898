package excursion_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
)

func TestALiveEndOwnsNothingAndAFinishedOneTheMedianInterval(t *testing.T) {
	t.Parallel()
	p := profile(budget(shipments.Above, 8, 10*time.Hour, true))
	points := series(10*minute, run{3, 9})
	points = append(points, excursion.Point{At: at(50 * minute), C: 9}) // intervals of 10, 10 and 30 min
	trace := excursion.Trace{"reefer-1": points}

	live := excursion.Assess(shipment(), p, trace, later)
	wantUsed(t, live, 50*minute)
	if e := live.Excursions[0]; !e.Open || !e.To.Equal(at(50*minute)) {
		t.Errorf("excursion %+v; want it open until the last reading", e)
	}

	arrived := shipment()
	arrived.ArrivedAt = at(time.Hour)
	wantUsed(t, excursion.Assess(arrived, p, trace, later), time.Hour)

	stillMoving := excursion.Assess(shipment(logger("reefer-1", 0, 2*time.Hour)), p, trace, at(time.Hour))
	wantUsed(t, stillMoving, 50*minute)

	even := excursion.Trace{"reefer-1": points[1:]} // intervals of 10 and 30 min
	wantUsed(t, excursion.Assess(arrived, p, even, later), 40*minute+20*minute)
}

func TestASingleReadingOwnsNothingButIsSeen(t *testing.T) {
	t.Parallel()
	a := assess(profile(budget(shipments.Above, 8, time.Hour, true)), series(minute, run{1, 9}))
	wantUsed(t, a, 0)
	wantVerdict(t, a, shipments.Review)
	if len(a.Excursions) != 1 || a.Excursions[0].Extreme != 9 {
		t.Errorf("excursions %+v, want one that reached 9 °C", a.Excursions)
	}
}

func TestNothingToJudgeIsUnknown(t *testing.T) {
	t.Parallel()
	p := profile(budget(shipments.Above, 8, time.Hour, true))
	nothing := shipment()
	nothing.Loggers = nil
	for name, a := range map[string]excursion.Assessment{
		"no reading":  assess(p, nil),
		"no logger":   excursion.Assess(nothing, p, nil, later),
		"nonsense":    assess(p, []excursion.Point{{At: origin, C: math.NaN()}, {At: at(minute), C: math.Inf(1)}}),
		"other times": assess(p, []excursion.Point{{At: at(-time.Hour), C: 5}}),
	} {
		if a.Verdict != shipments.Unknown || a.TracePoints != 0 || a.Min != nil || !a.DataUntil.IsZero() {
			t.Errorf("%s: %+v, want an empty assessment that is unknown", name, a)
		}
	}
}

func TestAGapIsOwnedByNobody(t *testing.T) {
	t.Parallel()
	p := profile(budget(shipments.Above, 8, 2*time.Hour, false))
	p.Gaps = shipments.GapPolicy{LongerThan: 30 * minute, CountAs: shipments.GapUnknown}
	hot := func(from, to time.Duration) (points []excursion.Point) {
		for d := from; d <= to; d += quarter {
			points = append(points, excursion.Point{At: at(d), C: 9})
		}
		return points
	}

	exact := assess(p, slices.Concat(hot(0, time.Hour), hot(90*minute, 2*time.Hour)))
	wantUsed(t, exact, 2*time.Hour)
	if len(exact.Gaps) != 0 {
		t.Errorf("gaps %v: a distance of exactly the limit is no gap", exact.Gaps)
	}

	broken := assess(p, slices.Concat(hot(0, time.Hour), hot(91*minute, 136*minute)))
	wantUsed(t, broken, time.Hour)
	wantVerdict(t, broken, shipments.Review) // outside the limits weighs more than unknown
	want := []excursion.Gap{{From: at(time.Hour), To: at(91 * minute)}}
	if diff := cmp.Diff(want, broken.Gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if len(broken.Excursions) != 2 {
		t.Errorf("%d excursions, want the gap to end the first one", len(broken.Excursions))
	}

	p.Gaps.CountAs = shipments.GapWorstCase
	worst := assess(p, slices.Concat(hot(0, time.Hour), hot(91*minute, 136*minute)))
	wantUsed(t, worst, 136*minute)
	wantVerdict(t, worst, shipments.Reject)
}

func TestAGapInAColdTrace(t *testing.T) {
	t.Parallel()
	p := profile(budget(shipments.Above, 8, 2*time.Hour, true), budget(shipments.AtOrBelow, -0.5, 3*time.Hour, false))
	p.Gaps = shipments.GapPolicy{LongerThan: 30 * minute, CountAs: shipments.GapUnknown}
	points := []excursion.Point{{At: at(0), C: 5}, {At: at(2 * time.Hour), C: 5}, {At: at(2*time.Hour + minute), C: 5}}
	wantVerdict(t, assess(p, points), shipments.Unknown)

	p.Gaps.CountAs = shipments.GapWorstCase
	a := assess(p, points)
	wantVerdict(t, a, shipments.Reject)
	if got := a.Budgets[1].UsedSeconds; got != 7200 {
		t.Errorf("the gap spent %v s of the frost budget, want 7200", got)
	}
	if got := a.Budgets[0].UsedUpAt; !got.Equal(at(2 * time.Hour)) {
		t.Errorf("used up at %v, want the reading that ended the gap", got)
	}

	p.Budgets = nil
	wantVerdict(t, assess(p, points), shipments.Review)
}

func TestTimeBeforeTheFirstReadingAndAfterTheLastIsAGapToo(t *testing.T) {
	t.Parallel()
	p := profile()
	p.Gaps = shipments.GapPolicy{LongerThan: 30 * minute, CountAs: shipments.GapUnknown}
	s := shipment(logger("reefer-1", 0, 0))
	s.DepartedAt = at(-time.Hour)
	s.ArrivedAt = at(5 * time.Hour)
	points := []excursion.Point{{At: at(0), C: 5}, {At: at(10 * minute), C: 5}}

	done := excursion.Assess(s, p, excursion.Trace{"reefer-1": points}, later)
	want := []excursion.Gap{{From: at(-time.Hour), To: at(0)}, {From: at(10 * minute), To: at(5 * time.Hour)}}
	if diff := cmp.Diff(want, done.Gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	wantVerdict(t, done, shipments.Unknown)

	silent := excursion.Assess(s, p, nil, later)
	if diff := cmp.Diff([]excursion.Gap{{From: at(-time.Hour), To: at(5 * time.Hour)}}, silent.Gaps); diff != "" {
		t.Errorf("gaps without any reading (-want +got):\n%s", diff)
	}
	if live := excursion.Assess(s, p, nil, at(time.Hour)); len(live.Gaps) != 0 {
		t.Errorf("gaps %v while it travels: the end is not known to be silent", live.Gaps)
	}
}

func TestTheFirstMinutesAreLeftOutAndNamed(t *testing.T) {
	t.Parallel()
	p := profile(budget(shipments.Above, 8, time.Hour, false))
	p.IgnoreFirst = 10 * minute
	// Eight minutes after the start the logger is still warm from the office.
	points := []excursion.Point{{At: at(0), C: 20}, {At: at(8 * minute), C: 12}, {At: at(20 * minute), C: 9}, {At: at(30 * minute), C: 5}}
	a := assess(p, points)
	wantUsed(t, a, 10*minute)
	if *a.Max != 9 || a.TracePoints != 4 {
		t.Errorf("warmest %v of %d points, want 9 of 4: what is left out stays in the trace only", *a.Max, a.TracePoints)
	}
	want := []excursion.Excluded{{From: at(0), To: at(20 * minute), Why: "first 10 min of reefer-1"}}
	if diff := cmp.Diff(want, a.Excluded); diff != "" {
		t.Errorf("excluded (-want +got):\n%s", diff)
	}
	if !strings.Contains(strings.Join(a.Explanation, "\n"), "first 10 min of reefer-1") {
		t.Errorf("explanation does not name what was left out: %q", a.Explanation)
	}

	onlyEarly := assess(p, points[:2])
	if onlyEarly.Verdict != shipments.Unknown || onlyEarly.TracePoints != 2 {
		t.Errorf("%s with %d points, want unknown with 2", onlyEarly.Verdict, onlyEarly.TracePoints)
	}
}

func TestLoggersThatFollowEachOtherMakeOneTrack(t *testing.T) {
	t.Parallel()
	p := profile(budget(shipments.Above, 8, 2*time.Hour, false))
	p.Gaps = shipments.GapPolicy{LongerThan: 30 * minute, CountAs: shipments.GapUnknown}
	p.IgnoreFirst = 5 * minute
	s := shipment(logger("a", 0, time.Hour), logger("b", time.Hour, 0))
	trace := excursion.Trace{
		"a": series(quarter, run{20, 9}), // still in the lorry after its hour; those do not count
		"b": {{At: at(time.Hour), C: 5}, {At: at(66 * minute), C: 9}, {At: at(90 * minute), C: 9}, {At: at(120 * minute), C: 9}, {At: at(130 * minute), C: 9}},
	}
	a := excursion.Assess(s, p, trace, later)
	// 15..60 from a, 66..130 from b: the cold reading in b's first minutes is
	// left out, so it does not end the stretch.
	wantUsed(t, a, 45*minute+64*minute)
	if len(a.Gaps) != 0 || a.TracePoints != 4+5 {
		t.Errorf("gaps %v, %d points; want none and 9", a.Gaps, a.TracePoints)
	}
	if len(a.Excursions) != 1 || a.Excursions[0].Logger != "a" {
		t.Errorf("excursions %+v, want one that a saw first", a.Excursions)
	}
	stray := excursion.Excluded{From: at(time.Hour), To: at(19 * quarter), Why: "a was not with the shipment"}
	if !slices.Contains(a.Excluded, stray) {
		t.Errorf("excluded %v does not name the time after a left", a.Excluded)
	}
}

func TestTimeBetweenTwoLoggersIsAGap(t *testing.T) {
	t.Parallel()
	p := profile()
	p.Gaps = shipments.GapPolicy{LongerThan: 30 * minute, CountAs: shipments.GapUnknown}
	s := shipment(logger("a", 0, time.Hour), logger("b", 3*time.Hour, 0))
	a := excursion.Assess(s, p, excursion.Trace{
		"a": series(quarter, run{4, 5}),
		"b": {{At: at(3 * time.Hour), C: 5}, {At: at(3*time.Hour + minute), C: 5}},
	}, later)
	if diff := cmp.Diff([]excursion.Gap{{From: at(45 * minute), To: at(3 * time.Hour)}}, a.Gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestOfLoggersThatTravelTogetherTheWorstCounts(t *testing.T) {
	t.Parallel()
	p := profile(budget(shipments.Above, 8, time.Hour, true))
	s := shipment(logger("door", 0, 0), logger("wall", 0, 0))
	a := excursion.Assess(s, p, excursion.Trace{
		"door": series(quarter, run{4, 9}, run{4, 5}),
		"wall": series(quarter, run{4, 5}, run{3, 9}, run{1, 1}),
	}, later)
	wantUsed(t, a, time.Hour) // not 105 minutes: no place was hot that long
	if a.SecondsOutside != 3600 || len(a.Excursions) != 3 || *a.Min != 1 {
		t.Errorf("%v s outside in %d stretches down to %v, want 3600 in 3 down to 1", a.SecondsOutside, len(a.Excursions), *a.Min)
	}
	wantVerdict(t, a, shipments.Reject)
}

func TestTheCallersPointsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	points := series(quarter, run{2, 5}, run{3, 9})
	slices.Reverse(points)
	points = append(points, points[0])
	before := slices.Clone(points)
	a := assess(profile(budget(shipments.Above, 8, time.Hour, true)), points)
	wantUsed(t, a, 30*minute)
	if diff := cmp.Diff(before, points); diff != "" {
		t.Errorf("points were changed (-want +got):\n%s", diff)
	}
	if a.TracePoints != 5 {
		t.Errorf("%d trace points, want duplicates to collapse to 5", a.TracePoints)
	}
}

func TestOfTwoValuesForOneInstantTheWorseOneCounts(t *testing.T) {
	t.Parallel()
	a := []excursion.Point{{At: at(0), C: 5}, {At: at(0), C: 9}, {At: at(quarter), C: 5}}
	b := []excursion.Point{a[2], a[1], a[0]}
	p := profile(budget(shipments.Above, 8, time.Hour, true))
	wantUsed(t, assess(p, a), quarter)
	wantUsed(t, assess(p, b), quarter)
}

func TestTheExplanationCanBeSigned(t *testing.T) {
	t.Parallel()
	p := profile(budget(shipments.Above, 8, 10*time.Hour, true), budget(shipments.AtOrBelow, -0.5, time.Hour, false))
	p.MKT = &shipments.MKT{Max: 8, Window: 24 * time.Hour, ActivationEnergy: 83.144}
	a := assess(p, series(10*minute, run{6, 5}, run{13, 9.5}, run{6, 5}))
	want := []string{
		"25 readings until 2026-11-20 10:00:00 UTC, between 5 °C and 9.5 °C.",
		"Above 8 °C for 2 h 10 min of 10 h allowed (in all); 7 h 50 min left.",
		"At or below -0.5 °C for 0 min of 1 h allowed (longest unbroken stretch); 1 h left.",
		"Outside 2 to 8 °C for 2 h 10 min, in one stretch.",
		"Mean kinetic temperature 7.73 °C over the worst 24 h; at most 8 °C allowed; not judged before the window is full.",
		"Verdict by profile vaccine-2-8: review, because readings lay outside 2 to 8 °C.",
	}
	if diff := cmp.Diff(want, a.Explanation); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}
