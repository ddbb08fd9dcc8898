package script

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
	"telltale/rules"
)

// ownOf reads tests of the rule warm.
func ownOf(t testing.TB, text string) (*Own, []Fault) {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return ReadOwn("warm", document.Content[0])
}

func warmRules() Declarations {
	return Declarations{
		Rules:  []rules.Rule{{ID: "warm", When: "temperature > 8", For: 10 * 60e9, Mode: rules.Live}, {ID: "power", When: "temperature > 100", Mode: rules.Live}},
		Models: []*devices.Model{{ID: "FR-200", ReportEvery: 60e9, Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}}}},
	}
}

func TestARulesOwnTestsNeedNotNameIt(t *testing.T) {
	t.Parallel()
	own, faults := ownOf(t, `
- name: ten minutes raise it
  device: {id: d, model: FR-200}
  series: {temperature: 4x5 9x11 4x20}
  expect: [{at: 15m, state: active}, {at: 30m, state: cleared}, {at: 30m, alarm: power, state: none}]
  raised: 1
- name: five minutes do
  device: {id: d, model: FR-200}
  series: {temperature: 4x5 9x5 4x20}
  raised: {warm: 1}
`)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if got := strings.Join(own.Names(), " "); got != "warm power" {
		t.Errorf("the tests speak of %s", got)
	}
	outcomes, faults, err := own.Run(t.Context(), warmRules())
	if err != nil || len(faults) > 0 || len(outcomes) != 2 {
		t.Fatalf("%v %v %v", outcomes, faults, err)
	}
	if len(outcomes[0].Failures) > 0 || len(outcomes[0].Picture) == 0 {
		t.Errorf("first: %+v", outcomes[0])
	}
	if f := outcomes[1].Failures; len(f) != 1 || f[0].Want != "once" || f[0].Got != "never" || f[0].Line != 10 || outcomes[1].Line != 7 {
		t.Errorf("second: %+v", outcomes[1])
	}
}

func TestFaultsOfOwnTestsHavePlaces(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[]":        "there are no tests",
		"a: b":      "tests is a list",
		"- name: x": "a test needs a device",
		"- device: {id: d, model: m}\n  seris: {}\n  raised: 1": "did you mean \"series\"?",
		"- device: {id: d, model: m}\n  raised: never":          "whole number",
	} {
		_, faults := ownOf(t, text)
		if len(faults) == 0 || faults[0].Line == 0 || !strings.Contains(faults[0].Err.Error(), want) {
			t.Errorf("%q: %v, want %q with a line", text, faults, want)
		}
	}
	own, faults := ownOf(t, "- device: {id: d, model: FR-200}\n  series: {humidity: 4x5}\n  expect: [{at: 1m, alarm: wrm, state: none}]")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	_, faults, err := own.Run(t.Context(), warmRules())
	if err != nil || len(faults) != 1 || faults[0].Line != 2 || !strings.Contains(faults[0].Err.Error(), "humidity") {
		t.Errorf("%v, %v", faults, err)
	}
}

func TestATestThatTakesTooLongIsGivenUp(t *testing.T) {
	t.Parallel()
	own, faults := ownOf(t, "- device: {id: d, model: FR-200}\n  series: {temperature: 4x900000}\n  raised: 0")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if outcomes, _, err := own.Run(ctx, warmRules()); !errors.Is(err, context.Canceled) || len(outcomes) > 0 {
		t.Errorf("%v, %v", outcomes, err)
	}
}
