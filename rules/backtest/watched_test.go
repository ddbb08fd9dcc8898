package backtest

import (
	"fmt"
	"testing"

	"telltale/devices"
	"telltale/rules"
)

func TestARunNeedsTheHistoryOfWhatItsRulesWatch(t *testing.T) {
	t.Parallel()
	directory := devices.NewDirectory(1, []*devices.Model{{ID: "FR"}, {ID: "FZ"}, {ID: "GW"}}, []*devices.Device{
		{ID: "fridge-2", Model: "FR"}, {ID: "fridge-1", Model: "FR", Tags: map[string]string{"new": "yes"}},
		{ID: "freezer", Model: "FZ"}, {ID: "gateway", Model: "GW"},
	})
	fridges := rules.Selector{Models: []string{"FR"}}
	onlyNew := rules.Selector{Tags: map[string]string{"new": "yes"}}
	power := rules.Rule{ID: "power", When: "power == 0", AppliesTo: rules.Selector{Models: []string{"GW"}}}
	for name, c := range map[string]struct {
		in   Input
		want string
	}{
		"the rule's own":          {Input{Rules: []rules.Rule{{AppliesTo: fridges}}}, "[fridge-1 fridge-2]"},
		"also those of the other": {Input{Rules: []rules.Rule{{AppliesTo: onlyNew}}, Against: []rules.Rule{{AppliesTo: fridges}}}, "[fridge-1 fridge-2]"},
		"also what holds it back": {Input{
			Rules:  []rules.Rule{{AppliesTo: onlyNew, InhibitedBy: []rules.Inhibitor{{Rule: "power", Scope: rules.SameSite}}}},
			Beside: []rules.Rule{power},
		}, "[fridge-1 gateway]"},
		"also a device's peers":        {Input{Rules: []rules.Rule{{AppliesTo: onlyNew, When: `cohort_z(temperature, "24h") > 4`}}}, "[fridge-1 fridge-2]"},
		"none of one that is off":      {Input{Rules: []rules.Rule{{Mode: rules.Off}}}, "[]"},
		"all, where it chooses nobody": {Input{Rules: []rules.Rule{{}}}, "[freezer fridge-1 fridge-2 gateway]"},
	} {
		if got := fmt.Sprint(c.in.Watched(directory)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCheckFindsWhatIsWrongBeforeAnythingIsPlayed(t *testing.T) {
	t.Parallel()
	in := Input{Rules: []rules.Rule{{ID: "r", When: "temperture > 8"}}, Models: []*devices.Model{{ID: "FR",
		Metrics: map[string]devices.Metric{"temperature": {Name: "temperature"}}}}}
	if err := Check(in); err == nil {
		t.Error("a metric that no model has passes")
	}
	in.Rules[0].When = "temperature > 8"
	if err := Check(in); err != nil {
		t.Errorf("a good rule: %v", err)
	}
	in.Sweep = &Sweep{Place: "pressure >", Values: []float64{1}}
	if err := Check(in); err == nil {
		t.Error("a sweep of nothing passes")
	}
}
