package excursion_test

import (
	"testing"
	"time"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
)

const (
	minute  = time.Minute
	quarter = 15 * time.Minute
)

func TestBudgets(t *testing.T) {
	t.Parallel()
	heat := budget(shipments.Above, 8, 10*time.Hour, false)
	freeze := budget(shipments.AtOrBelow, -0.5, time.Hour, false)
	cases := []struct {
		name     string
		budget   shipments.Budget
		points   []excursion.Point
		used     time.Duration
		usedUpAt time.Duration // zero: not used up
	}{
		{"exactly the limit never spends a strict budget", heat, series(quarter, run{50, 8}), 0, 0},
		{"a recovery for one reading resets a consecutive budget", heat,
			series(quarter, run{36, 9}, run{1, 7}, run{9, 9}), 9 * time.Hour, 0},
		{"forty-one hot readings are ten hours", heat, series(quarter, run{41, 10}), 10 * time.Hour, 10 * time.Hour},
		{"forty hot readings are not yet known to be ten hours", heat, series(quarter, run{40, 10}), 39 * quarter, 0},
		{"the cold reading that ends ten hot hours shows that they were ten", heat,
			series(quarter, run{40, 10}, run{3, 5}), 10 * time.Hour, 10 * time.Hour},
		{"forty-five minutes of frost are too short", freeze, series(quarter, run{4, 3}, run{4, -1}), 45 * minute, 0},
		{"seventy-five minutes of frost are too long", freeze,
			series(quarter, run{4, 3}, run{6, -1}), 75 * minute, 2 * time.Hour},
		{"an inclusive budget is spent by the limit itself", budget(shipments.AtOrAbove, 30, time.Hour, true),
			series(quarter, run{5, 30}), time.Hour, time.Hour},
		{"an inclusive budget is not spent just below the limit", budget(shipments.AtOrAbove, 30, time.Hour, true),
			series(quarter, run{5, 29.9}), 0, 0},
		{"frost at the limit counts", freeze, series(quarter, run{5, -0.5}), time.Hour, time.Hour},
		{"strictly below leaves the limit out", budget(shipments.Below, 2, time.Hour, true), series(quarter, run{9, 2}), 0, 0},
		{"a cumulative budget adds stretches up", budget(shipments.Above, 8, 10*time.Hour, true),
			series(quarter, run{36, 9}, run{8, 7}, run{9, 9}), 11 * time.Hour, 12 * time.Hour},
		{"a cumulative budget is met at the first reading that completes the sum", budget(shipments.Above, 8, 50*minute, true),
			series(quarter, run{2, 9}, run{2, 7}, run{4, 9}), 75 * minute, 90 * minute},
		{"one second short of the budget is not the budget", budget(shipments.Above, 8, time.Hour+time.Second, true),
			series(quarter, run{5, 9}), time.Hour, 0},
		{"a budget of no time is met by the first reading", budget(shipments.Above, 40, 0, true),
			series(quarter, run{3, 5}, run{1, 41}), 0, 45 * minute},
		{"a budget of no time is untouched without a breach", budget(shipments.Above, 40, 0, true),
			series(quarter, run{3, 5}), 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := assess(profile(c.budget), c.points)
			wantUsed(t, a, c.used)
			var want time.Time
			if c.usedUpAt != 0 {
				want = at(c.usedUpAt)
			}
			if got := a.Budgets[0].UsedUpAt; !got.Equal(want) {
				t.Errorf("used up at %v, want %v", got, want)
			}
			if usedUp := !want.IsZero(); (a.Verdict == shipments.Reject) != usedUp {
				t.Errorf("verdict %s, used up: %v", a.Verdict, usedUp)
			}
		})
	}
}

func TestWHOShippingIndicatorTypeTwo(t *testing.T) {
	t.Parallel()
	p := profile(
		budget(shipments.AtOrAbove, 45, time.Hour, false),
		budget(shipments.AtOrAbove, 30, 10*time.Hour, true),
		budget(shipments.AtOrAbove, 10, 20*time.Hour, true),
	)
	// Nine hours at 31 in two stretches, eleven at 12 between and after, and
	// 45 minutes at 46.
	a := assess(p, series(quarter, run{20, 31}, run{24, 12}, run{16, 31}, run{20, 12}, run{3, 46}, run{1, 5}))
	want := []time.Duration{45 * minute, 9*time.Hour + 45*minute, 20*time.Hour + 45*minute}
	for i, w := range want {
		if got := a.Budgets[i].UsedSeconds; got != w.Seconds() {
			t.Errorf("budget %d used %v s, want %s", i, got, w)
		}
	}
	if a.Budgets[0].UsedUp() || a.Budgets[1].UsedUp() || !a.Budgets[2].UsedUp() {
		t.Errorf("only the budget of 20 h at 10 °C should be used up: %+v", a.Budgets)
	}
	if got, want := a.Budgets[2].UsedUpAt, at(20*time.Hour); !got.Equal(want) {
		t.Errorf("used up at %v, want %v", got, want)
	}
}

func TestHighAndLowAreNeverNetted(t *testing.T) {
	t.Parallel()
	p := profile(budget(shipments.Above, 8, 10*time.Hour, true), budget(shipments.AtOrBelow, -0.5, 10*time.Hour, true))
	a := assess(p, series(quarter, run{4, 9}, run{8, -1}, run{1, 5}))
	if got := []float64{a.Budgets[0].UsedSeconds, a.Budgets[1].UsedSeconds}; got[0] != 3600 || got[1] != 7200 {
		t.Errorf("used %v, want [3600 7200]", got)
	}
	if len(a.Excursions) != 2 || a.SecondsOutside != 3*3600 {
		t.Errorf("excursions %+v, %v s outside; want one high and one low of 3 h together", a.Excursions, a.SecondsOutside)
	}
	wantVerdict(t, a, shipments.Review)
}

func TestABudgetMayAskForReviewOnly(t *testing.T) {
	t.Parallel()
	b := budget(shipments.Above, 8, time.Hour, true)
	b.Verdict = shipments.Review
	a := assess(profile(b), series(quarter, run{10, 9}))
	wantVerdict(t, a, shipments.Review)
	if n := len(a.UsedUpBudgets(shipments.Reject)); n != 0 {
		t.Errorf("%d budgets call for rejection, want none", n)
	}
	if n := len(a.UsedUpBudgets(shipments.Review)); n != 1 {
		t.Errorf("%d budgets call for review, want one", n)
	}
}
