package script

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"go.yaml.in/yaml/v3"

	"telltale/rules"
)

// Own is the tests that a rule carries itself, in its key "tests". They look
// like those of a script; an expectation that names no alarm is about the
// rule, and what is counted in all may be a number alone.
type Own struct {
	rule  string
	tests []*test
}

// Fault is what is wrong at a place of a rule's own tests.
type Fault struct {
	Line, Column int // from 1, as the node has them; 0: not known
	Err          error
}

// ReadOwn reads the value of a rule's key "tests". It finds all faults, in
// reading order; tests with faults must not be run.
func ReadOwn(rule string, n *yaml.Node) (*Own, []Fault) {
	var r reader
	own := &Own{rule: rule}
	for _, item := range r.list(n, "tests") {
		own.tests = append(own.tests, readTest(&r, item, rule))
	}
	if len(r.faults) == 0 && len(own.tests) == 0 {
		r.fail(n, "there are no tests")
	}
	return own, faultsOf(r.orNil())
}

// faultsOf takes joined errors apart. What is not about a place of the tests
// has no line.
func faultsOf(err error) []Fault {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []Fault
		for _, one := range joined.Unwrap() {
			all = append(all, faultsOf(one)...)
		}
		return all
	}
	var at *placeError
	if errors.As(err, &at) {
		return []Fault{{at.line, at.col, at.err}}
	}
	return []Fault{{Err: err}}
}

// Names lists the rules that the tests speak of, each once: the rule itself
// first.
func (o *Own) Names() []string {
	names := []string{o.rule}
	add := func(id string) {
		if !slices.Contains(names, id) {
			names = append(names, id)
		}
	}
	for _, t := range o.tests {
		for _, e := range t.expect {
			add(e.alarm)
		}
		for _, total := range t.totals {
			add(total.rule)
		}
	}
	return names
}

// Len returns how many tests there are.
func (o *Own) Len() int { return len(o.tests) }

// Run plays the tests to the rules and returns how each went. Faults are what
// keeps them from being played, such as a metric that no model has; there are
// no outcomes then. The error is that of ctx, when it ends before the tests
// do: the outcomes are those of the tests that were played.
func (o *Own) Run(ctx context.Context, with Declarations) ([]Outcome, []Fault, error) {
	declared := declarations{models: with.Models, maintenance: with.Maintenance, place: make(map[string]func(*rules.SyntaxError) error)}
	for _, one := range with.Rules {
		one.Version = max(one.Version, 1)
		declared.rules = append(declared.rules, one)
		declared.place[one.ID] = with.Place
	}
	plays := make([]*play, len(o.tests))
	var faults []error
	for i, t := range o.tests {
		var err error
		if plays[i], err = newPlay(t, declared); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return nil, faultsOf(unique(faults)), nil
	}
	var outcomes []Outcome
	for _, p := range plays {
		if err := p.run(ctx); err != nil {
			return outcomes, nil, err
		}
		outcome := Outcome{Name: p.test.title(), Line: p.test.node.Line, Failures: p.failures, Picture: p.pictureOfAll(ctx, o.rule)}
		for i := range outcome.Failures {
			outcome.Failures[i].Test = outcome.Name
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil, ctx.Err()
}

// isDeclarations reports whether a file holds declarations and not a script:
// its first document names its kind.
func isDeclarations(content []byte) bool {
	var first struct {
		Kind yaml.Node `yaml:"kind"`
	}
	err := yaml.NewDecoder(bytes.NewReader(content)).Decode(&first)
	return err == nil && !first.Kind.IsZero()
}

// errNoTests is what is wrong with a file of declarations none of whose rules
// carries tests.
var errNoTests = errors.New("no rule of this file has tests")

// runDeclared plays the tests that the rules of a file carry.
func runDeclared(ctx context.Context, path string, load Loader, result *Result) error {
	declared, err := load(path)
	if err != nil {
		return err
	}
	if len(declared.Own) == 0 {
		return inFile(path, &placeError{err: errNoTests})
	}
	for _, own := range declared.Own {
		outcomes, faults, err := own.Run(ctx, declared)
		if err != nil {
			return err
		}
		var wrong []error
		for _, f := range faults {
			if f.Line == 0 {
				wrong = append(wrong, f.Err)
				continue
			}
			wrong = append(wrong, inFile(path, &placeError{f.Line, f.Column, f.Err}))
		}
		if err := errors.Join(wrong...); err != nil {
			return err
		}
		for _, outcome := range outcomes {
			result.addOwn(path, outcome)
		}
	}
	return nil
}

func (r *Result) addOwn(path string, outcome Outcome) {
	if len(outcome.Failures) == 0 {
		r.Passed++
		return
	}
	r.Failed++
	for _, f := range outcome.Failures {
		f.File = path
		r.Failures = append(r.Failures, f)
	}
}
