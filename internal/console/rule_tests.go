package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/rules"
	"telltale/rules/script"
)

// Limits of running a rule's tests while somebody waits.
const (
	testTime  = 2 * time.Second
	testsSide = 2 // at a time, so that pages leave the machine to the gateway
)

// testRun is how the tests went that a rule carries.
type testRun struct {
	Total    int
	Outcomes []script.Outcome
	Faults   []textFault // why they could not be played; no outcomes then
	Stopped  bool        // the time was over before all were played
	Linked   bool        // places lead into the editor's field
}

// Failed counts the tests that did not pass.
func (t testRun) Failed() int {
	n := 0
	for _, o := range t.Outcomes {
		if len(o.Failures) > 0 {
			n++
		}
	}
	return n
}

// Passed counts the tests that passed.
func (t testRun) Passed() int { return len(t.Outcomes) - t.Failed() }

// Headline says how the tests went: "2 tests pass, 1 fails: at 35m, alarm
// fridge-warm on fridge-1: want active, got pending since 25m".
func (t testRun) Headline() string {
	switch {
	case t.Total == 0:
		return "The rule carries no tests."
	case len(t.Faults) > 0:
		return "The tests cannot be played."
	}
	var parts []string
	if n := t.Passed(); n > 0 {
		parts = append(parts, fmt.Sprintf("%s %s", plural(int64(n), "test"), verb(n, "passes", "pass")))
	}
	if n := t.Failed(); n > 0 {
		i := slices.IndexFunc(t.Outcomes, func(o script.Outcome) bool { return len(o.Failures) > 0 })
		first := t.Outcomes[i].Failures[0]
		parts = append(parts, fmt.Sprintf("%d %s: %s, want %s, got %s", n, verb(n, "fails", "fail"), first.What, first.Want, first.Got))
	}
	if left := t.Total - len(t.Outcomes); left > 0 {
		parts = append(parts, fmt.Sprintf("%s not played within %s", plural(int64(left), "test"), span(testTime)))
	}
	return strings.Join(parts, ", ") + "."
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// runTests plays the tests of the one rule in a set, among the rules in force
// that they speak of, for no longer than [testTime].
func (s *Server) runTests(ctx context.Context, set *declare.Set, models map[string]*devices.Model) (testRun, error) {
	rule := set.Rules[0]
	own, faults := set.Tests(rule)
	if own == nil {
		return testRun{}, nil
	}
	run := testRun{Total: own.Len(), Faults: textFaults(faults)}
	if len(faults) > 0 {
		return run, nil
	}
	inForce, err := s.deps.Declarations.LoadRules(ctx)
	if err != nil {
		return run, err
	}
	limited, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	select {
	case s.testing <- struct{}{}:
		defer func() { <-s.testing }()
	case <-limited.Done():
		run.Stopped = true
		return run, ctx.Err()
	}
	var unplayable []script.Fault
	run.Outcomes, unplayable, err = own.Run(limited, script.Declarations{
		Rules: involved(*rule, own.Names(), inForce), Models: modelList(models), Place: set.Place,
	})
	for _, f := range unplayable {
		run.Faults = append(run.Faults, textFault{Line: f.Line, Column: f.Column, Field: "tests", Message: f.Err.Error()})
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		run.Stopped = true
		return run, nil
	}
	return run, err
}

// involved returns a rule, those of the rules in force that its tests name,
// and those that hold any of them back.
func involved(rule rules.Rule, names []string, inForce []rules.Rule) []rules.Rule {
	chosen := []rules.Rule{rule}
	taken := map[string]bool{rule.ID: true}
	wanted := slices.Clone(names)
	for _, by := range rule.InhibitedBy {
		wanted = append(wanted, by.Rule)
	}
	for len(wanted) > 0 {
		id := wanted[0]
		wanted = wanted[1:]
		i := slices.IndexFunc(inForce, func(r rules.Rule) bool { return r.ID == id })
		if taken[id] || i < 0 {
			continue
		}
		taken[id] = true
		chosen = append(chosen, inForce[i])
		for _, by := range inForce[i].InhibitedBy {
			wanted = append(wanted, by.Rule)
		}
	}
	return chosen
}
