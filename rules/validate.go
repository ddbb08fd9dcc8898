package rules

import (
	"errors"
	"fmt"
	"path"
	"time"
)

// validate finds what is wrong with a rule apart from its conditions.
func validate(r *Rule) []*SyntaxError {
	var found []*SyntaxError
	fail := func(clause, format string, args ...any) {
		found = append(found, &SyntaxError{Rule: r.ID, Clause: clause, Err: fmt.Errorf(format, args...)})
	}
	if r.ID == "" {
		fail("id", "a rule needs an id")
	}
	for _, pattern := range r.AppliesTo.Models {
		if _, err := path.Match(pattern, ""); err != nil {
			fail("applies_to", "%q is not a pattern", pattern)
		}
	}
	if err := checkDelay(r.For); err != nil {
		fail("for", "%w", err)
	}
	if err := checkDelay(r.ClearFor); err != nil {
		fail("clear_for", "%w", err)
	}
	switch r.Mode {
	case Live, Shadow, Off, "":
	default:
		fail("mode", "unknown mode %q (live, shadow or off)", r.Mode)
	}
	if len(r.Escalate) > maxEscalations {
		fail("escalate", "more than %d steps", maxEscalations)
	}
	validateLadder(r, fail)
	validateLife(r, fail)
	return found
}

// maxEscalations is one for each severity there is to rise to, and then some.
const maxEscalations = 16

func checkDelay(d time.Duration) error {
	if d < 0 || d > maxSpan {
		return errors.New("must be a time from zero to ten years")
	}
	return nil
}

// matches reports whether the selector chooses devices of the model, tags
// aside.
func (s Selector) matches(model string) bool {
	if len(s.Models) == 0 {
		return true
	}
	for _, pattern := range s.Models {
		if ok, err := path.Match(pattern, model); ok && err == nil {
			return true
		}
	}
	return false
}

// accepts reports whether a device has all the tags the selector asks for.
func (s Selector) accepts(tags map[string]string) bool {
	for key, value := range s.Tags {
		if got, ok := tags[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// inOrder sorts rules so that each comes after the rules that inhibit it, and
// otherwise by id: an inhibitor that is raised by the same report is then
// seen in time. It reports rules that inhibit each other in a circle.
func inOrder(compiled []*compiledRule) (ordered []*compiledRule, problems []*SyntaxError) {
	byID := make(map[string]*compiledRule, len(compiled))
	for _, c := range compiled {
		byID[c.rule.ID] = c
	}
	const visiting, done = 1, 2
	mark := make(map[string]int, len(compiled))
	var visit func(c *compiledRule)
	visit = func(c *compiledRule) {
		mark[c.rule.ID] = visiting
		for _, by := range c.rule.InhibitedBy {
			id := by.Rule
			inhibitor, declared := byID[id]
			switch {
			case !declared || mark[id] == done || id == c.rule.ID: // itself: reported already
			case mark[id] == visiting:
				problems = append(problems, &SyntaxError{Rule: c.rule.ID, Clause: "inhibited_by",
					Err: fmt.Errorf("%s is itself held back, directly or not, by %s", id, c.rule.ID)})
			default:
				visit(inhibitor)
			}
		}
		mark[c.rule.ID] = done
		ordered = append(ordered, c)
	}
	for _, c := range compiled {
		if mark[c.rule.ID] == 0 {
			visit(c)
		}
	}
	return ordered, problems
}
