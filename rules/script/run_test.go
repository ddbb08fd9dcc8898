package script

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/rules"
)

// load stands for the reader of declarations: fridge.yaml and life.yaml are
// always these.
func load(path string) (Declarations, error) {
	if filepath.Base(path) == "life.yaml" {
		return Declarations{Rules: lifeRules(), Maintenance: []rules.Maintenance{
			{ID: "defrost", Customers: []string{"C-1"}, Weekly: &rules.Weekly{
				Days: []time.Weekday{time.Thursday}, From: 5, To: 10, Zone: time.UTC}},
		}}, nil
	}
	if filepath.Base(path) != "fridge.yaml" {
		return Declarations{}, os.ErrNotExist
	}
	model := &devices.Model{
		ID: "FR-200", ReportEvery: time.Minute, Lateness: 10 * time.Minute,
		Metrics: map[string]devices.Metric{
			"temperature": {Name: "temperature", Unit: "Cel"},
			"mode":        {Name: "mode", Unit: "text"},
			"door_open":   {Name: "door_open", Unit: "bool"},
		},
	}
	return Declarations{Rules: []rules.Rule{
		{ID: "fridge-warm", Version: 2, When: "temperature > 8", For: 10 * time.Minute, ClearFor: 5 * time.Minute, Severity: rules.Major},
		{ID: "defrosting", When: `mode == "defrost"`},
		{ID: "fan-blocked", When: `fault("E21")`},
		{ID: "door", When: "door_open"},
		{ID: "quiet", When: `silent("15m")`},
		{ID: "warm-now", When: "temperature > 8"},
		{ID: "apart", When: `cohort_z(temperature, "1h") > 3`},
	}, Models: []*devices.Model{model}}, nil
}

func TestScriptsOfTheContractPass(t *testing.T) {
	t.Parallel()
	result, err := Run(t.Context(), files("testdata/contract.test.yaml"), load)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := result.Print(&out); err != nil {
		t.Fatal(err)
	}
	if !result.OK() || result.Passed != 8 {
		t.Error(out.String())
	}
}

// lifeRules use what an alarm's life has beyond its delays.
func lifeRules() []rules.Rule {
	return []rules.Rule{
		{ID: "ladder", When: "temperature > 8", Severity: rules.Minor, Escalate: []rules.Escalation{
			{When: "temperature > 12", For: time.Minute, ClearWhen: "temperature < 10", ClearFor: 2 * time.Minute, Severity: rules.Critical}}},
		{ID: "flapping", When: "temperature > 8", ReopenWithin: time.Hour,
			Chattering: rules.Chattering{Times: 2, Within: 10 * time.Minute, Quiet: 5 * time.Minute}},
		{ID: "power-lost", When: "volts < 100"},
		{ID: "site-warm", When: "temperature > 8", InhibitedBy: []rules.Inhibitor{{Rule: "power-lost", Scope: rules.SameSite}}},
	}
}

func TestScriptsTryEverythingInTheLifeOfAnAlarm(t *testing.T) {
	t.Parallel()
	result, err := Run(t.Context(), files("testdata/life.test.yaml"), load)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := result.Print(&out); err != nil {
		t.Fatal(err)
	}
	if !result.OK() || result.Passed != 4 {
		t.Error(out.String())
	}
}

func TestScriptsSendReadingsLate(t *testing.T) {
	t.Parallel()
	result, err := Run(t.Context(), files("testdata/late.test.yaml"), load)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := result.Print(&out); err != nil {
		t.Fatal(err)
	}
	if !result.OK() || result.Passed != 5 {
		t.Error(out.String())
	}
}

func TestAFailureShowsWhatHappened(t *testing.T) {
	t.Parallel()
	result, err := Run(t.Context(), files("testdata/failing.test.yaml"), load)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := result.Print(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/failing.txt", out.String())
}

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file beside the tests.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}

func TestAnInvalidScriptIsRefusedWithFileAndLine(t *testing.T) {
	t.Parallel()
	const good = "rules: [fridge.yaml]\ntests:\n"
	for _, c := range []struct{ name, script, want string }{
		{"an empty file", "", "x.yaml: the script is empty"},
		{"nothing but a comment", "# soon\n", "x.yaml: the script is empty"},
		{"no YAML", "rules: [a\ntests: ]:", "x.yaml:2: this is not YAML: mapping values are not allowed in this context"},
		{"a list", "[1]", "x.yaml:1:1: a mapping with rules, tests belongs here"},
		{"nothing in it", "rules: []\n", "x.yaml:1:1: rules names no file\nx.yaml:1:1: there are no tests"},
		{"an unknown key", "rule: [fridge.yaml]\n", `x.yaml:1:1: unknown key "rule" (did you mean "rules"?)`},
		{"unknown keys and bad values, all at once", good + "  - name: n\n    serie: {}\n    at: 3\n    every: 1 m\n    device: {id: a b, model: FR-200}\n    raised: {quiet: -1}\n",
			`x.yaml:4:5: unknown key "serie" (did you mean "series"?)` + "\n" +
				`x.yaml:5:5: unknown key "at" (there are name, device, devices, start, every, series, faults, status, late, expect, raised, reopened, suppressed, amended, withdrawn)` + "\n" +
				`x.yaml:6:12: "1 m" is not a duration such as 90s, 10m, 36h or 7d` + "\n" +
				"x.yaml:7:13: a device needs an id and a model\n" +
				"x.yaml:8:21: how often a rule is raised is a whole number from 0"},
		{"a key twice", "rules: [fridge.yaml]\nrules: [fridge.yaml]\n", "x.yaml:2:1: rules is there twice"},
		{"an alias", "rules: &r [fridge.yaml]\ntests: *r\n", "x.yaml:2:8: aliases are not read: write the value out"},
		{"two documents", good + "  - {device: {id: a, model: FR-200}, raised: {quiet: 0}}\n---\n{}\n", "x.yaml:4:1: a script is one YAML document"},
		{"a test of nothing", good + "  - {name: n}\n", "x.yaml:3:5: a test needs a device\nx.yaml:3:5: the test expects nothing"},
		{"device and devices", good + "  - {device: {id: a, model: b}, devices: [], raised: {quiet: 0}}\n", "x.yaml:3:42: a test has either device or devices"},
		{"a device twice", good + "  - {devices: [{id: a, model: b}, {id: a, model: b}], raised: {quiet: 0}}\n", "x.yaml:3:35: device a is there twice"},
		{"series beside devices", good + "  - {devices: [{id: a, model: b}], series: {t: 1}, raised: {quiet: 0}}\n", "x.yaml:3:44: with devices, series stands under each of them"},
		{"an unknown rule", good + "  - device: {id: a, model: FR-200}\n    expect:\n      - {at: 1m, alarm: quite, state: active}\n    raised: {warm: 1}\n",
			`x.yaml:5:9: there is no rule "quite" (did you mean "quiet"?)` + "\n" + `x.yaml:6:14: there is no rule "warm"`},
		{"an unknown state", good + "  - device: {id: a, model: FR-200}\n    expect: [{at: 1m, alarm: quiet, state: firing}]\n",
			`x.yaml:4:44: unknown state "firing" (there are normal, none, pending, active, clearing, cleared, withdrawn)`},
		{"an unknown severity", good + "  - device: {id: a, model: FR-200}\n    expect: [{at: 1m, alarm: quiet, severity: grave}]\n",
			`x.yaml:4:47: unknown severity "grave" (info, minor, major or critical)`},
		{"an expectation of nothing, never, of nobody", good + "  - device: {id: a, model: FR-200}\n    expect: [{device: b}]\n",
			"x.yaml:4:14: at is missing\nx.yaml:4:14: alarm names no rule\n" +
				"x.yaml:4:14: nothing is expected (state, severity, occurrences, chattering, held_by or explains)\nx.yaml:4:23: device must be one of the test's"},
		{"a bad count", good + "  - {device: {id: a, model: FR-200}, series: {temperature: 4x0}, raised: {quiet: 0}}\n", `x.yaml:3:60: "x0" is not a count such as x5`},
		{"a bad status", good + "  - {device: {id: a, model: FR-200}, status: on_x2, raised: {quiet: 0}}\n", `x.yaml:3:46: status is online or offline, not "on_"`},
		{"a bad start", good + "  - {device: {id: a, model: FR-200}, start: today, raised: {quiet: 0}}\n", `x.yaml:3:45: start is a time such as 2026-01-01T00:00:00Z, not "today"`},
		{"a start before time began", good + "  - {device: {id: a, model: FR-200}, start: 1969-12-31T23:59:59Z, raised: {quiet: 0}}\n", "x.yaml:3:45: start lies between 1970 and 2080"},
		{"a start that is never believed", good + "  - {device: {id: a, model: FR-200}, start: 2099-01-01T00:00:00Z, raised: {quiet: 0}}\n", "x.yaml:3:45: start lies between 1970 and 2080"},
		{"a series that is a list", good + "  - {device: {id: a, model: FR-200}, series: {temperature: [4]}, raised: {quiet: 0}}\n", `x.yaml:3:60: a series is a text such as "4x5 9x9"`},
		{"too many steps", good + "  - {device: {id: a, model: FR-200}, series: {temperature: 4x600000, mode: ax600000}, raised: {quiet: 0}}\n",
			"x.yaml:3:76: the series of a script are longer than 1000000 steps in all"},
		{"a bad metric", good + "  - device: {id: a, model: FR-200}\n    raised: {quiet: 0}\n    series: {temperatur: \"4\"}\n",
			`x.yaml:5:26: model FR-200 has no metric "temperatur" (did you mean "temperature"?)`},
		{"no step", good + "  - {device: {id: a, model: X}, raised: {quiet: 0}}\n", "x.yaml:3:5: every is missing, and the model has no report_every"},
		{"ten years and more", good + "  - {device: {id: a, model: FR-200}, every: 100d, series: {temperature: 4x40}, raised: {quiet: 0}}\n",
			"x.yaml:3:5: the test lasts longer than ten years"},
		{"late without a time", good + "  - {device: {id: a, model: FR-200}, series: {temperature: 4x9}, late: [{at: 1m}, {received: 2m}, 3m], raised: {quiet: 0}}\n",
			"x.yaml:3:73: at says when it was observed and received when it arrives: both are needed\n" +
				"x.yaml:3:83: at says when it was observed and received when it arrives: both are needed\n" +
				"x.yaml:3:99: a mapping with at, until, received belongs here"},
		{"late before it was observed", good + "  - {device: {id: a, model: FR-200}, series: {temperature: 4x9}, late: [{at: 3m, until: 2m, received: 5m}, {at: 4m, until: 5m, received: 5m}], raised: {quiet: 0}}\n",
			"x.yaml:3:89: until lies before at\nx.yaml:3:138: received must lie behind the time it was observed"},
		{"late by more than ten years", good + "  - {device: {id: a, model: FR-200}, series: {temperature: 4x9}, late: [{at: 3m, received: 9999d}], raised: {quiet: 0}}\n",
			`x.yaml:3:92: "9999d" is longer than ten years`},
		{"late twice", good + "  - {device: {id: a, model: FR-200}, series: {temperature: 4x9}, late: [{at: 3m, until: 5m, received: 6m}, {at: 5m, received: 7m}], raised: {quiet: 0}}\n",
			"x.yaml:3:108: what is observed at 5m is late twice"},
		{"late of nothing", good + "  - {device: {id: a, model: FR-200}, series: {temperature: 4x3 _x5}, late: [{at: 150s, until: 4m, received: 6m}, {at: 90s, received: 3m}], raised: {quiet: 0}}\n",
			"x.yaml:3:114: a observes nothing then\nx.yaml:3:77: a observes nothing then"},
		{"late beside devices", good + "  - {devices: [{id: a, model: FR-200}], late: [], raised: {quiet: 0}}\n", "x.yaml:3:47: with devices, late stands under each of them"},
		{"a missing rule file", "rules: [a.yaml]\ntests: [{device: {id: a, model: FR-200}, raised: {quiet: 0}}]\n",
			"x.yaml:1:9: rules: file does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "x.yaml")
			if err := os.WriteFile(path, []byte(c.script), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Run(t.Context(), files(path), load)
			if err == nil {
				t.Fatal("accepted")
			}
			got := strings.ReplaceAll(err.Error(), dir+"/", "")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("error differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARampIsWrittenOut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"4+0.2x4":       "4 4.2 4.4 4.6",
		"8-0.5x3 _ 1":   "8 7.5 7 _ 1",
		"-1+1e-1x3":     "-1 -0.9 -0.8",
		"10-20":         "10-20",
		"E1+E2x2":       "E1+E2 E1+E2",
		`"4+1"x2 inf`:   "4+1 4+1 inf",
		"1e300+1e300x2": "1e+300 2e+300",
	} {
		parsed, err := parseSteps(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range expand(parsed) {
			switch {
			case one == nil:
				got = append(got, "_")
			case one.value().IsLabel():
				got = append(got, one.value().Label)
			default:
				got = append(got, strconv.FormatFloat(one.value().Number, 'g', -1, 64))
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if s, err := parseSteps("21+22x3"); err != nil || !slices.Equal(expand(s)[2].faults(), []string{"21", "22"}) {
		t.Errorf("codes that are numbers: %v, %v", s, err)
	}
}

func TestAModelThatIsNotDeclaredIsTakenToMeasureWhatIsSpokenOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "x.yaml")
	content := `
rules: [r.yaml]
tests:
  - device: {id: a, model: unheard-of}
    every: 15m
    series: {TVC: "8.5x41"}
    expect: [{at: 10h, alarm: heat, state: active}]
`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	result, err := Run(t.Context(), files(path), func(string) (Declarations, error) {
		return Declarations{Rules: []rules.Rule{{ID: "heat", When: "TVC > 8", For: 10 * time.Hour}, {ID: "door", When: "DORV > 300"}}}, nil
	})
	if err != nil || !result.OK() {
		t.Errorf("result %+v, error %v", result, err)
	}
}

// FuzzScript: whatever a script says, it is refused with a place, or it plays
// and its differences can be printed.
func FuzzScript(f *testing.F) {
	for _, path := range []string{"testdata/contract.test.yaml", "testdata/failing.test.yaml", "testdata/life.test.yaml", "testdata/late.test.yaml"} {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("rules: [a]\ntests: [{device: {id: a, model: b}, series: {t: '4x5 _ \"x\"x2 1+2x3'}, raised: {a: 1}}]"))
	f.Add([]byte("rules: [a]\ntests: [{every: 1ns, device: {id: a, model: FR-200}, status: online offline, series: {temperature: 9x9}, expect: [{at: 10d, alarm: quiet, explains: x}]}]"))
	declared, err := load("fridge.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		script, err := parse(content)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a word")
			}
			return
		}
		var result Result
		for _, one := range script.tests {
			if len(one.devices) == 0 || len(one.expect) == 0 && len(one.totals) == 0 {
				t.Errorf("accepted a test without a device or an expectation: %+v", one)
			}
			p, err := newPlay(one, declarations{rules: declared.Rules, models: declared.Models})
			if err != nil || one.length() > 500 || p.every > time.Hour ||
				slices.ContainsFunc(one.parcels(), func(late *parcel) bool { return late.received > 24*time.Hour }) || slices.ContainsFunc(one.expect, func(e *expectation) bool { return e.at > 24*time.Hour }) {
				continue
			}
			_ = p.run(t.Context())
			result.add("x.yaml", p)
		}
		if err := result.Print(io.Discard); err != nil {
			t.Error(err)
		}
	})
}

func files(paths ...string) []File {
	named := make([]File, len(paths))
	for i, path := range paths {
		named[i].Path = path
	}
	return named
}
