package simulator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/simulator"
)

func TestAScenarioReads(t *testing.T) {
	t.Parallel()
	got := scenario(t, `
seed: 7
start: -4h
speed: 240
fleet:
  - {kind: fridge, count: 2, id: "fridge-%02d", model: FR-200, report_every: 30s, ambient: 25.5}
  - {kind: washer, id: washer-1}
faults:
  - {device: fridge-02, fault: spike, at: 40m, for: 1m, value: 150}
  - {device: washer-1, fault: stuck, metric: water_temperature}
  - {device: washer-1, fault: code, code: E21, at: 10m}
`)
	ambient := 25.5
	want := &simulator.Scenario{
		Seed: 7, Start: simulator.Start{Ago: 4 * time.Hour}, Speed: 240,
		Groups: []simulator.Group{
			{
				Kind: simulator.Fridge, Count: 2, ID: "fridge-%02d", Model: "FR-200",
				ReportEvery: 30 * time.Second, Ambient: &ambient,
			},
			{Kind: simulator.Washer, Count: 1, ID: "washer-1", ReportEvery: time.Minute},
		},
		Faults: []simulator.Fault{
			{Device: "fridge-02", Kind: simulator.Spike, At: 40 * time.Minute, For: time.Minute, Metric: "temperature", Value: 150},
			{Device: "washer-1", Kind: simulator.Stuck, Metric: "water_temperature"},
			{Device: "washer-1", Kind: simulator.Code, At: 10 * time.Minute, Code: "E21"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenario (-want +got):\n%s", diff)
	}
	now := start.Add(5 * time.Hour)
	if at := got.Start.Resolve(now); !at.Equal(start.Add(time.Hour)) {
		t.Errorf("starts at %s", at)
	}
}

func TestAllThatIsWrongWithAScenarioComesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := simulator.Parse("bad.yaml", []byte(`
sed: 7
seed: -1
start: yesterday
speed: 0.5
fleet:
  - {kind: fridge, count: 2, id: fridge}
  - {kind: frigde, id: a}
  - {kind: fridge, id: "a b"}
  - {kind: fridge, id: "%s"}
  - {kind: fridge, id: ok, report_every: 1ms}
  - {kind: fridge, id: ok}
  - {kind: washer, id: w, setpoint: 4}
  - {kind: washer, id: w2, count: 0}
  - {kind: freezer, id: f, ambient: .inf}
  - {kind: washer, id: "many-%d", count: 9000000000000000000}
  - washer
faults:
  - {device: ok, fault: heater}
  - {device: nobody, fault: door}
  - {device: ok, fault: spike}
  - {device: ok, fault: stuck, metric: humidity}
  - {device: ok, fault: code}
  - {device: ok, fault: door, code: E1, metric: temperature, at: -1m}
  - {device: ok, fault: melt}
  - {fault: door, device: ok, device: ok}
`))
	if err == nil {
		t.Fatal("accepted")
	}
	want := `bad.yaml:2: unknown key "sed"; there are seed, start, speed, fleet, faults
bad.yaml:3: must be a whole number, not "-1"
bad.yaml:4: start must be like -4h or 2026-01-10T00:00:00Z, not "yesterday"
bad.yaml:5: speed must be from 1 to 1000000
bad.yaml:7: id "fridge" must have a %d to name 2 units, like fridge-%02d
bad.yaml:8: unknown kind "frigde"; there are fridge, freezer, reefer, washer
bad.yaml:9: "a b" is not a device id
bad.yaml:10: id "%s" must have one %d, like fridge-%02d
bad.yaml:11: report_every must be 100ms or more
bad.yaml:12: unit ok is there twice, first in line 11
bad.yaml:13: a washer has no setpoint or ambient
bad.yaml:14: count must be 1 or more
bad.yaml:15: must be a number, not ".inf"
bad.yaml:16: the fleet has more than 1000000 units
bad.yaml:17: must be a mapping with the keys kind, count, id, model, report_every, setpoint, ambient
bad.yaml:17: kind is missing
bad.yaml:17: id is missing
bad.yaml:19: a fridge has no fault heater
bad.yaml:20: there is no unit nobody in the fleet
bad.yaml:21: fault spike needs a value
bad.yaml:22: metric must be one of compressor_w, door_open, temperature, not "humidity"
bad.yaml:23: fault code needs a code, and no other fault has one
bad.yaml:24: "-1m" is not a duration (write 90s, 10m or 4h)
bad.yaml:24: fault code needs a code, and no other fault has one
bad.yaml:24: fault door is about no metric
bad.yaml:25: unknown fault "melt"; there are compressor, door, power, heater, leak, code, stuck, spike, bias, drift, noise, dropout
bad.yaml:26: key "device" is there twice`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestAScenarioWithoutAFleetIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":          "s.yaml: the scenario is empty",
		"seed: 1":   "s.yaml:1: fleet is missing",
		"fleet: {}": "s.yaml:1: must be a list",
		"fleet: [":  "s.yaml: yaml: line 1: did not find expected node content",
	} {
		if _, err := simulator.Parse("s.yaml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestScenariosLoadByNameOrFile(t *testing.T) {
	t.Parallel()
	for _, name := range simulator.Names() {
		if _, err := simulator.Load(name); err != nil {
			t.Errorf("load %s: %v", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("fleet: [{kind: fridge, id: a}]"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := simulator.Load(file); err != nil {
		t.Errorf("load a file: %v", err)
	}
	if _, err := simulator.Load("domo"); err == nil || !strings.Contains(err.Error(), "there are demo") {
		t.Errorf("load an unknown name: %v", err)
	}
	if _, err := simulator.Load("./domo.yaml"); err == nil {
		t.Error("loaded a file that is not there")
	}
}

// FuzzParse: no scenario makes the reader panic, and what it accepts runs.
func FuzzParse(f *testing.F) {
	f.Add([]byte(mixed))
	f.Add([]byte("{seed: 1, start: -4h, fleet: [{kind: washer, id: 'w%d', count: 3}], faults: [{device: w1, fault: leak}]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := simulator.Parse("fuzz.yaml", text)
		if err != nil {
			return
		}
		units := 0
		for _, g := range s.Groups {
			units += g.Count
		}
		if units > 20 {
			return // only to keep the fuzzer quick
		}
		simulator.NewFleet(s, start).Step(start.Add(5 * time.Second))
	})
}

func TestTemplateTimesAreFilledIn(t *testing.T) {
	t.Parallel()
	got, err := simulator.Render([]byte("departed: {{start}}\narrived: \"{{start+2h30m}}\"\nfrom: {{start-24h}}\n"+
		"subject: \"{{device.id}} {{starter}}\""), start)
	if err != nil {
		t.Fatal(err)
	}
	want := "departed: 2026-01-01T00:00:00Z\narrived: \"2026-01-01T02:30:00Z\"\nfrom: 2025-12-31T00:00:00Z\n" +
		"subject: \"{{device.id}} {{starter}}\""
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("rendered (-want +got):\n%s", diff)
	}
	if _, err := simulator.Render([]byte("a\nb: {{start+2 h}}"), start); err == nil ||
		err.Error() != "line 2: {{start+2 h}} is not a time (write {{start+2h30m}})" {
		t.Errorf("a wrong template time: %v", err)
	}
}
