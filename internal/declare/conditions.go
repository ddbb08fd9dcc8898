package declare

import (
	"errors"
	"strings"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets"
)

// checkRules looks at what rules say in languages of their own: conditions
// and templates. Rules that are declared already are looked at as well, since
// a changed model can take away what they read.
func (s *Set) checkRules(known Known, faults *Errors) {
	for _, r := range s.Rules {
		if err := tickets.CheckTemplate(r.Ticket.Subject); err != nil {
			fault := s.fault(Ref{KindRule, r.ID}, "ticket", "subject: %v", err)
			s.narrow(fault, r.Ticket.Subject)
			*faults = append(*faults, fault)
		}
	}
	if len(s.Rules)+len(s.Models) == 0 {
		return
	}
	before := make(map[string]bool)
	for _, problem := range compile(known.Rules, known.Models) {
		before[problem.Error()] = true
	}
	mine := make(map[string]bool, len(s.Rules))
	for _, r := range s.Rules {
		mine[r.ID] = true
	}
	for _, problem := range compile(overlaid(known.Rules, s.Rules, ruleID), overlaid(known.Models, s.Models, modelID)) {
		if mine[problem.Rule] || !before[problem.Error()] {
			*faults = append(*faults, s.conditionFault(problem))
		}
	}
}

// compile returns what is wrong with rules on models.
func compile(all []*rules.Rule, models []*devices.Model) []*rules.SyntaxError {
	list := make([]rules.Rule, len(all))
	for i, r := range all {
		list[i] = *r
	}
	_, err := rules.Compile(list, devices.NewDirectory(0, models, nil))
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []*rules.SyntaxError{{Err: err}}
	}
	var problems []*rules.SyntaxError
	for _, one := range joined.Unwrap() {
		var problem *rules.SyntaxError
		if !errors.As(one, &problem) {
			problem = &rules.SyntaxError{Err: one}
		}
		problems = append(problems, problem)
	}
	return problems
}

// overlaid returns the old values with the new ones in place of those of the
// same id.
func overlaid[T any](old, fresh []T, id func(T) string) []T {
	replaced := make(map[string]bool, len(fresh))
	for _, one := range fresh {
		replaced[id(one)] = true
	}
	var all []T
	for _, one := range old {
		if !replaced[id(one)] {
			all = append(all, one)
		}
	}
	return append(all, fresh...)
}

func ruleID(r *rules.Rule) string     { return r.ID }
func modelID(m *devices.Model) string { return m.ID }

// Place turns a problem of a rule in the set into an [*Error] that names its
// file, line and column.
func (s *Set) Place(problem *rules.SyntaxError) error { return s.conditionFault(problem) }

// conditionFault places a problem of a rule in its file.
func (s *Set) conditionFault(problem *rules.SyntaxError) *Error {
	ref := Ref{KindRule, problem.Rule}
	clause, _, _ := strings.Cut(problem.Clause, "[")
	fault := s.fault(ref, clause, "%v", problem.Err)
	fault.Hint = problem.Hint
	doc := s.origins[ref]
	if doc == nil || problem.Line == 0 {
		return fault
	}
	node := child(doc.node, clause)
	if clause != problem.Clause { // of a step of the ladder, which may stand in another order
		node = findScalar(node, problem.Text)
	}
	if node != nil {
		fault.Line, fault.Column = textPosition(doc.source.Text, node, problem.Line, problem.Col)
	}
	return fault
}
