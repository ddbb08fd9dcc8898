package declare_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/rules"
)

func TestConditionsAreRefusedWhereTheyGoWrong(t *testing.T) {
	t.Parallel()
	const model = "{kind: Model, id: M, metrics: {temperature: {unit: Cel}}}\n---\n"
	cases := []struct{ name, text, place string }{
		{"a plain text", "{kind: Rule, id: r, when: temprature > 8}", "a.yaml:3:27: Rule r: when: "},
		{"a quoted text", "kind: Rule\nid: r\nwhen: 'temprature > 8'", "a.yaml:5:8: Rule r: when: "},
		{"a literal text", "kind: Rule\nid: r\nwhen: |\n  temperature > 8\n  and temprature < 20\n", "a.yaml:7:7: Rule r: when: "},
		{"a folded text", "kind: Rule\nid: r\nwhen: >\n  temperature > 8\n  and temprature < 20\n", "a.yaml:7:7: Rule r: when: "},
		{"a plain text of two lines", "kind: Rule\nid: r\nwhen: temperature > 8\n  and temprature < 20\n", "a.yaml:6:7: Rule r: when: "},
		{"an escaped text", `{kind: Rule, id: r, when: "t\u0065mprature > 8"}`, "a.yaml:3:28: Rule r: when: "},
		{
			"the other condition", "kind: Rule\nid: r\nwhen: temperature > 8\nclear_when: temperature <\n",
			"a.yaml:6:",
		},
		{
			"a step of the ladder",
			"kind: Rule\nid: r\nwhen: temperature > 8\nescalate:\n  - {when: temprature > 12, severity: critical}\n  - {after: 5m, severity: major}\n",
			"a.yaml:7:12: Rule r: escalate: ",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := parseText(t, model+c.text).Check(declare.Known{})
			if err == nil {
				t.Fatal("accepted")
			}
			if got := err.Error(); len(got) < len(c.place) || got[:len(c.place)] != c.place {
				t.Errorf("fault %q, want it at %q", got, c.place)
			}
		})
	}
}

// knownWorld is a model and a rule that are declared already.
func knownWorld() declare.Known {
	return declare.Known{
		Models: []*devices.Model{{
			ID: "M", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}},
		}},
		Rules: []*rules.Rule{{ID: "warm", When: "temperature > 8", Mode: rules.Live}},
	}
}

func TestAModelCannotTakeAwayWhatADeclaredRuleReads(t *testing.T) {
	t.Parallel()
	err := parseText(t, "{kind: Model, id: M, metrics: {temp: {unit: Cel}}}").Check(knownWorld())
	if err == nil {
		t.Fatal("accepted")
	}
	faults := err.(declare.Errors)
	if len(faults) != 1 || faults[0].Ref.ID != "warm" || faults[0].Field != "when" || faults[0].File != "" {
		t.Errorf("faults: %v", err)
	}
}

func TestARuleThatWasBrokenBeforeDoesNotStopOthers(t *testing.T) {
	t.Parallel()
	known := knownWorld()
	known.Rules = append(known.Rules, &rules.Rule{ID: "broken", When: "gone > 8", Mode: rules.Live})
	if err := parseText(t, "{kind: Rule, id: cold, when: temperature < 2}").Check(known); err != nil {
		t.Errorf("check: %v", err)
	}
	err := parseText(t, "{kind: Rule, id: broken, when: gone < 2}").Check(known)
	if diff := cmp.Diff(true, err != nil); diff != "" {
		t.Error("but its own mending was not checked")
	}
}
