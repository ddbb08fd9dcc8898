package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestScriptsBesideRulesAreToldOf: a recipe is a folder with a rule and its
// script, as people keep them.
func TestScriptsBesideRulesAreToldOf(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	const recipe = "../../docs/recipes/cumulative"
	sources, err := declarations{Files: []string{recipe}}.sources(&console{err: &errs})
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) != 1 || !strings.HasSuffix(sources[0].Name, "rule.yaml") {
		t.Errorf("declared would be %v", sources)
	}
	if want := "left to \"telltale rules test\", as rule scripts: " + recipe + "/test.yaml\n"; errs.String() != want {
		t.Errorf("got  %swant %s", &errs, want)
	}
}
