package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// TestAConditionReachesWhatItsMetricsAllow: temperature comes; door never did,
// and power did once.
func TestAConditionReachesWhatItsMetricsAllow(t *testing.T) {
	t.Parallel()
	gone := missing{
		now:  func(metric string) bool { return metric != "temperature" },
		ever: func(metric string) bool { return metric == "door" },
	}
	for condition, want := range map[string]string{
		"temperature > 8":                                     "yes no",
		"door":                                                "",
		"not door":                                            "",
		"door and temperature > 8":                            "no",
		"not (door and temperature > 8)":                      "yes",
		"door or temperature > 8":                             "yes",
		"not (door or temperature > 8)":                       "no",
		"temperature > 8 and (door or power > 5)":             "no",
		"temperature + power > 8":                             "",
		"power in [1, 2]":                                     "",
		"min(temperature, power) > 8":                         "",
		`avg(power, "1h") > 5`:                                "",
		`count(power, "1h") < 5`:                              "yes no",
		`count(door, "1h") < 5`:                               "",
		`time_where(power > 5, "1h") > 60`:                    "",
		`time_where(power > 5 or temperature > 8, "1h") > 60`: "yes no",
		"since(door) > 60":                                    "",
		"anomaly(power) > 5":                                  "",
		`cohort_z(power, "24h") > 3`:                          "",
		"(temperature > 8) == (power > 5)":                    "",
		`fault("E21") or door`:                                "yes",
		`silent("1h")`:                                        "yes no",
	} {
		n, problems, _ := checkCondition(condition, newScope(nil))
		if len(problems) > 0 {
			t.Fatalf("%s: %v", condition, problems)
		}
		var got []string
		r := reachOf(n, gone)
		if r.yes {
			got = append(got, "yes")
		}
		if r.no {
			got = append(got, "no")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s can come to %q, want %q", condition, got, want)
		}
	}
}

// hall is a fleet of fridges with a door, of washers without one, and of
// contacts whose values never go stale.
func hall(t *testing.T, all ...Rule) *Set {
	t.Helper()
	metrics := func(names ...string) map[string]devices.Metric {
		of := make(map[string]devices.Metric)
		for _, name := range names {
			of[name] = devices.Metric{Name: name}
		}
		return of
	}
	set, err := Compile(all, devices.NewDirectory(1, []*devices.Model{
		{ID: "FR", Metrics: metrics("temperature", "door"), ReportEvery: time.Minute},
		{ID: "WM", Metrics: metrics("temperature"), ReportEvery: time.Minute},
		{ID: "DC", Metrics: metrics("door")},
		{ID: "LG", Metrics: metrics("temperature", "door"), ReportEvery: 7 * 24 * time.Hour},
	}, nil))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestARuleWhoseMetricDoesNotComeIsShortOfIt(t *testing.T) {
	t.Parallel()
	now := start
	ago := func(days float64) time.Time { return now.Add(-time.Duration(days * 24 * float64(time.Hour))) }
	heard := func(model string, seen float64, metrics ...any) Heard {
		h := Heard{Model: model, SeenAt: ago(seen), Metrics: map[string]time.Time{}}
		for i := 0; i < len(metrics); i += 2 {
			h.Metrics[metrics[i].(string)] = ago(metrics[i+1].(float64))
		}
		return h
	}
	lab := func(h Heard) Heard { h.Tags = map[string]string{"room": "lab"}; return h }
	const raise, clears = "No device that it applies to has sent door for 3 days, so it cannot raise an alarm.",
		"No device that it applies to has sent door for 3 days, so it cannot clear what it raises."
	open := Rule{ID: "r", Version: 4, When: "temperature > 8 and door"}
	for _, c := range []struct {
		name     string
		rule     Rule
		declared float64 // days ago
		heard    []Heard
		want     string
	}{
		{"nothing of the door for three days", open, 30, []Heard{heard("FR", 0, "temperature", 0.0, "door", 3.0)}, raise},
		{"nothing for two", open, 30, []Heard{heard("FR", 0, "temperature", 0.0, "door", 2.9)}, ""},
		{"never anything", open, 30, []Heard{heard("FR", 0, "temperature", 0.0)}, raise},
		{"the rule is new", open, 2.9, []Heard{heard("FR", 0, "temperature", 0.0)}, ""},
		{"the devices say nothing at all", open, 30, []Heard{heard("FR", 3, "temperature", 3.0)}, ""},
		{"no device ever spoke", open, 30, nil, ""},
		{"devices with another tag send it", open, 30, []Heard{
			heard("FR", 0, "temperature", 0.0), lab(heard("FR", 0, "temperature", 0.0, "door", 0.0))}, ""},
		{"it asks for those that do not", Rule{ID: "r", When: open.When, AppliesTo: Selector{Tags: map[string]string{"room": "lab"}}}, 30, []Heard{
			heard("FR", 0, "temperature", 0.0, "door", 0.0), lab(heard("FR", 0, "temperature", 0.0))}, raise},
		{"a model without a door speaks, those with one do not", open, 30, []Heard{
			heard("WM", 0, "temperature", 0.0), heard("FR", 5, "temperature", 5.0)}, ""},
		{"values of the model never go stale", Rule{ID: "r", When: "door"}, 30, []Heard{heard("DC", 0, "door", 20.0)}, ""},
		{"but there never was one", Rule{ID: "r", When: "door"}, 30, []Heard{heard("DC", 0)}, raise},
		{"a logger that is read once a week", open, 30, []Heard{heard("LG", 1, "temperature", 1.0, "door", 20.0)}, ""},
		{"and was not for three", open, 30, []Heard{heard("LG", 1, "temperature", 1.0, "door", 21.0)}, raise},
		{"it can do without", Rule{ID: "r", When: "temperature > 8 or door", ClearWhen: "temperature < 7"}, 30, []Heard{heard("FR", 0, "temperature", 0.0)}, ""},
		{"it cannot clear without", Rule{ID: "r", When: "temperature > 8 or door"}, 30, []Heard{heard("FR", 0, "temperature", 0.0)}, clears},
		{"nor by its own condition", Rule{ID: "r", When: "temperature > 8", ClearWhen: "not door"}, 30, []Heard{heard("FR", 0, "temperature", 0.0)}, clears},
		{"it is off", Rule{ID: "r", When: "door", Mode: Off}, 30, []Heard{heard("FR", 0)}, ""},
		{"it is on trial", Rule{ID: "r", When: "door", Mode: Shadow}, 30, []Heard{heard("FR", 0)}, raise},
		{"both are missing", open, 30, []Heard{heard("FR", 0)}, strings.Replace(raise, "door", "temperature or door", 1)},
	} {
		var want []Shortage
		if c.want != "" {
			want = []Shortage{{Rule: "r", Version: c.rule.Version, Reason: c.want}}
		}
		got := hall(t, c.rule).Unheard(c.heard, map[string]time.Time{"r": ago(c.declared)}, now)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestASetSaysWhatItAsksFor(t *testing.T) {
	t.Parallel()
	metrics, tags := hall(t,
		Rule{ID: "a", When: "temperature > 8", ClearWhen: "not door", AppliesTo: Selector{Tags: map[string]string{"room": "lab", "line": "2"}}},
		Rule{ID: "b", When: "temperature > 9", AppliesTo: Selector{Tags: map[string]string{"room": "hall"}}},
		Rule{ID: "c", When: "humidity > 9", Mode: Off, AppliesTo: Selector{Models: []string{"none"}}},
	).AsksFor()
	if got, want := fmt.Sprint(metrics, tags), "[door temperature] [line room]"; got != want {
		t.Errorf("it asks for %s, want %s", got, want)
	}
}
