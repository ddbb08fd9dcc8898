package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// command runs a command line as a shell would and returns what it printed.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, &console{out: &stdout, err: &stderr, env: func(string) (string, bool) { return "", false }})
	return code, stdout.String(), stderr.String()
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const fridges = `kind: Model
id: FR-1
metrics: {temperature: {unit: Cel}}
report_every: 1m
---
kind: Rule
id: warm
title: Too warm
applies_to: {models: [FR-1]}
when: temperature > 8
for: 10m
`

// What only codecs know of their sources is found before anything starts.
func TestACheckFindsWhatIsWrongWithSources(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, want string }{
		"a filter that is none":        {`{filter: "a/#/b", codec: shelly}`, `source "a/#/b": topic filter "a/#/b" has a # that is not its last level`},
		"a codec that does not exist":  {`{filter: "a/+", codec: nope}`, `source "a/+": unknown codec "nope"; there are chirpstack,`},
		"a device that is no place":    {`{filter: "a/+", codec: native, device: "topic[x]"}`, `device must be topic[N] or a path in the payload, not "topic[x]"`},
		"a level that no topic has":    {`{filter: "a/+", codec: native, device: "topic[2]"}`, `device is topic[2], and the topics of this filter end before`},
		"a device where none is taken": {`{filter: "spBv1.0/#", codec: sparkplug, device: "topic[1]"}`, `codec sparkplug takes no device`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := filepath.Join(t.TempDir(), "telltale.yaml")
			text := "data: " + t.TempDir() + "\nsources:\n  - {filter: \"ok/#\", codec: senml}\n  - " + c.source + "\n"
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			code, out, errs := command(t, "serve", "--check", "--config", config)
			if code != exitInvalid || out != "" || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d, said %q and %q, want exit 2 and %q", code, out, errs, c.want)
			}
		})
	}
}

func TestWrongUseGetsASentenceAndExitTwo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want string // in what goes to stderr
	}{
		{"an unknown command is named", []string{"sreve"}, "unexpected argument sreve"},
		{"an unknown flag is named", []string{"serve", "--prot", "1"}, "unknown flag --prot"},
		{"a missing flag is named", []string{"apply"}, "missing flags: --file"},
		{"a role that does not exist is named", []string{"token", "create", "--role", "boss", "--name", "x"}, `"boss"`},
		{"no place for the data is said", []string{"serve", "--check"}, "data: a folder is needed"},
		{"a missing configuration file is named", []string{"serve", "--config", "/nowhere.yaml"}, "/nowhere.yaml"},
		{"a server needs a token", []string{"plan", "-f", "x.yaml", "--server", "http://h"}, "x.yaml"},
		{"a scenario that does not exist is named", []string{"simulate", "--broker", "mqtt://h", "--scenario", "dmo"}, `"dmo"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, _, errs := command(t, tt.args...)
			if code != exitInvalid || !strings.Contains(errs, tt.want) {
				t.Errorf("exit %d, said %q, want exit 2 and %q", code, errs, tt.want)
			}
		})
	}
}

func TestRulesAreCheckedWithFileAndLine(t *testing.T) {
	t.Parallel()
	good := writeFile(t, "good.yaml", fridges)
	if code, out, errs := command(t, "rules", "check", good); code != exitDone || !strings.HasSuffix(out, "\n1 rule is valid.\n") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	bad := writeFile(t, "bad.yaml", strings.Replace(fridges, "when: temperature", "when: temprature", 1))
	code, _, errs := command(t, "rules", "check", bad)
	if code != exitInvalid || !strings.HasPrefix(errs, bad+":10:") || !strings.Contains(errs, "temprature") {
		t.Errorf("exit %d, %q, want the file, line 10 and the word", code, errs)
	}
}

func TestRulesCheckListsWhatIsValidAndWarns(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "rules.yaml", `kind: Model
id: FR-1
metrics: {temperature: {unit: Cel}}
report_every: 1m
---
kind: Rule
id: warm
when: |
  temperature > 8
  and temperature < 80
for: 90m
severity: major
escalate: [{after: 1h, severity: critical}]
---
kind: Rule
id: quiet
applies_to: {models: [FR-1], tags: {room: lab}}
when: silent("1m")
mode: shadow
`)
	code, out, errs := command(t, "rules", "check", file)
	want := `RULE   SEVERITY           WATCHES        CONDITION
warm   major to critical  FR-1           temperature > 8 and temperature < 80 for 1h30m
quiet  minor (shadow)     FR-1 by 1 tag  silent("1m")

warning: ` + file + `:18:14: Rule quiet: when: one late report of model FR-1, which reports every 1m, is silence already (give it several reports)
2 rules are valid, with 1 warning.
`
	if code != exitDone || errs != "" {
		t.Errorf("exit %d, %q", code, errs)
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestAScriptSaysWhereInTheRulesAnErrorIs(t *testing.T) {
	t.Parallel()
	rules := writeFile(t, "fridge.yaml", strings.Replace(fridges, "when: temperature", "when: temprature", 1))
	script := writeFile(t, "script.yaml", `rules: [`+rules+`]
tests:
  - {device: {id: fridge-1, model: FR-1}, raised: {warm: 0}}
  - {device: {id: fridge-2, model: FR-1}, raised: {wram: 0}}
`)
	code, _, errs := command(t, "rules", "test", script)
	want := rules + `:10:7: Rule warm: when: unknown metric "temprature" (did you mean "temperature"?)` + "\n"
	if code != exitInvalid || errs != want {
		t.Errorf("exit %d, said\n%swant\n%s", code, errs, want)
	}
}

func TestAScriptThatFailsExitsOneWithTheDifference(t *testing.T) {
	t.Parallel()
	rules := writeFile(t, "fridge.yaml", fridges)
	script := func(expected string) string {
		return writeFile(t, "script.yaml", `rules: [`+rules+`]
tests:
  - name: eleven warm minutes
    device: {id: fridge-1, model: FR-1}
    start: 2026-01-01T00:00:00Z
    every: 1m
    series: {temperature: "4x5 9x11 4x5"}
    raised: {warm: `+expected+`}
`)
	}
	if code, _, errs := command(t, "rules", "test", script("1")); code != exitDone {
		t.Errorf("exit %d, %q", code, errs)
	}
	code, out, _ := command(t, "rules", "test", script("2"))
	if code != exitFailed || !strings.Contains(out, "eleven warm minutes") {
		t.Errorf("exit %d, printed %q", code, out)
	}
}

func TestTheTestsThatARuleCarriesAreRun(t *testing.T) {
	t.Parallel()
	file := func(expected string) string {
		return writeFile(t, "fridge.yaml", `kind: Model
id: FR-1
metrics: {temperature: {unit: Cel}}
report_every: 1m
---
kind: Rule
id: warm
when: temperature > 8
for: 10m
tests:
  - name: eleven warm minutes
    device: {id: fridge-1, model: FR-1}
    series: {temperature: "4x5 9x11 4x5"}
    raised: `+expected+`
`)
	}
	if code, out, errs := command(t, "rules", "test", file("1")); code != exitDone || out != "1 passed, 0 failed\n" {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	code, out, _ := command(t, "rules", "test", file("2"))
	if code != exitFailed || !strings.Contains(out, "  14:13: raised in all, alarm warm\n    want 2 times\n    got  once\n") {
		t.Errorf("exit %d, printed %s", code, out)
	}
	wrong := file("often")
	code, _, errs := command(t, "rules", "test", wrong)
	if want := wrong + ":14:13: Rule warm: tests: how often the rule is raised is a whole number from 0\n"; code != exitInvalid || errs != want {
		t.Errorf("exit %d, said %swant %s", code, errs, want)
	}
	if code, _, errs := command(t, "rules", "test", writeFile(t, "bare.yaml", fridges)); code != exitInvalid || !strings.Contains(errs, "no rule of this file has tests") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestABacktestPrintsAlarmsAsJSON(t *testing.T) {
	t.Parallel()
	rules := writeFile(t, "fridge.yaml", fridges)
	readings := writeFile(t, "readings.csv", `time,device,metric,value
2026-01-01T00:00:00Z,fridge-1,temperature,9
2026-01-01T00:05:00Z,fridge-1,temperature,9
2026-01-01T00:10:00Z,fridge-1,temperature,9
2026-01-01T00:15:00Z,fridge-1,temperature,5
`)
	// The readings are five minutes apart, the model's stale time is three.
	code, out, errs := command(t, "rules", "backtest", "--rules", rules, "--readings", readings, "--json")
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var result struct {
		Alarms []struct {
			RuleID string `json:"rule_id"`
			Device string `json:"device"`
		} `json:"alarms"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Alarms) != 0 {
		t.Errorf("stale stretches count towards a delay: %+v", result.Alarms)
	}
	minutely := strings.ReplaceAll(fridges, "report_every: 1m", "report_every: 5m")
	code, out, errs = command(t, "rules", "backtest", "--rules", writeFile(t, "r.yaml", minutely), "--readings", readings, "--json")
	if err := json.Unmarshal([]byte(out), &result); err != nil || code != exitDone {
		t.Fatalf("exit %d: %v %s", code, err, errs)
	}
	if len(result.Alarms) != 1 || result.Alarms[0].RuleID != "warm" || result.Alarms[0].Device != "fridge-1" {
		t.Errorf("alarms %+v, want one of warm on fridge-1", result.Alarms)
	}
}

func TestTheVersionIsPrinted(t *testing.T) {
	t.Parallel()
	if code, out, _ := command(t, "version"); code != exitDone || !strings.HasPrefix(out, "telltale ") {
		t.Errorf("exit %d, %q", code, out)
	}
}
