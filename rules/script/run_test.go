package script

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/rules"
)

// load stands for the reader of declarations: fridge.yaml is always these.
func load(path string) ([]rules.Rule, []*devices.Model, error) {
	if filepath.Base(path) != "fridge.yaml" {
		return nil, nil, errors.New("no such file")
	}
	model := &devices.Model{
		ID: "FR-200", ReportEvery: time.Minute,
		Metrics: map[string]devices.Metric{
			"temperature": {Name: "temperature", Unit: "Cel"},
			"mode":        {Name: "mode", Unit: "text"},
			"door_open":   {Name: "door_open", Unit: "bool"},
		},
	}
	return []rules.Rule{
		{ID: "fridge-warm", Version: 2, When: "temperature > 8", For: 10 * time.Minute, ClearFor: 5 * time.Minute, Severity: rules.Major},
		{ID: "defrosting", When: `mode == "defrost"`},
		{ID: "fan-blocked", When: `fault("E21")`},
		{ID: "door", When: "door_open"},
		{ID: "quiet", When: `silent("15m")`},
	}, []*devices.Model{model}, nil
}

func TestScriptsOfTheContractPass(t *testing.T) {
	t.Parallel()
	result, err := Run(t.Context(), []string{"testdata/contract.test.yaml"}, load)
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
	result, err := Run(t.Context(), []string{"testdata/failing.test.yaml"}, load)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := result.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := `FAIL testdata/failing.test.yaml: this one is wrong on purpose
  line 7: at 12m, alarm fridge-warm on fridge-1
    want active
    got  pending since 5m
  line 8: at 20m, alarm fridge-warm on fridge-1
    want normal, severity critical
    got  active since 15m, severity major
         15m     raised    temperature 9 > 8 since 00:05:00 UTC, held for 10m (rule fridge-warm v2)
  line 3: raised in all, alarm fridge-warm
    want 2 times
    got  once
         15m     raised    temperature 9 > 8 since 00:05:00 UTC, held for 10m (rule fridge-warm v2)
         30m     cleared   temperature 4 <= 8 since 00:25:00 UTC, held for 5m
1 passed, 1 failed
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output differs (-want +got):\n%s", diff)
	}
}

func TestAnInvalidScriptIsRefusedWithFileAndLine(t *testing.T) {
	t.Parallel()
	const good = "rules: [fridge.yaml]\ntests:\n"
	for _, c := range []struct{ name, script, want string }{
		{"an empty file", "", "x.yaml: the script is empty"},
		{"a list", "[1]", "x.yaml:1: a mapping with rules, tests belongs here"},
		{"nothing in it", "rules: []\n", "x.yaml: rules names no file\nx.yaml: there are no tests"},
		{"an unknown key", "rule: [fridge.yaml]\n", `x.yaml:1: unknown key "rule" (there are rules, tests)`},
		{"an unknown key of a test", good + "  - name: n\n    serie: {}\n",
			`x.yaml:4: unknown key "serie" (there are name, device, devices, start, every, series, faults, expect, raised)`},
		{"two documents", good + "  - {device: {id: a, model: FR-200}, raised: {quiet: 0}}\n---\n{}\n", "x.yaml: a script is one YAML document"},
		{"a test of nothing", good + "  - {name: n}\n", "x.yaml:3: a test needs a device\nx.yaml:3: the test expects nothing"},
		{"an unknown rule", good + "  - device: {id: a, model: FR-200}\n    expect:\n      - {at: 1m, alarm: warm, state: active}\n",
			`x.yaml:5: there is no rule "warm"`},
		{"an unknown state", good + "  - device: {id: a, model: FR-200}\n    expect: [{at: 1m, alarm: quiet, state: firing}]\n",
			`x.yaml:4: unknown state "firing" (there are normal, pending, active, clearing, cleared)`},
		{"a bad duration", good + "  - {device: {id: a, model: FR-200}, every: 1 m}\n",
			`x.yaml:3: "1 m" is not a duration such as 90s, 10m, 36h or 7d`},
		{"a bad count", good + "  - {device: {id: a, model: FR-200}, series: {temperature: 4x0}}\n", `x.yaml:3: "x0" is not a count such as x5`},
		{"a bad metric", good + "  - device: {id: a, model: FR-200}\n    raised: {quiet: 0}\n    series: {temp: \"4\"}\n",
			`x.yaml:5: model FR-200 has no metric "temp"`},
		{"a missing rule file", "rules: [a.yaml]\ntests: [{device: {id: a, model: FR-200}, raised: {quiet: 0}}]\n",
			"x.yaml: rules: no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "x.yaml")
			if err := os.WriteFile(path, []byte(c.script), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Run(t.Context(), []string{path}, load)
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
	result, err := Run(t.Context(), []string{path}, func(string) ([]rules.Rule, []*devices.Model, error) {
		return []rules.Rule{{ID: "heat", When: "TVC > 8", For: 10 * time.Hour}, {ID: "door", When: "DORV > 300"}}, nil, nil
	})
	if err != nil || !result.OK() {
		t.Errorf("result %+v, error %v", result, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/contract.test.yaml", "testdata/failing.test.yaml"} {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("rules: [a]\ntests: [{device: {id: a, model: b}, series: {t: '4x5 _ \"x\"x2'}, raised: {a: 1}}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		script, err := parse(content)
		if err != nil {
			return
		}
		for i := range script.Tests {
			one := &script.Tests[i]
			if len(one.Devices) == 0 || len(one.Expect) == 0 && len(one.Raised) == 0 {
				t.Errorf("accepted a test without a device or an expectation: %+v", one)
			}
		}
	})
}
