package backtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/rules"
)

// cabinet is a declared fridge.
func cabinet() ([]*devices.Model, []*devices.Device) {
	return []*devices.Model{{ID: "FR", ReportEvery: time.Minute, Metrics: map[string]devices.Metric{
			"temperature": {Name: "temperature", Unit: "Cel"}, "power": {Name: "power", Unit: "W"},
		}}},
		[]*devices.Device{{ID: "f1", Model: "FR"}, {ID: "f2", Model: "FR"}}
}

// TestStretchesAreWhatOneFileWouldBe cuts readings into stretches, shuffles
// each and stores what was said at once apart.
func TestStretchesAreWhatOneFileWouldBe(t *testing.T) {
	t.Parallel()
	models, subjects := cabinet()
	rule := warm()
	rule.When, rule.For = "temperature > 8 and power > 50", 3*time.Minute
	in := Input{Rules: []rules.Rule{rule}, Models: models, Devices: subjects, From: start, To: start.Add(60 * time.Hour)}
	lines := append(wander("f1", 3000), wander("f2", 2000)...)
	want := run(t, in, lines...)
	if len(want.Alarms) < 10 {
		t.Fatalf("only %d alarms: the test shows nothing", len(want.Alarms))
	}

	var all []devices.Report
	for r, err := range ReadCSV(strings.NewReader("time,device,metric,value\n" + strings.Join(lines, "\n"))) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, devices.Report{Device: r.Device, ObservedAt: r.At, ReceivedAt: r.At,
			Readings: []devices.Reading{{Metric: r.Metric, Value: r.Value}}})
	}
	var told []Progress
	in.Progress = func(p Progress) { told = append(told, p) }
	random := rand.New(rand.NewPCG(1, 2))
	got, err := Play(t.Context(), in, func(yield func([]devices.Report, error) bool) {
		for from := start; from.Before(in.To); from = from.Add(7 * time.Hour) {
			var stretch []devices.Report
			for _, r := range all {
				if !r.ObservedAt.Before(from) && r.ObservedAt.Before(from.Add(7*time.Hour)) {
					stretch = append(stretch, r)
				}
			}
			random.Shuffle(len(stretch), func(i, j int) { stretch[i], stretch[j] = stretch[j], stretch[i] })
			if !yield(stretch, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results differ (-file +stretches):\n%s", diff)
	}
	last := told[len(told)-1]
	if last.Played != int64(len(lines)) || last.Read != last.Played || last.Total < last.Read {
		t.Errorf("progress ends at %+v, %d readings were played", last, len(lines))
	}
	if !slices.IsSortedFunc(told, func(a, b Progress) int { return int(a.Played - b.Played) }) {
		t.Error("progress went back")
	}
}

// TestProgressBeginsWithTheFirstReading: what is asked for begins a month
// before the history does.
func TestProgressBeginsWithTheFirstReading(t *testing.T) {
	t.Parallel()
	models, subjects := cabinet()
	in := Input{Rules: []rules.Rule{warm()}, Models: models, Devices: subjects, From: start.AddDate(0, -1, 0), To: start.Add(10 * time.Hour)}
	var shares []string
	in.Progress = func(p Progress) { shares = append(shares, fmt.Sprintf("%.2f", p.Share)) }
	_, err := Play(t.Context(), in, func(yield func([]devices.Report, error) bool) {
		if !yield(nil, nil) { // the month
			return
		}
		for hour := range 10 {
			var stretch []devices.Report
			for m := range 60 {
				at := start.Add(time.Duration(hour)*time.Hour + time.Duration(m)*time.Minute)
				stretch = append(stretch, devices.Report{Device: "f1", ObservedAt: at, ReceivedAt: at,
					Readings: []devices.Reading{{Metric: "temperature", Value: devices.Number(4)}}})
			}
			if !yield(stretch, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0.00", "0.10", "0.20", "0.30", "0.40", "0.50", "0.60", "0.70", "0.80", "0.90", "1.00"}
	if diff := cmp.Diff(want, shares); diff != "" {
		t.Errorf("after each stretch (-want +got):\n%s", diff)
	}
}

func TestAStoreThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	models, subjects := cabinet()
	broken := errors.New("disk gone")
	_, err := Play(t.Context(), Input{Rules: []rules.Rule{warm()}, Models: models, Devices: subjects}, func(yield func([]devices.Report, error) bool) {
		yield(nil, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// TestACancelledRunLeavesNobodyReading cancels while the store has more to
// give, and waits for the store to have been let go.
func TestACancelledRunLeavesNobodyReading(t *testing.T) {
	t.Parallel()
	models, subjects := cabinet()
	ctx, cancel := context.WithCancel(t.Context())
	ended := false
	_, err := Play(ctx, Input{Rules: []rules.Rule{warm()}, Models: models, Devices: subjects}, forEver(cancel, &ended))
	if !errors.Is(err, context.Canceled) || !ended {
		t.Errorf("error %v, store let go: %v", err, ended)
	}
}

// forEver yields minutes without an end and calls cancel after a while.
func forEver(cancel func(), ended *bool) iter.Seq2[[]devices.Report, error] {
	return func(yield func([]devices.Report, error) bool) {
		defer func() { *ended = true }()
		for i := 0; ; i++ {
			at := start.Add(time.Duration(i) * time.Minute)
			if !yield([]devices.Report{{Device: "f1", ObservedAt: at, ReceivedAt: at}}, nil) {
				return
			}
			if i == 100 {
				cancel()
			}
		}
	}
}

func TestRulesThatFloodAreRefused(t *testing.T) {
	t.Parallel()
	rule := warm()
	rule.For = 0
	in := Input{Rules: []rules.Rule{rule}, Sweep: &Sweep{Place: "temperature >", Values: []float64{7, 8}}, MaxAlarms: 3}
	values := []float64{9, 0, 9, 0}
	_, err := Run(t.Context(), in, ReadCSV(strings.NewReader("time,device,metric,value\n"+strings.Join(minutes("f1", values...), "\n"))))
	var input *InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "more than 3 alarms") {
		t.Errorf("error %v", err)
	}
	in.MaxAlarms = 6
	if got := run(t, in, minutes("f1", values...)...); len(got.Alarms) != 2 {
		t.Errorf("%d alarms", len(got.Alarms))
	}
}
