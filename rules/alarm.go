package rules

import "fmt"

// phase is where a rule stands on one device, in the words of ISA-18.2.
// docs/alarm-life-cycle.md draws it.
type phase uint8

const (
	normal   phase = iota // the condition does not hold
	pending               // it holds, for less than the on-delay or held back by an inhibitor
	active                // the alarm is raised
	clearing              // raised; the clear condition holds, for less than the off-delay
)

// String returns the word used in documents and tests.
func (p phase) String() string {
	switch p {
	case normal:
		return "normal"
	case pending:
		return "pending"
	case active:
		return "active"
	case clearing:
		return "clearing"
	default:
		return fmt.Sprintf("phase(%d)", uint8(p))
	}
}

// isRaised reports whether an alarm exists in this phase.
func (p phase) isRaised() bool { return p == active || p == clearing }

// cell is the state of one rule on one device.
type cell struct {
	since      int64 // event time: pending, of the first breach; clearing, of the first clear
	count      int64 // evaluations that found the condition true since the first breach
	phase      phase
	step       uint8  // escalations by age that are done
	chattering bool   // chattering: the alarm ends only when it has been quiet
	alarm      *alarm // set while raised, or held back
}

// delays are a rule's on-delay and off-delay in nanoseconds, and the off-delay
// of an alarm that chatters.
type delays struct{ on, off, quiet int64 }

// observation is one evaluation of a rule.
type observation struct {
	now       int64 // event time
	when      truth // the condition that raises
	clear     truth // the condition that clears
	inhibited bool  // an active alarm of another rule, or maintenance, suppresses creation
	flapping  bool  // a raise now would be one too many in a short time
}

// outcome is what an evaluation led to.
type outcome uint8

const (
	nothing outcome = iota
	heldBack
	raised
	cleared
)

// next is the alarm state machine: the state before, one evaluation, the
// state after and what happened. It is the only place where a phase changes
// by evaluation.
//
// Unknown never counts: it ends a pending stretch, because the condition was
// not seen to hold all the time, and it interrupts a clearing one, but it
// neither raises nor clears. A condition that still holds keeps its alarm,
// whatever the clear condition says; otherwise two that overlap would make
// the alarm flap at every reading. Inhibition delays creation and nothing
// else. An alarm that chatters is held until it has been quiet. A step of the
// severity ladder that has a condition of its own goes through the same
// states, beside its alarm.
func next(c cell, d delays, o observation) (cell, outcome) {
	if o.when == yes {
		c.count++
	}
	if c.phase.isRaised() {
		return nextRaised(c, d, o)
	}
	if o.when != yes {
		return cell{}, nothing
	}
	if c.phase == normal {
		c.phase, c.since = pending, o.now
	}
	switch {
	case o.now-c.since < d.on:
		return c, nothing
	case o.inhibited:
		return c, heldBack
	default:
		c.phase, c.chattering = active, o.flapping
		return c, raised
	}
}

// ripe reports whether the on-delay is met, if the condition holds now: only
// then does it matter whether anything suppresses the alarm.
func (c cell) ripe(d delays, now int64) bool {
	if c.phase == normal {
		return d.on == 0
	}
	return c.phase == pending && now-c.since >= d.on
}

// offDelay is for how long the clear condition must hold.
func (c cell) offDelay(d delays) int64 {
	if c.chattering {
		return max(d.off, d.quiet)
	}
	return d.off
}

func nextRaised(c cell, d delays, o observation) (cell, outcome) {
	if o.clear != yes || o.when == yes {
		c.phase = active
		return c, nothing
	}
	if c.phase == active {
		c.phase, c.since = clearing, o.now
	}
	if o.now-c.since < c.offDelay(d) {
		return c, nothing
	}
	c.phase = normal
	return c, cleared
}
