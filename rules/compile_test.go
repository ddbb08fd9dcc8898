package rules

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func TestAllThatIsWrongWithARuleSetIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Compile([]Rule{
		{ID: "a", When: "temprature > 8", ClearWhen: "temperature <", InhibitedBy: []Inhibitor{{Rule: "a"}}},
		{ID: "b", When: "temperature > 8", For: -time.Minute, ClearFor: 11 * 366 * 24 * time.Hour, Mode: "loud"},
		{ID: "c", When: "temperature > 8", Severity: Major, Escalate: []Escalation{{After: time.Hour, Severity: Minor}, {After: time.Minute, Severity: Critical}}},
		{ID: "d", When: "temperature > 8", AppliesTo: Selector{Models: []string{"["}}},
		{ID: "d", When: "temperature > 8"},
		{When: "temperature > 8"},
		{ID: "x", When: "door_open", InhibitedBy: []Inhibitor{{Rule: "y"}}},
		{ID: "y", When: "door_open", InhibitedBy: []Inhibitor{{Rule: "z"}, {Rule: "not-declared"}}},
		{ID: "z", When: "door_open", InhibitedBy: []Inhibitor{{Rule: "x"}}},
		{ID: "off", When: "nonsense > 8", Mode: Off},
	}, directoryOf(fridgeID))
	want := strings.Join([]string{
		"rule a, inhibited_by: a rule cannot inhibit itself",
		`rule a, when 1:1: unknown metric "temprature" (did you mean "temperature"?)`,
		"rule a, clear_when 1:13: the condition ends too early",
		"rule b, for: must be a time from zero to ten years",
		"rule b, clear_for: must be a time from zero to ten years",
		`rule b, mode: unknown mode "loud" (live, shadow or off)`,
		"rule c, escalate: each step must be graver than the one before, and minor is not graver than major",
		"rule c, escalate: each step must come later than the one before, not after 1m",
		`rule d, applies_to: "[" is not a pattern`,
		"rule d, id: declared twice",
		"rule , id: a rule needs an id",
		`rule off, when 1:1: unknown metric "nonsense" (metrics of FR-200: compressor_w, door_open, humidity, mode, other, raw, temperature)`,
		"rule z, inhibited_by: x is itself held back, directly or not, by z",
	}, "\n")
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("errors differ (-want +got):\n%s", diff)
	}
}

func TestAnErrorPrintsItsFile(t *testing.T) {
	t.Parallel()
	cause := errors.New("unknown metric")
	err := &SyntaxError{File: "fridge.yaml", Line: 12, Col: 9, Rule: "warm", Clause: "when", Err: cause, Hint: "did you mean x?"}
	if got, want := err.Error(), "fridge.yaml:12:9: rule warm, when: unknown metric (did you mean x?)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	err = &SyntaxError{File: "fridge.yaml", Rule: "warm", Clause: "for", Err: cause}
	if got, want := err.Error(), "fridge.yaml: rule warm, for: unknown metric"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAMetricThatOnlySomeModelsHaveIsFine(t *testing.T) {
	t.Parallel()
	other := &devices.Model{ID: "FR-100", Metrics: map[string]devices.Metric{"temperature": {Unit: "Cel"}}}
	directory := devices.NewDirectory(1, []*devices.Model{fridge(), other}, []*devices.Device{
		{ID: fridgeID, Model: "FR-200"}, {ID: "old-1", Model: "FR-100"},
	})
	set, err := Compile([]Rule{{ID: "r", When: "humidity > 50 or temperature > 8"}}, directory)
	if err != nil {
		t.Fatal(err)
	}
	engine := NewEngine(set)
	got := engine.Apply([]devices.Report{reportOf("old-1", start, map[string]any{"temperature": 9})}, start, nil)
	if len(got) != 1 || got[0].Change != Raised {
		t.Errorf("transitions %+v", got)
	}
}

func TestAMetricWithTwoUnitsIsRefused(t *testing.T) {
	t.Parallel()
	american := &devices.Model{ID: "US-1", Metrics: map[string]devices.Metric{"temperature": {Unit: "[degF]"}}}
	directory := devices.NewDirectory(1, []*devices.Model{fridge(), american}, nil)
	_, err := Compile([]Rule{{ID: "r", When: "temperature > 8"}}, directory)
	want := `rule r, when 1:1: temperature has the unit "Cel" in model FR-200 and "[degF]" in model US-1 (narrow applies_to.models)`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := Compile([]Rule{{ID: "r", When: "temperature > 8", AppliesTo: Selector{Models: []string{"FR-*"}}}}, directory); err != nil {
		t.Errorf("narrowed: %v", err)
	}
}

func TestWhatIsProbablyNotMeantIsAWarning(t *testing.T) {
	t.Parallel()
	set := compile(t,
		Rule{ID: "a", When: `fault("E29")`},
		Rule{ID: "b", When: "anything > 3", AppliesTo: Selector{Models: []string{"WM-*"}}},
		Rule{ID: "c", When: `silent("2m")`, ClearWhen: "door_open or\nsilent(\"119s\")"},
	)
	want := []string{
		`rule a, when 1:7: no model that the rule applies to lists the fault "E29" (did you mean "E21"?)`,
		"rule b, applies_to: no declared model matches",
		"rule c, clear_when 2:8: one late report of model FR-200, which reports every 1m, is silence already (give it several reports)",
	}
	var got []string
	for _, w := range set.Warnings() {
		got = append(got, w.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings differ (-want +got):\n%s", diff)
	}
}

func TestSelectorsChooseByModelAndTags(t *testing.T) {
	t.Parallel()
	washer := &devices.Model{ID: "WM-1", Metrics: map[string]devices.Metric{"temperature": {Unit: "Cel"}}}
	directory := devices.NewDirectory(1, []*devices.Model{fridge(), washer}, []*devices.Device{
		{ID: "plain", Model: "FR-200"},
		{ID: "lab", Model: "FR-200", Tags: map[string]string{"room": "lab", "floor": "2"}},
		{ID: "washer", Model: "WM-1", Tags: map[string]string{"room": "lab"}},
	})
	set, err := Compile([]Rule{
		{ID: "all", When: "temperature > 8"},
		{ID: "fridges", When: "temperature > 8", AppliesTo: Selector{Models: []string{"XX-?", "FR-*"}}},
		{ID: "lab", When: "temperature > 8", AppliesTo: Selector{Tags: map[string]string{"room": "lab"}}},
		{ID: "lab-2", When: "temperature > 8", AppliesTo: Selector{Tags: map[string]string{"room": "lab", "floor": "2"}}},
		{ID: "off", When: "temperature > 8", Mode: Off},
	}, directory)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	engine := NewEngine(set)
	for _, id := range []devices.ID{"plain", "lab", "washer", "unknown"} {
		for _, one := range engine.Apply([]devices.Report{reportOf(id, start, map[string]any{"temperature": 9})}, start, nil) {
			got[string(id)] = append(got[string(id)], one.Key.Rule)
		}
	}
	want := map[string][]string{"plain": {"all", "fridges"}, "lab": {"all", "fridges", "lab", "lab-2"}, "washer": {"all", "lab"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules differ (-want +got):\n%s", diff)
	}
	if n := engine.Stats().UnknownDevices; n != 1 {
		t.Errorf("%d unknown devices", n)
	}
	if r, ok := set.Rule("lab"); !ok || r.ID != "lab" || len(set.Rules()) != 5 || set.Directory() != directory {
		t.Errorf("rule %+v, %v", r, ok)
	}
	if _, ok := set.Rule("nope"); ok {
		t.Error("found a rule that is not there")
	}
}

func TestDurationsAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0, "1.5h": 90 * time.Minute,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "-5m", "5", "1d-2h", "-1d", "1d1d", "99999d", "3660d1000h", "1e5h", "9999999h"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
	for d, want := range map[time.Duration]string{
		10 * time.Minute: "10m", 90 * time.Minute: "1h30m", 36 * time.Hour: "36h", 90 * time.Second: "1m30s", 0: "0s", time.Hour + time.Second: "1h0m1s",
	} {
		if got := formatSpan(d); got != want {
			t.Errorf("%v prints %s, want %s", d, got, want)
		}
	}
}
