package rules

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// sharedData finds the data that nobody on the team wrote.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
	path := filepath.Join(dir, "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the shared data is missing: %v", err)
	}
	return path
}

// whoRules are the alarms of a vaccine fridge by WHO/PQS E006.
func whoRules() []Rule {
	return []Rule{
		{ID: "HEAT", When: "TVC > 8", For: 10 * time.Hour},
		{ID: "FRZE", When: "TVC <= -0.5", For: 60 * time.Minute},
		{ID: "DOOR", When: "DORV > 300"},
		{ID: "POWR", When: "SVA == 0 or ACSV == 0", For: 24 * time.Hour},
	}
}

const whoInterval = 15 * time.Minute

func whoSet(t testing.TB) *Set {
	t.Helper()
	model := &devices.Model{ID: "vaccine-fridge", ReportEvery: whoInterval, Metrics: map[string]devices.Metric{}}
	for name, unit := range map[string]string{"TVC": "Cel", "TAMB": "Cel", "DORV": "s", "CMPR": "s", "SVA": "s", "ACSV": "V", "DCSV": "V"} {
		model.Metrics[name] = devices.Metric{Name: name, Unit: unit}
	}
	set, err := Compile(whoRules(), devices.NewDirectory(1, []*devices.Model{model}, []*devices.Device{{ID: fridgeID, Model: model.ID}}))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// raisedRules returns the ids of the rules that are raised, sorted.
func raisedRules(e *Engine) []string {
	var raised []string
	for _, rule := range e.Set().Rules() {
		if s, ok := e.State(fridgeID, rule.ID); ok && s.Raised() {
			raised = append(raised, rule.ID)
		}
	}
	slices.Sort(raised)
	return raised
}

func TestSimulatedVaccineFridgesAlarmAsTheirOwnRecordsSay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(sharedData(t, "who"), "*.json"))
	if err != nil || len(files) != 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var run struct {
				Records []map[string]any `json:"records"`
			}
			if err := json.Unmarshal(content, &run); err != nil {
				t.Fatal(err)
			}
			e := NewEngine(whoSet(t))
			for _, record := range run.Records {
				at, err := time.Parse("20060102T150405Z", record["ABST"].(string))
				if err != nil {
					t.Fatal(err)
				}
				values := map[string]any{}
				for name, v := range record {
					if number, ok := v.(float64); ok {
						values[name] = number
					}
				}
				e.Apply([]devices.Report{reportOf(fridgeID, at, values)}, at, nil)
				var want []string
				if code, ok := record["ALRM"].(string); ok {
					want = []string{code}
				}
				if diff := cmp.Diff(want, raisedRules(e)); diff != "" {
					t.Errorf("%s: alarms differ (-record +engine):\n%s", record["ABST"], diff)
				}
			}
		})
	}
}

// The boundaries of the shared data's README, as numbers.
func TestVaccineFridgeBoundaries(t *testing.T) {
	t.Parallel()
	type stretch struct {
		metric  string
		value   float64
		samples int
	}
	for _, c := range []struct {
		name string
		run  []stretch
		want []string // rules raised at any time
	}{
		{"exactly 8.0 for 50 samples", []stretch{{"TVC", 8, 50}}, nil},
		{"9 hours hot, one sample at 7.0, 2 hours hot", []stretch{{"TVC", 10, 36}, {"TVC", 7, 1}, {"TVC", 10, 8}}, nil},
		{"41 samples of 10 degrees", []stretch{{"TVC", 10, 41}}, []string{"HEAT"}},
		{"40 samples of 10 degrees", []stretch{{"TVC", 10, 40}}, nil},
		{"45 minutes below -0.5", []stretch{{"TVC", -0.6, 4}, {"TVC", 4, 1}}, nil},
		{"75 minutes below -0.5", []stretch{{"TVC", -0.6, 6}}, []string{"FRZE"}},
		{"60 minutes at exactly -0.5", []stretch{{"TVC", -0.5, 5}}, []string{"FRZE"}},
		{"75 minutes at -0.4", []stretch{{"TVC", -0.4, 6}}, nil},
		{"no power for 23 hours", []stretch{{"SVA", 0, 23*4 + 1}, {"SVA", 900, 1}}, nil},
		{"no power for 25 hours", []stretch{{"SVA", 0, 25*4 + 1}}, []string{"POWR"}},
		{"no power for 24 hours to the sample", []stretch{{"SVA", 0, 24*4 + 1}}, []string{"POWR"}},
		{"no mains voltage for 25 hours", []stretch{{"ACSV", 0, 25*4 + 1}}, []string{"POWR"}},
		{"a door open for 5 minutes", []stretch{{"DORV", 300, 3}}, nil},
		{"a door open for longer", []stretch{{"DORV", 301, 1}}, []string{"DOOR"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := NewEngine(whoSet(t))
			at := start
			var got []string
			for _, part := range c.run {
				for range part.samples {
					for _, one := range e.Apply([]devices.Report{reportOf(fridgeID, at, map[string]any{part.metric: part.value})}, at, nil) {
						if one.Change == Raised {
							got = append(got, one.Key.Rule)
						}
					}
					at = at.Add(whoInterval)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("alarms differ (-want +got):\n%s", diff)
			}
		})
	}
}

// The milling records name two failures by arithmetic alone.
func TestMillingFailuresAreFoundByExpressions(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(sharedData(t, "ai4i2020.csv"))
	if err != nil {
		t.Fatal(err)
	}
	model := &devices.Model{ID: "mill", Metrics: map[string]devices.Metric{
		"type": {Unit: "text"}, "speed": {Unit: "{rotation}/min"}, "torque": {Unit: "N.m"}, "wear": {Unit: "min"},
	}}
	set, err := Compile([]Rule{
		{ID: "power", When: "not 3500 <= torque * speed * 2 * 3.141592653589793 / 60 <= 9000"},
		{ID: "overstrain", When: `type == "L" and wear * torque > 11000 or type == "M" and wear * torque > 12000 or type == "H" and wear * torque > 13000`},
	}, devices.NewDirectory(1, []*devices.Model{model}, []*devices.Device{{ID: "mill-1", Model: "mill"}}))
	if err != nil {
		t.Fatal(err)
	}
	e := NewEngine(set)
	rows := map[string]int{}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(lines) != 10_001 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines[1:] {
		var udi int
		var product, kind string
		var air, process, speed, torque, wear float64
		if _, err := fmt.Sscan(line, &udi, &product, &kind, &air, &process, &speed, &torque, &wear); err != nil {
			t.Fatalf("line %d: %v", i+2, err)
		}
		at := start.Add(time.Duration(i) * time.Second)
		e.Apply([]devices.Report{reportOf("mill-1", at, map[string]any{"type": kind, "speed": speed, "torque": torque, "wear": wear})}, at, nil)
		for _, rule := range []string{"power", "overstrain"} {
			if s, _ := e.State("mill-1", rule); s.Raised() {
				rows[rule]++
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"power": 95, "overstrain": 98}, rows); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
}
