package simulator_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/simulator"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func scenario(t testing.TB, text string) *simulator.Scenario {
	t.Helper()
	s, err := simulator.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run returns all a scenario's fleet says in a time.
func run(t testing.TB, text string, span time.Duration) []devices.Report {
	t.Helper()
	return simulator.NewFleet(scenario(t, text), start).Step(start.Add(span))
}

// script writes reports as they are published.
func script(reports []devices.Report) string {
	var b bytes.Buffer
	for _, r := range reports {
		if r.Presence != devices.PresenceUnknown {
			fmt.Fprintf(&b, "%s is %s\n", r.Device, r.Presence)
			continue
		}
		fmt.Fprintf(&b, "%s %s\n", r.Device, simulator.Payload(r))
	}
	return b.String()
}

const mixed = `
seed: 7
fleet:
  - {kind: fridge, id: "fridge-%02d", count: 3}
  - {kind: freezer, id: freezer-1, report_every: 30s}
  - {kind: reefer, id: reefer-1, setpoint: -20}
  - {kind: washer, id: washer-1, report_every: 7s}
faults:
  - {device: fridge-02, fault: compressor, at: 20m, for: 40m}
  - {device: freezer-1, fault: dropout, at: 30m, for: 10m}
  - {device: washer-1, fault: code, code: E21, at: 1h}
  - {device: fridge-03, fault: noise, value: 0.5, at: 10m}
`

func TestOneSeedSaysTheSameHoweverTimeIsCut(t *testing.T) {
	t.Parallel()
	whole := script(run(t, mixed, 2*time.Hour))

	fleet := simulator.NewFleet(scenario(t, mixed), start)
	var cut []devices.Report
	for at := time.Duration(0); at <= 2*time.Hour; at += 3700 * time.Millisecond {
		cut = append(cut, fleet.Step(start.Add(at))...)
	}
	cut = append(cut, fleet.Step(start.Add(2*time.Hour))...)

	if diff := cmp.Diff(whole, script(cut)); diff != "" {
		t.Errorf("reports (-one step +many steps):\n%s", diff)
	}
	if len(whole) < 1000 {
		t.Errorf("the fleet said only %q", whole)
	}
}

func TestAnotherSeedSaysSomethingElse(t *testing.T) {
	t.Parallel()
	one := script(run(t, "{seed: 1, fleet: [{kind: fridge, id: a}]}", time.Hour))
	two := script(run(t, "{seed: 2, fleet: [{kind: fridge, id: a}]}", time.Hour))
	if one == two {
		t.Error("seeds 1 and 2 say the same")
	}
}

func TestMoreUnitsDoNotChangeTheOthers(t *testing.T) {
	t.Parallel()
	alone := run(t, "{seed: 1, fleet: [{kind: fridge, id: fridge-2}]}", time.Hour)
	var among []devices.Report
	for _, r := range run(t, "{seed: 1, fleet: [{kind: fridge, id: 'fridge-%d', count: 5}]}", time.Hour) {
		if r.Device == "fridge-2" {
			among = append(among, r)
		}
	}
	if diff := cmp.Diff(script(alone), script(among)); diff != "" {
		t.Errorf("fridge-2 (-alone +among others):\n%s", diff)
	}
}

func TestReportsComeInOrderAndInTheirRhythm(t *testing.T) {
	t.Parallel()
	reports := run(t, mixed, time.Hour)
	count := make(map[devices.ID]int)
	for i, r := range reports {
		if i > 0 && r.ObservedAt.Before(reports[i-1].ObservedAt) {
			t.Fatalf("report %d is of %s, after one of %s", i, r.ObservedAt, reports[i-1].ObservedAt)
		}
		if r.ObservedAt.Before(start) || r.ObservedAt.After(start.Add(time.Hour)) {
			t.Fatalf("report %d is of %s", i, r.ObservedAt)
		}
		if r.Presence == devices.PresenceUnknown {
			count[r.Device]++
		}
	}
	want := map[devices.ID]int{
		"fridge-01": 60, "fridge-02": 60, "fridge-03": 60, "reefer-1": 60,
		"freezer-1": 100, // every 30 s, but not in the ten minutes of the dropout
		"washer-1":  515,
	}
	if diff := cmp.Diff(want, count, cmp.Comparer(func(a, b int) bool { return a-b <= 1 && b-a <= 1 })); diff != "" {
		t.Errorf("reports in an hour (-want +got):\n%s", diff)
	}
}

func TestAStepBackSaysNothing(t *testing.T) {
	t.Parallel()
	fleet := simulator.NewFleet(scenario(t, mixed), start)
	if early := fleet.Step(start.Add(-time.Hour)); len(early) > 0 {
		t.Errorf("before the start: %d reports", len(early))
	}
	fleet.Step(start.Add(time.Hour))
	if again := fleet.Step(start.Add(time.Minute)); len(again) > 0 {
		t.Errorf("a step back: %d reports", len(again))
	}
}
