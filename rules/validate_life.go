package rules

import "time"

// validateLadder finds what is wrong with the steps of the severity ladder,
// their conditions aside.
func validateLadder(r *Rule, fail func(clause, format string, args ...any)) {
	var before time.Duration
	severity := r.Severity
	for _, step := range r.Escalate {
		if step.When != "" {
			validateRung(r, step, fail)
			continue
		}
		switch {
		case step.For != 0 || step.ClearWhen != "" || step.ClearFor != 0:
			fail("escalate", "a step after %s has no condition to hold or to clear", formatSpan(step.After))
		case step.After <= before || step.After > maxSpan:
			fail("escalate", "each step must come later than the one before, not after %s", formatSpan(step.After))
		case step.Severity <= severity:
			fail("escalate", "each step must be graver than the one before, and %s is not graver than %s", step.Severity, severity)
		}
		before, severity = step.After, step.Severity
	}
}

func validateRung(r *Rule, step Escalation, fail func(clause, format string, args ...any)) {
	if step.After != 0 {
		fail("escalate", "a step has either after or when, not both")
	}
	if step.Severity <= r.Severity {
		fail("escalate", "a step must be graver than the rule, and %s is not graver than %s", step.Severity, r.Severity)
	}
	if err := checkDelay(step.For); err != nil {
		fail("escalate", "for %w", err)
	}
	if err := checkDelay(step.ClearFor); err != nil {
		fail("escalate", "clear_for %w", err)
	}
}

// validateLife finds what is wrong with the rest of the life cycle.
func validateLife(r *Rule, fail func(clause, format string, args ...any)) {
	if !r.Latch && r.LatchFrom != Info {
		fail("latch", "a rule that does not latch has no severity to latch from")
	}
	for _, by := range r.InhibitedBy {
		switch by.Scope {
		case "", SameDevice, SameSite, SameGateway:
		default:
			fail("inhibited_by", "unknown scope %q (device, site or gateway)", by.Scope)
		}
	}
	if err := checkDelay(r.ReopenWithin); err != nil {
		fail("reopen_within", "%w", err)
	}
	c := r.Chattering
	switch {
	case c == Chattering{}:
	case c.Times < 1 || c.Times > maxChatter:
		fail("chattering", "times must be from 1 to %d", maxChatter)
	case c.Within <= 0 || c.Within > maxSpan || c.Quiet <= 0 || c.Quiet > maxSpan:
		fail("chattering", "within and quiet must be times above zero")
	}
}
