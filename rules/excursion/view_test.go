package excursion_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"telltale/rules/excursion"
)

func TestAnAssessmentSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		want := w.assess(w.points)
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got excursion.Assessment
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("after a round trip through %s (-want +got):\n%s", text, diff)
		}
	})
}

func TestTheJSONHasTheContractsNames(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(assess(profile(budget("above", 8, time.Hour, true)), nil))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"verdict", "excursions", "budgets", "seconds_outside", "mkt", "gaps", "trace_points", "computed_at", "data_until",
	} {
		if _, ok := fields[name]; !ok {
			t.Errorf("no %s in %s", name, text)
		}
	}
	if got, ok := fields["gaps"].([]any); !ok || len(got) != 0 {
		t.Errorf("gaps are %v, want an empty list", fields["gaps"])
	}
	budget := fields["budgets"].([]any)[0].(map[string]any)
	for _, name := range []string{"limit", "allowed_seconds", "used_seconds", "left_seconds"} {
		if _, ok := budget[name].(float64); !ok {
			t.Errorf("no number %s in %v", name, budget)
		}
	}
}
