package excursion_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
)

// minuteByMinute is the arithmetic done again in the most plain way: whoever
// owns a minute decides what it counts for. It works because the random
// readings are whole minutes apart.
type minuteByMinute struct {
	used     []time.Duration // by budget
	usedUpAt []time.Time
	outside  time.Duration
}

func countMinutes(w world, points []excursion.Point) minuteByMinute {
	m := minuteByMinute{
		used:     make([]time.Duration, len(w.profile.Budgets)),
		usedUpAt: make([]time.Time, len(w.profile.Budgets)),
	}
	running := make([]time.Duration, len(w.profile.Budgets))
	for i := 0; i+1 < len(points); i++ {
		point, next := points[i], points[i+1].At
		gap := w.profile.Gaps.LongerThan > 0 && next.Sub(point.At) > w.profile.Gaps.LongerThan
		for at := point.At; at.Before(next); at = at.Add(minute) {
			if !gap && !w.profile.Limits.Contains(point.C) {
				m.outside += minute
			}
			for b, budget := range w.profile.Budgets {
				worst := gap && w.profile.Gaps.CountAs == shipments.GapWorstCase
				// A reading counts for the instant it was made, also when a
				// gap follows it.
				if gap && !worst || !gap && !budget.Breached(point.C) ||
					worst && at.Equal(point.At) && !budget.Breached(point.C) {
					if !budget.Cumulative {
						running[b] = 0
					}
					if !worst {
						continue
					}
				}
				running[b] += minute
				m.used[b] = max(m.used[b], running[b])
				if m.usedUpAt[b].IsZero() && running[b] >= budget.For {
					m.usedUpAt[b] = next
				}
			}
		}
	}
	return m
}

func TestBudgetsAgreeWithCountingMinutes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.shipment.ArrivedAt = time.Time{} // a live end
		w.profile.IgnoreFirst = 0
		for i := range w.profile.Budgets { // one of no time is met without a minute
			w.profile.Budgets[i].For = max(minute, w.profile.Budgets[i].For)
		}
		got, want := w.assess(w.points), countMinutes(w, w.points)
		for i, use := range got.Budgets {
			if use.UsedSeconds != want.used[i].Seconds() || !use.UsedUpAt.Equal(want.usedUpAt[i]) {
				t.Fatalf("budget %+v: used %v s, used up %v; counted %s, %v",
					use.Budget, use.UsedSeconds, use.UsedUpAt, want.used[i], want.usedUpAt[i])
			}
		}
		if got.SecondsOutside != want.outside.Seconds() {
			t.Fatalf("%v s outside, counted %s", got.SecondsOutside, want.outside)
		}
	})
}
