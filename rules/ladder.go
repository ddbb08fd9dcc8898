package rules

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"telltale/devices"
)

// checkedRung is a step of the severity ladder whose condition has been
// checked.
type checkedRung struct {
	step        Escalation
	when, clear node // clear is nil where the step has no clear_when
	fingerprint uint64
}

// rung is a step of the ladder as closures over one model's slots. On a device
// it stands where a [cell] says, and goes through the states of an alarm.
type rung struct {
	*checkedRung
	raises truthFunc
	clears truthFunc // nil: where raises is no
	delays delays
}

// byAge returns the steps that only need time, soonest first.
func byAge(all []Escalation) []Escalation {
	var aged []Escalation
	for _, step := range all {
		if step.When == "" {
			aged = append(aged, step)
		}
	}
	slices.SortStableFunc(aged, func(a, b Escalation) int { return cmp.Compare(a.After, b.After) })
	return aged
}

// compileLadder checks the conditions of a rule's ladder by check, which
// reports what is wrong with a clause and returns nil then.
func compileLadder(r *Rule, check func(clause, text string) node) []*checkedRung {
	var ladder []*checkedRung
	for i, step := range r.Escalate {
		if step.When == "" {
			continue
		}
		c := &checkedRung{step: step, when: check(fmt.Sprintf("escalate[%d].when", i), step.When)}
		if step.ClearWhen != "" {
			c.clear = check(fmt.Sprintf("escalate[%d].clear_when", i), step.ClearWhen)
		}
		h := fnv.New64a()
		fmt.Fprintf(h, "%q %q %d %d %d", step.When, step.ClearWhen, step.For, step.ClearFor, step.Severity)
		c.fingerprint = h.Sum64()
		ladder = append(ladder, c)
	}
	return ladder
}

func (b *binder) ladder(checked []*checkedRung) []rung {
	if len(checked) == 0 {
		return nil
	}
	ladder := make([]rung, len(checked))
	for i, c := range checked {
		ladder[i] = rung{
			checkedRung: c, raises: b.truth(c.when),
			delays: delays{on: int64(c.step.For), off: int64(c.step.ClearFor)},
		}
		if c.clear != nil {
			ladder[i].clears = b.truth(c.clear)
		}
	}
	return ladder
}

// ends is whether the condition that ends a step holds in a frame.
func (r *rung) ends(f *frame) truth {
	if r.clears != nil {
		return r.clears(f)
	}
	return r.raises(f).not()
}

// rungs returns where a device stands on the ladder of rule i.
func (d *device) rungs(i int) []cell {
	from := d.plan.rungsOf[i]
	return d.ladders[from : from+len(d.plan.rules[i].ladder)]
}

// climb moves a device on the ladder of rule i, and returns the grave of the
// steps that have ended, or -1.
func (d *device) climb(i int, f *frame) (left int) {
	ladder, at := d.plan.rules[i].ladder, d.rungs(i)
	left = -1
	for k := range at {
		r := &ladder[k]
		o := observation{now: f.now, when: r.raises(f)}
		if at[k].phase.isRaised() {
			o.clear = r.ends(f)
		}
		var what outcome
		at[k], what = next(at[k], r.delays, o)
		if what == cleared && (left < 0 || r.step.Severity > ladder[left].step.Severity) {
			left = k
		}
	}
	return left
}

// top returns the gravest step that a device stands on, or -1.
func (d *device) top(i int) int {
	ladder, top := d.plan.rules[i].ladder, -1
	if len(ladder) == 0 {
		return top
	}
	for k, c := range d.rungs(i) {
		if c.phase.isRaised() && (top < 0 || ladder[k].step.Severity > ladder[top].step.Severity) {
			top = k
		}
	}
	return top
}

// severity is how grave an alarm of rule i is, of at least the severity floor.
func (d *device) severity(i int, floor Severity) Severity {
	if top := d.top(i); top >= 0 {
		return max(floor, d.plan.rules[i].ladder[top].step.Severity)
	}
	return floor
}

// relevel tells of a severity that the ladder has changed, up or down, and
// takes the ladder down when there is no alarm to come or to keep.
func (e *Engine) relevel(d *device, i, left int, f *frame) {
	c, r := &d.cells[i], d.plan.rules[i]
	if c.phase == normal {
		clear(d.rungs(i))
		return
	}
	if !c.phase.isRaised() {
		return
	}
	before, now := c.alarm.severity, d.severity(i, c.alarm.floor)
	if now == before {
		return
	}
	c.alarm.severity = now
	d.rememberLevel(i, max(f.now, c.alarm.raisedAt))
	change := Escalated
	if now < before {
		change = Deescalated
	}
	t := e.transition(d, i, change, max(f.now, c.alarm.raisedAt))
	if e.explains(d, i) {
		t.Values = d.values(f.oldest)
		t.Explanation = []string{explainLevel(r, change, left, d, i, f)}
	}
	e.emit(t)
}

// explainLevel says why the severity changed.
func explainLevel(r *bound, change Change, left int, d *device, i int, f *frame) string {
	if change == Deescalated {
		return explainDescent(r, left, d, i, f)
	}
	top := d.top(i)
	return explainRung(r, &r.ladder[top], d.rungs(i)[top], f)
}

// explainRung says why a step of the ladder was taken.
func explainRung(r *bound, step *rung, at cell, f *frame) string {
	why := describe(step.when, r.binder, f, yes)
	return fmt.Sprintf("Severity %s: %s%s (rule %s v%d)", step.step.Severity, why, heldSince(at.since, f.now), r.rule.ID, r.rule.Version)
}

// explainDescent says why the severity fell.
func explainDescent(r *bound, left int, d *device, i int, f *frame) string {
	severity := d.cells[i].alarm.severity
	if left < 0 {
		return fmt.Sprintf("Severity back to %s: the rule changed (rule %s v%d)", severity, r.rule.ID, r.rule.Version)
	}
	step, wanted := &r.ladder[left], no
	condition := step.when
	if step.clear != nil {
		condition, wanted = step.clear, yes
	}
	why := describe(condition, r.binder, f, wanted)
	return fmt.Sprintf("Severity back to %s: %s%s (rule %s v%d)", severity, why, heldSince(d.rungs(i)[left].since, f.now), r.rule.ID, r.rule.Version)
}

// heldSince says since when something has held, if not only now.
func heldSince(since, now int64) string {
	if since == now {
		return ""
	}
	return fmt.Sprintf(" since %s, held for %s", formatTime(since, now), devices.Span(time.Duration(now-since)))
}

// dueOnLadder returns the log time at which time alone may move a device on the
// ladder of rule i.
func (d *device) dueOnLadder(i int) (due int64, ok bool) {
	ladder := d.plan.rules[i].ladder
	if len(ladder) == 0 {
		return 0, false
	}
	for k, c := range d.rungs(i) {
		var ends int64
		switch c.phase {
		case pending:
			ends = d.logTime(c.since + ladder[k].delays.on)
		case clearing:
			ends = d.logTime(c.since + ladder[k].delays.off)
		}
		if ends > d.decided && (!ok || ends < due) {
			due, ok = ends, true
		}
	}
	return due, ok
}

// interruptRungs ends what was pending or clearing on a ladder on a value that
// went stale; see [Engine.interruptStale].
func (d *device) interruptRungs(i int, f *frame) {
	ladder, at := d.plan.rules[i].ladder, d.rungs(i)
	for k := range at {
		switch c := &at[k]; c.phase {
		case pending:
			if ladder[k].raises(f) == unknown {
				*c = cell{}
			}
		case clearing:
			if ladder[k].ends(f) == unknown {
				c.phase = active
			}
		}
	}
}

// standOn takes the steps of an alarm that was taken over for taken, as far as
// its severity goes: they end when their conditions do.
func (d *device) standOn(i int) {
	r, a := d.plan.rules[i], d.cells[i].alarm
	if len(r.ladder) == 0 {
		return
	}
	a.floor = r.rule.Severity
	for _, step := range r.aged[:d.cells[i].step] {
		a.floor = max(a.floor, step.Severity)
	}
	for k, at := range d.rungs(i) {
		if at.phase == normal && r.ladder[k].step.Severity <= a.severity {
			d.rungs(i)[k].phase = active
		}
	}
}
