package rules

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"telltale/devices"
)

// compiledRule is a rule whose conditions have been checked. Binding it to a
// model makes it something to evaluate.
type compiledRule struct {
	rule        Rule
	when, clear node // clear is nil where the rule has no clear_when
	ladder      []*checkedRung
	uses        uses        // of all conditions
	wide        []Inhibitor // at the site or the gateway
	fingerprint uint64
}

// Compile checks rules against the declared models and makes them ready to
// evaluate. The error joins one [*SyntaxError] for each thing that is wrong,
// in the order of the rules. Rules that are off are checked as well.
func Compile(rules []Rule, directory *devices.Directory) (*Set, error) {
	s := &Set{directory: directory, byID: make(map[string]int, len(rules)), models: make(map[string]*modelPlan), wide: make(map[string][]Scope)}
	var faults []error
	var compiled []*compiledRule
	for i := range rules {
		r := rules[i]
		if r.Mode == "" {
			r.Mode = Live
		}
		if _, twice := s.byID[r.ID]; twice {
			faults = append(faults, &SyntaxError{Rule: r.ID, Clause: "id", Err: errors.New("declared twice")})
			continue
		}
		s.byID[r.ID] = len(s.rules)
		s.rules = append(s.rules, r)
		c, problems := s.compile(r)
		for _, p := range problems {
			faults = append(faults, p)
		}
		compiled = append(compiled, c)
	}
	slices.SortFunc(compiled, func(a, b *compiledRule) int { return cmp.Compare(a.rule.ID, b.rule.ID) })
	ordered, circles := inOrder(compiled)
	for _, p := range circles {
		faults = append(faults, p)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	s.findWide(ordered)
	s.plan(ordered)
	return s, nil
}

// compile checks one rule.
func (s *Set) compile(r Rule) (*compiledRule, []*SyntaxError) {
	faults := validate(&r)
	var models []*devices.Model
	for _, m := range s.directory.Models() {
		if r.AppliesTo.matches(m.ID) {
			models = append(models, m)
		}
	}
	if len(models) == 0 {
		s.warnings = append(s.warnings, &SyntaxError{Rule: r.ID, Clause: "applies_to", Err: errors.New("no declared model matches")})
	}
	for _, by := range r.InhibitedBy {
		if by.Rule == r.ID {
			faults = append(faults, &SyntaxError{Rule: r.ID, Clause: "inhibited_by", Err: errors.New("a rule cannot inhibit itself")})
		}
	}

	c := &compiledRule{rule: r, fingerprint: fingerprint(&r)}
	known := newScope(models)
	clause := func(name, text string) node {
		n, problems, warnings := checkCondition(text, known)
		for _, p := range problems {
			faults = append(faults, p.in(text, r.ID, name))
		}
		for _, w := range warnings {
			s.warnings = append(s.warnings, w.in(text, r.ID, name))
		}
		c.uses.add(n)
		return n
	}
	c.when = clause("when", r.When)
	if c.when != nil && c.uses.nothing() {
		faults = append(faults, &SyntaxError{Line: 1, Col: 1, Rule: r.ID, Clause: "when",
			Err: errors.New("the condition looks at nothing that a device says")})
	}
	if r.ClearWhen != "" {
		c.clear = clause("clear_when", r.ClearWhen)
	}
	c.ladder = compileLadder(&c.rule, clause)
	return c, faults
}

// fingerprint changes with everything that decides when an alarm begins and
// ends, and with nothing else: state survives a new title, not a new limit.
func fingerprint(r *Rule) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q %d %d", r.When, r.ClearWhen, r.For, r.ClearFor)
	return h.Sum64()
}

// durations returns the spans of all silent conditions, shortest first.
func durations(spans []time.Duration) []int64 {
	all := make([]int64, 0, len(spans))
	for _, d := range spans {
		all = append(all, int64(d))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
