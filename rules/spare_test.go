package rules

import (
	"bytes"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// spareNothing compiles the same rules and lets each be evaluated for every
// reading of its metrics.
func spareNothing(t testing.TB, lateness time.Duration, all []Rule) *Set {
	t.Helper()
	set := patient(t, lateness, all...)
	for _, mp := range set.models {
		for _, p := range mp.plans {
			clear(p.needy)
		}
	}
	return set
}

// Which rules are spared is not seen in anything but the work.
func TestSparingRulesAtRestChangesNothing(t *testing.T) {
	t.Parallel()
	spared := rapid.Custom(func(t *rapid.T) []Rule {
		all := drawRules(t)
		for i := range all {
			if rapid.Bool().Draw(t, "needs") {
				all[i].When = rapid.SampledFrom([]string{
					"temperature <= 7", "temperature == 8", "temperature >= 8 and not door_open", "not door_open and humidity > 50",
					`min(temperature, "5m") < 7`, `max(temperature, "5m") > 8`, `avg(temperature, "7m") <= 7.5`, `delta(temperature, "6m") < -1`,
					`avg(temperature, "5m") >= 8`, `max(temperature, "9m") - min(temperature, "3m") >= 2`,
					`max(temperature, "3m") - min(temperature, "3m") < 1 and humidity < 80`, `silent("3m") and temperature > 7`,
				}).Draw(t, "when")
			}
		}
		return all
	})
	rapid.Check(t, func(r *rapid.T) {
		all := spared.Draw(r, "all")
		lateness := rapid.SampledFrom([]time.Duration{0, propertyLateness}).Draw(r, "lateness")
		sparing, asking := NewEngine(patient(t, lateness, all...)), NewEngine(spareNothing(t, lateness, all))
		for _, one := range drawEvents(r) {
			got, want := sparing.Apply(one.reports, one.at, nil), asking.Apply(one.reports, one.at, nil)
			if diff := gocmp.Diff(want, got); diff != "" {
				r.Fatalf("transitions differ (-asking +sparing):\n%s", diff)
			}
			for _, d := range sparing.devices {
				for i := range d.cells {
					if d.cells[i].phase != normal && d.busy[i/64]&(1<<(i%64)) == 0 {
						r.Fatalf("rule %d is %s and counts as at rest", i, d.cells[i].phase)
					}
				}
			}
		}
		if !bytes.Equal(sparing.Snapshot(nil), asking.Snapshot(nil)) {
			r.Fatal("the states differ")
		}
	})
}

// The bounds of a ring hold, and forget what is long gone.
func TestBoundsOfARingHoldAndNarrow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var r ring
		keep := rapid.Int64Range(1, 20).Draw(t, "keep")
		at := int64(0)
		for range rapid.IntRange(1, 200).Draw(t, "readings") {
			at += rapid.Int64Range(1, 4).Draw(t, "later")
			r.push(sample{at, float64(rapid.IntRange(-5, 5).Draw(t, "value"))}, keep)
			for i := range r.count {
				if v := r.at(i).number; v < r.low || v > r.high {
					t.Fatalf("%v is beyond %v to %v", v, r.low, r.high)
				}
			}
		}
		r.push(sample{at + 1, 1000}, keep)
		for i := range 2*keep + 4 {
			r.push(sample{at + 2 + i, 0}, keep)
		}
		if r.high != 0 {
			t.Fatalf("still up to %v", r.high)
		}
	})
}
