package declare

import (
	"errors"
	"fmt"
)

// ErrStale is what every [*StaleError] is.
var ErrStale = errors.New("declare: the rule has changed meanwhile")

// StaleError refuses a change of a rule that somebody else has changed
// meanwhile.
type StaleError struct {
	Rule string
	Want int // the version that the change was made from; 0: the rule was to be new
	Have int // the version in force; 0: there is no such rule
}

// Error says which versions differ.
func (e *StaleError) Error() string {
	switch {
	case e.Want == 0:
		return fmt.Sprintf("there is a rule %s already, in version %d", e.Rule, e.Have)
	case e.Have == 0:
		return fmt.Sprintf("there is no rule %s", e.Rule)
	default:
		return fmt.Sprintf("rule %s is in version %d by now, and the change was made from version %d", e.Rule, e.Have, e.Want)
	}
}

// Is makes every StaleError an [ErrStale].
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// Expect makes applying the set depend on a rule's version: unless it is the
// one in force, nothing is applied and the error is a [*StaleError]. Version 0
// expects that there is no such rule yet.
func (s *Set) Expect(rule string, version int) {
	if s.expected == nil {
		s.expected = make(map[string]int)
	}
	s.expected[rule] = version
}

// CheckExpected compares the versions in force with those that were expected.
func (s *Set) CheckExpected(inForce map[string]int) error {
	for _, rule := range sortedKeys(s.expected) {
		if want, have := s.expected[rule], inForce[rule]; want != have {
			return &StaleError{Rule: rule, Want: want, Have: have}
		}
	}
	return nil
}

// Expected lists the rules whose versions [Set.Expect] has named.
func (s *Set) Expected() []string { return sortedKeys(s.expected) }
