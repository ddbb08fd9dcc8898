package rules

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"telltale/devices"
)

// watchWindow plays values of one metric to a window function and returns what it
// yields after the last; times are minutes after the start.
func watchWindow(t testing.TB, expression string, stale time.Duration, minutes, values []float64) float64 {
	t.Helper()
	model := fridge()
	model.ReportEvery, model.StaleAfter = 0, stale
	n, problems, _ := checkCondition(expression+" > 0", newScope([]*devices.Model{model}))
	if len(problems) > 0 {
		t.Fatalf("%s: %+v", expression, problems)
	}
	mp := newModelPlan(model, []*compiledRule{{when: n, rule: Rule{ID: "r", Mode: Live}}})
	p := &plan{modelPlan: mp}
	p.index()
	e := &Engine{}
	d := newDevice(fridgeID, p)
	for i := range minutes {
		at, _ := nanos(minute(minutes[i]))
		e.startMarks(p)
		r := reportOf(fridgeID, minute(minutes[i]), map[string]any{"temperature": values[i]})
		e.accept(d, &r, at)
		d.observed = max(d.observed, at)
	}
	f := e.prepare(d, d.observed, 0)
	return mp.rules[0].binder.number(n.(comparisonNode).left)(f)
}

func TestWindowsByHand(t *testing.T) {
	t.Parallel()
	uneven := []float64{0, 1, 4, 5, 10}
	values := []float64{2, 8, 5, 20, 6}
	unknownValue := math.NaN()
	for _, c := range []struct {
		expression string
		stale      time.Duration
		want       float64
	}{
		{`avg(temperature, "10m")`, 0, (2*1 + 8*3 + 5*1 + 20*5) / 10.0},
		{`avg(temperature, "8m")`, 0, (8*2 + 5*1 + 20*5) / 8.0}, // the window begins within a reading's time
		{`avg(temperature, "10m")`, 4 * time.Minute, (2*1 + 8*3 + 5*1) / 5.0},
		{`avg(temperature, "8m")`, 4 * time.Minute, unknownValue}, // three of eight minutes are owned
		{`avg(temperature, "20m")`, 0, (2*1 + 8*3 + 5*1 + 20*5) / 10.0},
		{`avg(temperature, "21m")`, 0, unknownValue},
		{`min(temperature, "10m")`, 0, 2},
		{`min(temperature, "9m")`, 0, 5}, // 2 was over when the window began
		{`max(temperature, "10m")`, 0, 20},
		{`min(temperature, "4m")`, 0, 6}, // the last owns nothing yet and counts for min and max
		{`max(temperature, "4m")`, 0, 20},
		{`count(temperature, "10m")`, 0, 4}, // after the start of the window, the end included
		{`count(temperature, "9m")`, 0, 3},
		{`count(temperature, "11m")`, 0, unknownValue},
		{`delta(temperature, "10m")`, 0, 4},
		{`delta(temperature, "7m")`, 0, 6 - 8},
		{`delta(temperature, "3m")`, 4 * time.Minute, unknownValue}, // nobody owns that instant
		{`delta(temperature, "11m")`, 0, unknownValue},
		{`stddev(temperature, "6m")`, 0, math.Sqrt((5*math.Pow(20-17.5, 2) + math.Pow(5-17.5, 2)) / 6)},
		{`rate(temperature, "30m")`, 0, unknownValue},
	} {
		t.Run(fmt.Sprintf("%s, stale after %s", c.expression, c.stale), func(t *testing.T) {
			t.Parallel()
			got := watchWindow(t, c.expression, c.stale, uneven, values)
			if !near(got, c.want) {
				t.Errorf("is %v, want %v", got, c.want)
			}
		})
	}
	if got := watchWindow(t, `rate(temperature, "30m")`, 0, []float64{0, 10, 20, 30}, []float64{4, 5, 6, 7}); !near(got, 6) {
		t.Errorf("a degree in ten minutes is %v an hour", got)
	}
	if got := watchWindow(t, `rate(temperature, "30m")`, 0, []float64{0, 10, 20, 30}, []float64{7, 7, 7, 7}); !near(got, 0) {
		t.Errorf("no change is %v an hour", got)
	}
}

func near(a, b float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b))
}

// Every minute of the whole history is asked what it holds: slow, plain, and
// written from the rule alone.
func TestWindowsAgreeWithAPlainCount(tb *testing.T) {
	tb.Parallel()
	rapid.Check(tb, func(t *rapid.T) {
		var minutes, values []float64
		now := 0.0
		for range rapid.IntRange(1, 40).Draw(t, "readings") {
			now += float64(rapid.SampledFrom([]int{1, 1, 1, 2, 3, 9}).Draw(t, "distance"))
			minutes = append(minutes, now)
			values = append(values, float64(rapid.IntRange(-9, 9).Draw(t, "value")))
		}
		span := rapid.IntRange(1, 30).Draw(t, "window")
		stale := rapid.SampledFrom([]int{0, 2, 4}).Draw(t, "stale")
		last := minutes[len(minutes)-1]
		var sum, owned, lowest = 0.0, 0.0, math.Inf(1)
		for m := last - float64(span); m < last; m++ { // the value in force during [m, m+1)
			for i := len(minutes) - 2; i >= 0; i-- {
				if minutes[i] <= m {
					if stale == 0 || minutes[i+1]-minutes[i] <= float64(stale) {
						sum, owned, lowest = sum+values[i], owned+1, math.Min(lowest, values[i])
					}
					break
				}
			}
		}
		count := 0
		for i, m := range minutes {
			if m >= last-float64(span) {
				lowest = math.Min(lowest, values[i])
			}
			if m > last-float64(span) {
				count++
			}
		}
		average := sum / owned
		if owned < float64(span)/2 {
			average, lowest = math.NaN(), math.NaN()
		}
		number := float64(count)
		if minutes[0] > last-float64(span) {
			number = math.NaN()
		}
		for expression, want := range map[string]float64{"avg": average, "min": lowest, "count": number} {
			expression = fmt.Sprintf(`%s(temperature, "%dm")`, expression, span)
			got := watchWindow(tb, expression, time.Duration(stale)*time.Minute, minutes, values)
			if !near(got, want) {
				t.Fatalf("%s of %v at %v is %v, want %v", expression, values, minutes, got, want)
			}
		}
	})
}

func TestTimeIsAddedUpWhereAConditionHolds(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "budget", Version: 1, When: `time_where(temperature > 8, "1h") >= 300`})
	s.series(0, 9, 9, 9, 4, 4) // three minutes: each reading owns the time to the next
	s.series(5, 9)
	s.report(20, map[string]any{"temperature": 9}) // the gap in between is nobody's
	s.report(21, map[string]any{"temperature": 4}) // four
	s.report(22, map[string]any{"temperature": 9})
	s.report(23, map[string]any{"temperature": 4}) // five
	for n := 24; n < 70; n++ {
		s.report(float64(n), map[string]any{"temperature": 4})
	}
	s.want(change{"budget", "raised", 23}, change{"budget", "cleared", 61}) // the first minute leaves the window
	if got, want := s.got[0].Explanation[0], `time_where(temperature > 8, "1h") 5 min >= 300 at 10:23:00 UTC (rule budget v1)`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAWindowSurvivesARestart(t *testing.T) {
	t.Parallel()
	rules := []Rule{
		{ID: "average", When: `avg(temperature, "10m") > 8`},
		{ID: "budget", When: `time_where(temperature > 8, "24h") > 240`},
	}
	s := newStory(t, rules...)
	for n := range 12 {
		s.report(float64(n), map[string]any{"temperature": 4 + float64(n)})
		s.engine = restored(t, s.engine, compile(t, rules...))
	}
	s.want(change{"average", "raised", 10}, change{"budget", "raised", 10})
}

func TestARingForgetsWhatNoWindowNeedsAndIsBounded(t *testing.T) {
	t.Parallel()
	var r ring
	for i := range int64(1000) {
		r.push(sample{at: i + 1}, 10)
	}
	if r.count != 11 || r.at(0).at != 990 || len(r.samples) > 32 {
		t.Errorf("%d readings from %d on, room for %d", r.count, r.at(0).at, len(r.samples))
	}
	for i := range int64(3 * maxRingSize) {
		r.push(sample{at: 1000 + i + 1}, math.MaxInt32)
	}
	if r.count != maxRingSize || len(r.samples) != maxRingSize || r.since != 1 {
		t.Errorf("%d readings, room for %d, since %d", r.count, len(r.samples), r.since)
	}
}
