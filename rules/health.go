package rules

import (
	"fmt"
	"math/bits"
	"time"

	"telltale/devices"
)

// Failure is that a rule failed while it was evaluated, within one call of the
// engine. What it was evaluated for stays undecided, as if its condition were
// unknown; all other rules are decided as ever.
type Failure struct {
	Rule    string
	Version int
	Device  devices.ID // of the last time
	At      time.Time  // log time
	Reason  string     // of the last time, for people: which part of the rule could not be worked out
	Cause   string     // of the last time, for whoever mends the engine
	Count   int64      // how often
}

// TakeFailures returns what has failed since it was last asked, one entry for
// each rule in the order they failed first, and forgets it. A replay fails as
// the first run did.
func (e *Engine) TakeFailures() []Failure {
	failures := e.failures
	e.failures = nil
	return failures
}

// fail notes that rule i failed on a device: what could not be done, and why.
func (e *Engine) fail(d *device, i int, what string, cause any) {
	rule := &d.plan.rules[i].rule
	e.frame.device = nil // it may be half prepared
	if d.journal != nil && !d.plan.rules[i].byClock() && !d.journal.fails(lapse{e.round.observed, i}) {
		return
	}
	reason, raw := what+": a mistake in the gateway, not in the rule.", fmt.Sprint(cause)
	for k := range e.failures {
		if f := &e.failures[k]; f.Rule == rule.ID && f.Version == rule.Version {
			f.Device, f.At, f.Reason, f.Cause, f.Count = d.id, timeOf(e.now), reason, raw, f.Count+1
			return
		}
	}
	e.failures = append(e.failures, Failure{
		Rule: rule.ID, Version: rule.Version, Device: d.id, At: timeOf(e.now), Reason: reason, Cause: raw, Count: 1,
	})
}

// evaluateUnder evaluates the marked rules of a device from the one under way
// on. It reports false when one failed; the next call goes on behind that. One
// guard is set for all of them: a guard for each would be felt.
func (e *Engine) evaluateUnder(d *device, clock, at int64) (done bool) {
	before := e.stats.Evaluations
	defer func() {
		if !done {
			rule := e.underWay(d, e.stats.Evaluations-before)
			e.giveUp(d, rule, recover())
			e.unmark(rule)
		}
	}()
	e.evaluateRest(d, clock, at)
	return true
}

// evaluateRest evaluates the marked rules of a device. It has no guard itself,
// since a function with one is slower in all it does.
func (e *Engine) evaluateRest(d *device, clock, at int64) {
	for i, word := range e.round.marks {
		for ; word != 0; word &= word - 1 {
			e.evaluate(d, i*64+bits.TrailingZeros64(word), clock, at)
		}
	}
}

// underWay returns the marked rule whose evaluation is number n of those that
// were counted. Evaluations are counted anyway; to note each rule would be felt.
func (e *Engine) underWay(d *device, n int64) int {
	for i, word := range e.round.marks {
		for ; word != 0; word &= word - 1 {
			rule := i*64 + bits.TrailingZeros64(word)
			if d.observed == never && !d.plan.rules[rule].waits {
				continue // there is nothing to evaluate it at
			}
			if n--; n <= 0 {
				return rule
			}
		}
	}
	panic("rules: a failure outside of all rules")
}

// evaluateAlone evaluates one rule under a guard of its own: what time decides
// is rare.
func (e *Engine) evaluateAlone(d *device, i int, clock, at int64) {
	defer e.guard(d, i)
	e.evaluate(d, i, clock, at)
}

// guard is deferred around what a rule's conditions may make fail.
func (e *Engine) guard(d *device, i int) {
	if cause := recover(); cause != nil {
		e.giveUp(d, i, cause)
	}
}

// giveUp leaves rule i undecided on a device after it failed.
func (e *Engine) giveUp(d *device, i int, cause any) {
	e.fail(d, i, e.culprit(d, i), cause)
	before := d.cells[i]
	if d.undecided(i); d.cells[i].phase == normal {
		e.release(d, i, &before, d.observed, "the rule failed", "")
	}
}

// culprit says which part of rule i failed on a device, by asking each of its
// conditions again: to note which one is under way would be felt at every
// reading.
func (e *Engine) culprit(d *device, i int) string {
	r := d.plan.rules[i]
	if e.fails(d, r.raises) {
		return notWorkedOut("when")
	}
	if e.fails(d, r.clears) {
		return notWorkedOut("clear_when")
	}
	for k := range r.ladder {
		if e.fails(d, r.ladder[k].raises) || e.fails(d, r.ladder[k].clears) {
			return notWorkedOut(fmt.Sprintf("step %d of escalate", k+1))
		}
	}
	return "What it decided could not be carried out"
}

func notWorkedOut(part string) string {
	return "Whether \"" + part + "\" holds could not be worked out"
}

// fails reports whether a condition fails where one failed last. A nil one does
// not.
func (e *Engine) fails(d *device, condition truthFunc) (failed bool) {
	if condition == nil {
		return false
	}
	defer func() { failed = recover() != nil }()
	condition(e.prepare(d, e.frame.now, e.frame.at))
	return false
}

// unmark takes the marks of a rule and of those before it.
func (e *Engine) unmark(i int) {
	clear(e.round.marks[:i/64])
	e.round.marks[i/64] &^= uint64(2)<<(i%64) - 1
}

// undecided is what an unknown condition makes of a cell: it ends a pending
// stretch, interrupts a clearing one and leaves an alarm as it is. An alarm that
// failed halfway into being is none.
func (d *device) undecided(i int) {
	c := &d.cells[i]
	if c.alarm != nil && c.phase != pending {
		c.phase = active
		return
	}
	*c = cell{}
	if len(d.plan.rules[i].ladder) > 0 {
		clear(d.rungs(i))
	}
}

// holdsNow is what the condition of tracker i of a device is in a frame:
// unknown when it fails, which is a failure of each rule that it is kept for.
func (e *Engine) holdsNow(d *device, i int, f *frame) (found truth) {
	defer func() {
		if cause := recover(); cause != nil {
			found = unknown
			e.failTracker(d, i, cause)
		}
	}()
	return d.plan.trackers[i].holds(f)
}

func (e *Engine) failTracker(d *device, i int, cause any) {
	name := d.plan.trackers[i].name
	for k, r := range d.plan.rules {
		if r.mentions(func(n node) bool { return source(n) == name }) {
			e.fail(d, k, notWorkedOut(name), cause)
		}
	}
	e.prepare(d, e.frame.now, e.frame.at) // the others' conditions go on in it
}

// mentions reports whether any condition of a rule has a part that is looked
// for.
func (c *compiledRule) mentions(is func(node) bool) bool {
	conditions := []node{c.when, c.clear}
	for _, step := range c.ladder {
		conditions = append(conditions, step.when, step.clear)
	}
	for _, n := range conditions {
		if n != nil && anywhere(n, is) {
			return true
		}
	}
	return false
}

// anywhere reports whether a node or one below it is what is looked for.
func anywhere(n node, is func(node) bool) bool {
	if is(n) {
		return true
	}
	for _, child := range children(n) {
		if anywhere(child, is) {
			return true
		}
	}
	return false
}

// inWords runs what puts a decision into words. The decision stands when that
// fails.
func (f *frame) inWords(say func()) {
	defer func() {
		if cause := recover(); cause != nil {
			f.speechless = cause
		}
	}()
	say()
}

// noteSpeechless counts as a failure that a transition could not be explained.
func (e *Engine) noteSpeechless(t *Transition) {
	cause := e.frame.speechless
	e.frame.speechless = nil
	d := e.devices[devices.ID(t.Key.Subject.ID)]
	e.fail(d, d.plan.position[t.Key.Rule], "What it decided stands, and could not be put into words", cause)
}
