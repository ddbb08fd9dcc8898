package excursion_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
)

// world is a random shipment with its profile and trace.
type world struct {
	shipment *shipments.Shipment
	profile  *shipments.StorageProfile
	points   []excursion.Point
}

func (w world) assess(points []excursion.Point) excursion.Assessment {
	return excursion.Assess(w.shipment, w.profile, excursion.Trace{"reefer-1": points}, later)
}

func drawWorld(t *rapid.T) world {
	celsius := rapid.SampledFrom([]float64{-3, -0.5, 0, 2, 5, 8, 8.1, 9, 30, 45})
	w := world{shipment: shipment(), profile: profile()}
	for range rapid.IntRange(1, 3).Draw(t, "budgets") {
		w.profile.Budgets = append(w.profile.Budgets, shipments.Budget{
			Side:       rapid.SampledFrom([]shipments.Side{shipments.Above, shipments.AtOrAbove, shipments.Below, shipments.AtOrBelow}).Draw(t, "side"),
			Limit:      celsius.Draw(t, "limit"),
			For:        time.Duration(rapid.IntRange(0, 300).Draw(t, "allowed minutes")) * minute,
			Cumulative: rapid.Bool().Draw(t, "cumulative"),
			Verdict:    rapid.SampledFrom([]shipments.Verdict{shipments.Review, shipments.Reject}).Draw(t, "verdict"),
		})
	}
	w.profile.MKT = &shipments.MKT{Max: 8, Window: time.Duration(rapid.IntRange(1, 600).Draw(t, "window")) * minute}
	w.profile.Gaps.LongerThan = time.Duration(rapid.IntRange(0, 60).Draw(t, "gap minutes")) * minute
	w.profile.Gaps.CountAs = rapid.SampledFrom([]shipments.GapCount{shipments.GapUnknown, shipments.GapWorstCase}).Draw(t, "gaps")
	w.profile.IgnoreFirst = time.Duration(rapid.IntRange(0, 20).Draw(t, "ignored minutes")) * minute
	if rapid.Bool().Draw(t, "arrived") {
		w.shipment.ArrivedAt = at(time.Duration(rapid.IntRange(1, 1200).Draw(t, "arrival")) * minute)
	}
	when := origin
	for range rapid.IntRange(0, 40).Draw(t, "points") {
		w.points = append(w.points, excursion.Point{At: when, C: celsius.Draw(t, "celsius")})
		when = when.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "step")) * minute)
	}
	return w
}

// sameButForRounding compares assessments; sums of floating-point numbers may
// differ in their last digits.
func sameButForRounding(want, got excursion.Assessment) string {
	return cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-6))
}

func TestTheOrderOfPointsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		shuffled := rapid.Permutation(w.points).Draw(t, "shuffled")
		if diff := sameButForRounding(w.assess(w.points), w.assess(shuffled)); diff != "" {
			t.Fatalf("assessment of the shuffled points (-want +got):\n%s", diff)
		}
	})
}

func TestDuplicatesChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		doubled := append([]excursion.Point(nil), w.points...)
		for _, p := range w.points {
			if rapid.Bool().Draw(t, "again") {
				doubled = append(doubled, p)
			}
		}
		if diff := sameButForRounding(w.assess(w.points), w.assess(doubled)); diff != "" {
			t.Fatalf("assessment with duplicates (-want +got):\n%s", diff)
		}
	})
}

// A reading that repeats the value before it, inside that one's time, says
// nothing new. (At a finished end it changes the median interval, and in a
// gap it is news; in time that is left out, so is the first reading after it.)
func TestSplittingAnIntervalChangesNoTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.shipment.ArrivedAt = time.Time{}
		split := append([]excursion.Point(nil), w.points...)
		for i := 0; i+1 < len(w.points); i++ {
			p, next := w.points[i], w.points[i+1].At
			gap := w.profile.Gaps.LongerThan > 0 && next.Sub(p.At) > w.profile.Gaps.LongerThan
			left := p.At.Before(at(w.profile.IgnoreFirst))
			if !gap && !left && rapid.Bool().Draw(t, "split") {
				middle := p.At.Add(time.Duration(rapid.IntRange(1, 99).Draw(t, "percent")) * next.Sub(p.At) / 100)
				split = append(split, excursion.Point{At: middle, C: p.C})
			}
		}
		want, got := w.assess(w.points), w.assess(split)
		// How early something is known depends on the readings; sums do not.
		earlier := cmpopts.IgnoreFields(excursion.BudgetUse{}, "UsedUpAt")
		evidence := cmpopts.IgnoreFields(excursion.Assessment{}, "TracePoints", "Explanation")
		if diff := cmp.Diff(want, got, earlier, evidence, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
			t.Fatalf("assessment with split intervals (-want +got):\n%s", diff)
		}
		for i := range got.Budgets {
			if got.Budgets[i].UsedUpAt.After(want.Budgets[i].UsedUpAt) {
				t.Fatalf("budget %d is known to be used up later with more readings", i)
			}
		}
	})
}

// One more breaching reading never gives budget back at a live end.
func TestABreachingReadingNeverGivesBudgetBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.shipment.ArrivedAt = time.Time{}
		w.profile.Gaps.CountAs = shipments.GapUnknown
		w.profile.Budgets = w.profile.Budgets[:1]
		w.profile.Budgets[0].Side = shipments.Above
		w.profile.IgnoreFirst = 0
		extra := excursion.Point{At: at(time.Duration(rapid.IntRange(0, 2000).Draw(t, "when"))*minute + time.Second), C: w.profile.Budgets[0].Limit + 1}
		before := w.assess(w.points)
		after := w.assess(append([]excursion.Point{extra}, w.points...))
		if after.Budgets[0].UsedSeconds < before.Budgets[0].UsedSeconds {
			t.Fatalf("used %v s before and %v s after a breaching reading at %v",
				before.Budgets[0].UsedSeconds, after.Budgets[0].UsedSeconds, extra.At)
		}
	})
}

// What an assessment says about itself must agree.
func TestAnAssessmentAgreesWithItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		a := w.assess(w.points)
		reject := false
		for _, use := range a.Budgets {
			if use.Budget.For > 0 && use.UsedUp() != (use.UsedSeconds >= use.AllowedSeconds()) {
				t.Fatalf("%+v: used up or not?", use)
			}
			if use.LeftSeconds() < 0 {
				t.Fatalf("%+v: less than nothing left", use)
			}
			reject = reject || use.UsedUp() && use.Budget.Verdict == shipments.Reject
		}
		if reject != (a.Verdict == shipments.Reject) {
			t.Fatalf("verdict %s with budgets %+v", a.Verdict, a.Budgets)
		}
		var outside float64
		for _, e := range a.Excursions {
			outside += e.Seconds
			if e.To.Before(e.From) || e.Seconds > e.To.Sub(e.From).Seconds() || w.profile.Limits.Contains(e.Extreme) {
				t.Fatalf("impossible excursion %+v", e)
			}
		}
		if diff := outside - a.SecondsOutside; diff > 1e-6 || diff < -1e-6 {
			t.Fatalf("excursions last %v s, outside %v s", outside, a.SecondsOutside)
		}
		if a.Verdict == shipments.OK && (len(a.Excursions) > 0 || len(a.Gaps) > 0 || a.Min == nil) {
			t.Fatalf("ok with %+v", a)
		}
	})
}
