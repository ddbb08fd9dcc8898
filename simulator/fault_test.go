package simulator_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"telltale/devices"
	"telltale/simulator"
)

// track is one metric of one unit over time.
type track []point

type point struct {
	since time.Duration
	value float64
}

// trackOf runs one unit with one fault from the first hour to the second, and
// returns a metric from its reports.
func trackOf(t *testing.T, unit, fault, metric string) (track, []devices.Report) {
	t.Helper()
	text := fmt.Sprintf("{seed: 11, fleet: [{kind: %s, id: x}]", unit)
	if fault != "" {
		text += fmt.Sprintf(", faults: [{device: x, fault: %s, at: 1h, for: 1h}]", fault)
	}
	reports := run(t, text+"}", 4*time.Hour)
	var points track
	for _, r := range reports {
		for _, reading := range r.Readings {
			if reading.Metric == metric {
				points = append(points, point{r.ObservedAt.Sub(start), reading.Value.Number})
			}
		}
	}
	return points, reports
}

// span returns the smallest and largest value between two times.
func (tr track) span(from, to time.Duration) (low, high float64) {
	var values []float64
	for _, p := range tr {
		if p.since >= from && p.since < to {
			values = append(values, p.value)
		}
	}
	return slices.Min(values), slices.Max(values)
}

// limits is where a metric must stay in a stretch of time.
type limits struct {
	from, to  time.Duration
	low, high float64
}

func TestFaultsShowInTheSignal(t *testing.T) {
	t.Parallel()
	const before, begin, end, after = 0, time.Hour, 2 * time.Hour, 3 * time.Hour
	late := end - 10*time.Minute
	cases := []struct {
		name, unit, fault, metric string
		want                      []limits
	}{
		{"a fridge without a fault keeps cool", "fridge", "", "temperature", []limits{{before, 4 * time.Hour, 2, 7.9}}},
		{"a freezer without a fault keeps cold", "freezer", "", "temperature", []limits{{before, 4 * time.Hour, -23, -16}}},
		{"a reefer without a fault keeps cool", "reefer", "", "temperature", []limits{{before, 4 * time.Hour, 3, 7}}},
		{"a frozen reefer keeps cold", "reefer, setpoint: -20", "", "temperature", []limits{{before, 4 * time.Hour, -22, -18}}},
		{
			"a compressor that fails lets the fridge warm, and a repair cools it again",
			"fridge", "compressor", "temperature",
			[]limits{{before, begin, 2, 7.9}, {late, end, 8.5, 14}, {after, 4 * time.Hour, 2, 7.9}},
		},
		{
			"a compressor that fails draws no power",
			"fridge", "compressor", "compressor_w", []limits{{begin + time.Minute, end, 0, 10}},
		},
		{
			"a door that stays open warms the air and is seen",
			"fridge", "door", "temperature", []limits{{begin + 15*time.Minute, end, 9, 18}, {after, 4 * time.Hour, 2, 7.9}},
		},
		{"an open door is reported as open", "fridge", "door", "door_open", []limits{{begin, end, 1, 1}}},
		{
			"a freezer without power warms slowly",
			"freezer", "power", "temperature", []limits{{late, end, -16, -10}, {after, 4 * time.Hour, -23, -16}},
		},
		{"lost mains are reported", "freezer", "power", "mains", []limits{{before, begin, 1, 1}, {begin, end, 0, 0}, {end, after, 1, 1}}},
		{"without power nothing draws any", "freezer", "power", "compressor_w", []limits{{begin, end, 0, 0}}},
		{"a spike is what it was told to be", "fridge", "spike, value: 150", "temperature", []limits{{begin, end, 150, 150}}},
		{
			"a bias shifts the value",
			"reefer", "bias, value: 10", "temperature", []limits{{before, begin, 3, 7}, {begin, end, 13, 17}, {end, after, 3, 7}},
		},
		{
			"a drift grows with time",
			"reefer", "drift, value: 6", "temperature",
			[]limits{{begin, begin + 10*time.Minute, 3, 8}, {late, end, 8, 13}, {end, after, 3, 7}},
		},
		{"a leak is reported", "washer", "leak", "leak", []limits{{before, begin, 0, 0}, {begin, end, 1, 1}, {end, after, 0, 0}}},
		{"a heater that fails leaves the water cold", "washer", "heater", "water_temperature", []limits{{begin + time.Hour/2, end, 10, 40}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			points, _ := trackOf(t, c.unit, c.fault, c.metric)
			for _, l := range c.want {
				if low, high := points.span(l.from, l.to); low < l.low || high > l.high {
					t.Errorf("%s from %s to %s is within %v and %v, want %v and %v",
						c.metric, l.from, l.to, low, high, l.low, l.high)
				}
			}
		})
	}
}

func TestAStuckSensorRepeatsItsLastValue(t *testing.T) {
	t.Parallel()
	points, _ := trackOf(t, "fridge", "stuck", "temperature")
	low, high := points.span(time.Hour, 2*time.Hour)
	if last, _ := points.span(58*time.Minute, time.Hour); low != high || low == 0 {
		t.Errorf("stuck between %v and %v (last good value about %v)", low, high, last)
	}
	if low, high := points.span(2*time.Hour, 3*time.Hour); low == high {
		t.Error("still stuck after the fault")
	}
}

func TestNoiseWidensTheSignalOnly(t *testing.T) {
	t.Parallel()
	quiet, _ := trackOf(t, "reefer", "", "temperature")
	noisy, _ := trackOf(t, "reefer", "noise, value: 2", "temperature")
	sum := 0.0
	for i := range quiet {
		diff := noisy[i].value - quiet[i].value
		inside := quiet[i].since >= time.Hour && quiet[i].since < 2*time.Hour
		if !inside && diff != 0 {
			t.Fatalf("differs by %v at %s, outside the fault", diff, quiet[i].since)
		}
		sum += diff * diff
	}
	if sum < 60 { // 60 readings with a variance of 4
		t.Errorf("sum of squares of the noise is %v", sum)
	}
}

func TestAFaultCodeIsSentAgainAndAgainUntilItGoes(t *testing.T) {
	t.Parallel()
	_, reports := trackOf(t, "washer", "code, code: E21", "phase")
	for _, r := range reports {
		since := r.ObservedAt.Sub(start)
		want := []string{}
		if since >= time.Hour && since < 2*time.Hour {
			want = []string{"E21"}
		}
		if r.Faults == nil || !slices.Equal(r.Faults, want) {
			t.Fatalf("faults at %s: %v, want %v", since, r.Faults, want)
		}
	}
}

func TestADropoutIsSilenceBetweenTwoWordsOfTheConnection(t *testing.T) {
	t.Parallel()
	_, reports := trackOf(t, "fridge", "dropout", "temperature")
	var words []devices.Presence
	var lastSeq uint64
	for _, r := range reports {
		since := r.ObservedAt.Sub(start)
		switch {
		case r.Presence != devices.PresenceUnknown:
			words = append(words, r.Presence)
			continue
		case since >= time.Hour && since < 2*time.Hour:
			t.Fatalf("a report at %s", since)
		case since >= 2*time.Hour && lastSeq == 60:
			if r.Seq != 121 {
				t.Errorf("seq goes on at %d, want 121: the device measured on", r.Seq)
			}
		}
		lastSeq = r.Seq
	}
	if !slices.Equal(words, []devices.Presence{devices.Offline, devices.Online}) {
		t.Errorf("words of the connection: %v", words)
	}
}

func TestPayloadsAreNative(t *testing.T) {
	t.Parallel()
	got := string(simulator.Payload(devices.Report{
		ObservedAt: start, Seq: 7, Faults: []string{"E21"},
		Readings: []devices.Reading{
			{Metric: "temperature", Value: devices.Number(4.2)},
			{Metric: "door_open", Value: devices.Number(1)},
			{Metric: "phase", Value: devices.Label(`a "wash"`)},
		},
	}))
	want := `{"ts":1767225600000,"seq":7,"values":{"temperature":4.2,"door_open":true,"phase":"a \"wash\""},"faults":["E21"]}`
	if got != want {
		t.Errorf("payload\n %s, want\n %s", got, want)
	}
}
