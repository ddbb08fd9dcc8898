package rules

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestReportsAreCountedByWhatTheyFound(t *testing.T) {
	t.Parallel()
	minutes := []float64{0, 1, 2, 3, 4, 5, 6}
	values := []float64{9, 4, 9, 9, 4, 8, 9}
	for _, c := range []struct {
		expression string
		want       float64
	}{
		{`count_where(temperature > 8, 1)`, 1},
		{`count_where(temperature > 8, 3)`, 1},
		{`count_where(temperature > 8, 5)`, 3},
		{`count_where(temperature > 8, 7)`, 4},
		{`count_where(temperature > 8, 8)`, math.NaN()}, // there were seven
		{`count_where(humidity > 8, 1)`, math.NaN()},
		{`starts(temperature > 8, "1h")`, 2}, // the first is not seen to begin
		{`starts(temperature > 8, "4m")`, 1}, // the one at minute 2 is as old as the window is long
		{`starts(temperature > 8, "5m")`, 2},
		{`starts(humidity > 8, "5m")`, 0},
	} {
		if got := watchWindow(t, c.expression, 0, minutes, values); !near(got, c.want) {
			t.Errorf("%s is %v, want %v", c.expression, got, c.want)
		}
	}
}

// A plain look at all readings, by the definition alone.
func TestCountsAgreeWithAPlainCount(tb *testing.T) {
	tb.Parallel()
	rapid.Check(tb, func(t *rapid.T) {
		var minutes, values []float64
		now := 0.0
		for range rapid.IntRange(1, 30).Draw(t, "readings") {
			now += float64(rapid.SampledFrom([]int{1, 1, 1, 2, 3, 9}).Draw(t, "distance"))
			minutes = append(minutes, now)
			values = append(values, float64(rapid.IntRange(7, 9).Draw(t, "value")))
		}
		stale := rapid.SampledFrom([]int{0, 2, 4}).Draw(t, "stale")
		few, span := rapid.IntRange(1, 8).Draw(t, "few"), rapid.IntRange(1, 20).Draw(t, "span")
		gap := func(i int) bool { return i == 0 || stale > 0 && minutes[i]-minutes[i-1] > float64(stale) }

		count, seen, starts := 0.0, 0, 0.0
		for i := len(values) - 1; i >= 0 && seen < few; i-- {
			if values[i] > 8 {
				count++
			}
			seen++
			if gap(i) {
				break
			}
		}
		if seen < few {
			count = math.NaN()
		}
		for i := range values {
			if !gap(i) && values[i] > 8 && values[i-1] <= 8 && minutes[i] > now-float64(span) {
				starts++
			}
		}
		for expression, want := range map[string]float64{
			fmt.Sprintf("count_where(temperature > 8, %d)", few): count,
			fmt.Sprintf(`starts(temperature > 8, "%dm")`, span):  starts,
		} {
			got := watchWindow(tb, expression, time.Duration(stale)*time.Minute, minutes, values)
			if !near(got, want) {
				t.Fatalf("%s of %v at %v, stale after %d, is %v, want %v", expression, values, minutes, stale, got, want)
			}
		}
	})
}

func TestTwoReportsOfOneInstantCountAsOne(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "both", Version: 1, When: "count_where(temperature > 8 and humidity > 50, 2) == 2"})
	s.report(0, map[string]any{"temperature": 9, "humidity": 40})
	s.report(1, map[string]any{"temperature": 9})
	s.report(1, map[string]any{"humidity": 60}) // the last word of minute 1
	s.want()
	s.report(2, map[string]any{"temperature": 9.5})
	s.want(change{"both", "raised", 2})
	if got, want := s.got[0].Explanation[0],
		"count_where((temperature > 8 and humidity > 50), 2) 2 == 2 at 10:02:00 UTC (rule both v1)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCountsSurviveARestartAtAnyMoment(t *testing.T) {
	t.Parallel()
	rules := []Rule{
		{ID: "few", When: "count_where(temperature > 8, 3) >= 2"},
		{ID: "often", When: `starts(door_open, "20m") > 2`},
	}
	plain, restarted := newStory(t, rules...), newStory(t, rules...)
	for n := range 60 {
		report := map[string]any{"temperature": 7 + float64(n*n%7)/2, "door_open": n%5 < n%3}
		plain.report(float64(n), report)
		restarted.report(float64(n), report)
		restarted.engine = restored(t, restarted.engine, compile(t, rules...))
	}
	if len(plain.got) < 4 {
		t.Fatalf("too little happened: %+v", plain.got)
	}
	if diff := cmp.Diff(plain.got, restarted.got); diff != "" {
		t.Errorf("transitions differ (-without restarts +with):\n%s", diff)
	}
}
