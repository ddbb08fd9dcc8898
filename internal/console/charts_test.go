package console

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/rules/excursion"
	"telltale/tickets"
)

func TestTheChartOfAnAlarmShowsWhatItsRuleWatched(t *testing.T) {
	t.Parallel()
	model := &devices.Model{Metrics: map[string]devices.Metric{
		"temperature":  {Name: "temperature", Unit: "Cel"},
		"compressor_w": {Name: "compressor_w", Unit: "W"},
		"door_open":    {Name: "door_open", Unit: "bool"},
	}}
	for _, c := range []struct {
		name   string
		when   string
		metric string
		limits []float64
	}{
		{"a bare comparison", "temperature > 8", "temperature", []float64{8}},
		{"a negative limit", "temperature >= -15.5", "temperature", []float64{-15.5}},
		{"the number first", "8 < temperature", "temperature", []float64{8}},
		{"two limits", "temperature > 8 or temperature < 2", "temperature", []float64{8, 2}},
		{"a window function in the metric's unit", `avg(temperature, "10m") > 7`, "temperature", []float64{7}},
		{"a window function in another unit", `rate(temperature, "30m") > 4`, "temperature", nil},
		{"time above a limit", `time_where(temperature > 8, "24h") > 3600`, "temperature", []float64{8}},
		{"a quantity before a switch", "door_open == 1 and compressor_w > 160", "compressor_w", []float64{160}},
		{"a switch alone", "door_open == 1", "door_open", nil},
		{"a fault code", `fault("E21")`, "temperature", nil},
		{"silence", `silent("15m")`, "temperature", nil},
		{"a metric that the model lacks", "pressure > 3", "temperature", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			metric, limits, ok := watched(c.when, model)
			if !ok || metric.Name != c.metric {
				t.Errorf("metric %q, %v; want %q", metric.Name, ok, c.metric)
			}
			if diff := cmp.Diff(c.limits, limits); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
		})
	}
	if _, _, ok := watched("temperature > 8", nil); ok {
		t.Error("a device without a model has a chart")
	}
}

func TestALineNeverHasMorePointsThanFit(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{0, time.Second, time.Minute, time.Hour} {
		for _, span := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 400 * 24 * time.Hour} {
			step := stepFor(span, every, maxPoints)
			if step == 0 && (every == 0 || span/every > maxPoints) {
				t.Errorf("%v of readings every %v are shown one by one", span, every)
			}
			if step > 0 && span/step > maxPoints {
				t.Errorf("%v every %v: step %v gives %d points", span, every, step, span/step)
			}
		}
	}
}

func TestAGapBreaksTheLine(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time { return storyNow.Add(time.Duration(minutes) * time.Minute) }
	line := lineOf("temperature", []history.Bucket{
		{T: at(0), Avg: 4}, {T: at(1), Avg: 5}, {T: at(30), Avg: 6}, {T: at(31), Avg: 7},
	}, 0, 3*time.Minute)
	got, err := json.Marshal(line.V)
	if err != nil {
		t.Fatal(err)
	}
	if want := "[4,5,null,6,7]"; string(got) != want {
		t.Errorf("line %s, want %s", got, want)
	}
	if !slices.IsSorted(line.T) {
		t.Errorf("times %v are not ascending", line.T)
	}
}

func TestThinningATraceKeepsItsExtremesAndItsGaps(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var points []excursion.Point
	at := storyNow
	for i := range 20_000 {
		at = at.Add(time.Minute)
		if i == 7000 {
			at = at.Add(3 * time.Hour)
		}
		points = append(points, excursion.Point{At: at, C: 5 + random.NormFloat64()})
	}
	points[4321].C, points[15000].C = 40, -30

	line := traceLine("reefer-3", points, 30*time.Minute)
	if len(line.T) > 3*maxPoints {
		t.Errorf("%d points are left", len(line.T))
	}
	if !slices.IsSorted(line.T) {
		t.Error("times are not ascending")
	}
	var gaps int
	low, high := 0.0, 0.0
	for _, v := range line.V {
		if v == nil {
			gaps++
			continue
		}
		low, high = min(low, *v), max(high, *v)
	}
	if gaps != 1 || low != -30 || high != 40 {
		t.Errorf("%d gaps, from %v to %v; want 1, -30, 40", gaps, low, high)
	}
}

func TestTheChartOfAnAlarmLeavesRoomAroundIt(t *testing.T) {
	t.Parallel()
	now := storyNow
	for _, c := range []struct {
		name                  string
		pending, raised, done time.Duration // before now; 0: not cleared
		from, to              time.Duration
	}{
		{"a short one gets twenty minutes", 62 * time.Minute, 60 * time.Minute, 55 * time.Minute, 82 * time.Minute, 35 * time.Minute},
		{"a long one gets half as much again", 24 * time.Hour, 24 * time.Hour, 16 * time.Hour, 28 * time.Hour, 12 * time.Hour},
		{"one that ended just now goes up to now", 62 * time.Minute, 60 * time.Minute, time.Minute, 92*time.Minute + 30*time.Second, 0},
		{"an active one goes up to now", 62 * time.Minute, 60 * time.Minute, 0, 93 * time.Minute, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			alarm := &tickets.Alarm{PendingSince: now.Add(-c.pending), RaisedAt: now.Add(-c.raised)}
			if c.done > 0 {
				alarm.ClearedAt = now.Add(-c.done)
			}
			from, to := around(alarm, now)
			if now.Sub(from) != c.from || now.Sub(to) != c.to {
				t.Errorf("from %v to %v before now; want %v to %v", now.Sub(from), now.Sub(to), c.from, c.to)
			}
		})
	}
}

func TestAnAlarmOfYearsHasABoundedChart(t *testing.T) {
	t.Parallel()
	from, to := around(&tickets.Alarm{RaisedAt: storyNow.AddDate(-3, 0, 0)}, storyNow)
	if to.Sub(from) > longestView {
		t.Errorf("%v", to.Sub(from))
	}
}
