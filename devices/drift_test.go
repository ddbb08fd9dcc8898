package devices_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
)

// heard is one message: after how long it was received, and how far its time
// lay before that.
type heard struct{ at, sample time.Duration }

func measure(d devices.Drift, messages ...heard) devices.Drift {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, m := range messages {
		d = d.Observe(m.sample, start.Add(m.at))
	}
	return d
}

func TestAClockIsCorrectedWhenItIsSteadilyWrong(t *testing.T) {
	t.Parallel()
	const h, m, s = time.Hour, time.Minute, time.Second
	for _, c := range []struct {
		name     string
		messages []heard
		want     time.Duration
	}{
		{"one message says nothing yet", []heard{{0, h}}, 0},
		{"three at once say nothing yet", []heard{{0, h}, {s, h}, {2 * s, h}}, 0},
		{"an hour behind", []heard{{0, h + s}, {m, h + 2*s}, {2 * m, h + 3*s}}, h + s},
		{"an hour ahead", []heard{{0, -h + s}, {m, -h + 2*s}, {2 * m, -h}}, -h},
		{"1970", []heard{{0, 56 * 365 * 24 * h}, {m, 56 * 365 * 24 * h}, {2 * m, 56 * 365 * 24 * h}}, 56 * 365 * 24 * h},
		{"up to five seconds is no fault", []heard{{0, 5 * s}, {m, 5 * s}, {2 * m, 5 * s}}, 0},
		{"most are late: the clock is right all the same", []heard{{0, h}, {m, h}, {2 * m, s}, {3 * m, h}, {4 * m, h}}, 0},
		{"a jump ahead counts with the next message", []heard{{0, 0}, {m, 0}, {2 * m, 0}, {3 * m, -h}}, -h},
		{"a clock that was set right is right at once", []heard{{0, h}, {m, h}, {2 * m, h}, {3 * m, 0}}, 0},
		{"a clock that falls back is late at first", []heard{{0, 0}, {m, 0}, {2 * m, 0}, {3 * m, h}, {h, h}}, 0},
		{"and behind after two windows", []heard{{0, 0}, {m, 0}, {2 * m, 0}, {3 * m, h}, {h, h}, {2 * h, h}}, h},
		{"a small change moves no report", []heard{{0, h}, {m, h}, {2 * m, h}, {3 * m, h - 5*s}}, h},
		{"a message from before the window is old", []heard{{h, h}, {h + m, h}, {h + 2*m, h}, {0, -h}}, h},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := measure(devices.Drift{}, c.messages...).Applied; got != c.want {
				t.Errorf("corrected by %s, want %s", got, c.want)
			}
		})
	}
}

// A clock that is off by any constant, heard with any delays of which some are
// short, is corrected to within the shortest delay and the tolerance, and never
// to after the receipt by more than the tolerance.
func TestAnyConstantOffsetIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		offset := time.Duration(rapid.Int64Range(-int64(1000*time.Hour), int64(1000*time.Hour)).Draw(t, "offset"))
		delays := rapid.SliceOfN(rapid.Int64Range(0, int64(10*time.Hour)), 3, 50).Draw(t, "delays")
		var messages []heard
		shortest := time.Duration(delays[0])
		for i, d := range delays {
			messages = append(messages, heard{time.Duration(i) * 40 * time.Second, offset + time.Duration(d)})
			shortest = min(shortest, time.Duration(d))
		}
		got := measure(devices.Drift{}, messages...).Applied
		if off := got - offset; off < -5*time.Second || off > shortest+5*time.Second {
			t.Errorf("corrected by %s for an offset of %s, shortest delay %s", got, offset, shortest)
		}
	})
}

func TestModelsAreGuessedByTheirMetrics(t *testing.T) {
	t.Parallel()
	model := func(id string, names ...string) *devices.Model {
		m := &devices.Model{ID: id, Metrics: map[string]devices.Metric{}}
		for _, name := range names {
			m.Metrics[name] = devices.Metric{Name: name}
		}
		return m
	}
	renamed := model("renamed", "humidity")
	renamed.Metrics["temperature"] = devices.Metric{Name: "temperature", From: "TempC_SHT"}
	models := []*devices.Model{model("big", "temperature", "humidity", "co2"), model("other", "power"), model("exact", "temperature", "humidity"), renamed}
	got := devices.GuessModels([]string{"humidity", "temperature", "unheard"}, models)
	want := []devices.Guess{{"exact", 2, 0}, {"renamed", 2, 0}, {"big", 2, 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := devices.GuessModels([]string{"TempC_SHT"}, models); len(got) != 1 || got[0].Model != "renamed" {
		t.Errorf("by the vendor's name: %v", got)
	}
	if got := devices.GuessModels(nil, models); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}
