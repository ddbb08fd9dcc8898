package rules

import "math"

// prepare sets the frame for evaluations of a device at an event time and a
// log time.
func (e *Engine) prepare(d *device, now, at int64) *frame {
	f := &e.frame
	f.device, f.at = d, at
	f.slots, f.rings, f.trackers, f.learned, f.now = d.slots, d.rings, d.trackers, &d.learned, now
	f.stale = d.plan.stale
	if len(f.windows) < d.plan.windows {
		f.windows = make([]remembered, d.plan.windows)
	}
	f.oldest = math.MinInt64 + 1
	if d.plan.stale > 0 {
		f.oldest = now - d.plan.stale
	}
	f.faults = d.faults
	f.faultsKnown = d.faultsAt != never && (d.plan.stale == 0 || now-d.observed <= d.plan.stale)
	f.quiet = at - d.contact
	f.quietHeard = at - max(d.contact, e.listening)
	return f
}

// prepared is prepare, unless the rule before was evaluated at the same times
// for the same report: most are, and there may be a hundred of them.
func (e *Engine) prepared(d *device, now, at int64) *frame {
	if f := &e.frame; f.device == d && f.now == now && f.at == at {
		return f
	}
	return e.prepare(d, now, at)
}

// evaluate evaluates one rule of a device and acts on what the state machine
// says. A rule without silent() is evaluated at the device's latest report.
// One with it also lives on while nothing arrives, so it goes by clock, the
// device's time carried on to the log time at.
func (e *Engine) evaluate(d *device, i int, clock, at int64) {
	r, c := d.plan.rules[i], &d.cells[i]
	now := d.observed
	if r.waits {
		now = clock
	}
	if now == never {
		return
	}
	e.stats.Evaluations++
	f := e.prepared(d, now, at)
	o := observation{now: now, when: r.raises(f)}
	if o.when != yes && (d.rests(i) || c.phase == normal) {
		d.settle(i)
		return // the usual case, in which the cell need not be in any cache
	}
	left := -1
	if len(r.ladder) > 0 {
		left = d.climb(i, f)
	}
	var held holder
	switch {
	case c.phase.isRaised():
		e.escalate(d, i, now, at)
		o.clear = o.when.not()
		if r.clears != nil {
			o.clear = r.clears(f)
		}
	case o.when == yes && c.ripe(r.delays, now):
		held, o.inhibited = e.suppressed(d, i, now)
		if p := d.past(i); p != nil {
			o.flapping = p.flaps(now, r.rule.Chattering)
		}
	}
	e.step(d, i, o, held, f)
	if len(r.ladder) > 0 {
		e.relevel(d, i, left, f)
	}
}

// step runs the state machine and tells what happened.
func (e *Engine) step(d *device, i int, o observation, held holder, f *frame) {
	c := &d.cells[i]
	before := *c
	var what outcome
	*c, what = next(*c, d.plan.rules[i].delays, o)
	d.stir(i)
	switch what {
	case raised:
		e.raise(d, i, f)
	case heldBack:
		e.holdBack(d, i, held, f)
	case cleared:
		e.clear(d, i, f)
	case nothing:
		if before.phase.isRaised() && o.when == yes {
			e.repeat(d, i, o.now)
		}
		if c.phase == normal {
			e.release(d, i, &before, o.now, whyOver(o.when), "")
		}
		if before.phase == clearing && c.phase == active && o.when == yes && c.chattering {
			d.past(i).come(o.now, d.plan.rules[i].rule.Chattering)
		}
	}
}

// inhibitor returns the position of a raised rule that inhibits rule i, or -1.
func (d *device) inhibitor(i int) int {
	for _, j := range d.plan.inhibitors[i] {
		if d.holds(j) {
			return j
		}
	}
	return -1
}

// interruptStale ends what was pending or clearing on a value that went stale
// before a new one arrived. The stretch in between is unknown, although
// nothing was evaluated in it: with the old values, as they are at the new
// report's time, those rules are asked what they still know.
func (e *Engine) interruptStale(d *device, observed int64) {
	if d.plan.stale == 0 || d.observed == never {
		return
	}
	// The frame's faults go by the last report of any kind.
	gap := observed-d.observed > d.plan.stale
	for _, a := range e.round.accepted {
		at := d.slots[a.slot].at
		gap = gap || at != never && observed-at > d.plan.stale
	}
	if !gap {
		return
	}
	f := e.prepare(d, max(observed, d.observed), 0)
	for i := range d.cells {
		c, r := &d.cells[i], d.plan.rules[i]
		if r.waits || d.isTakenBack() && r.byClock() {
			continue // its time did not stand still: the timers have asked it
		}
		if c.phase != normal || len(r.ladder) > 0 {
			e.interrupt(d, i, f)
		}
	}
}

// interrupt is [Engine.interruptStale] of one rule.
func (e *Engine) interrupt(d *device, i int, f *frame) {
	defer e.guard(d, i)
	c, r := &d.cells[i], d.plan.rules[i]
	if len(r.ladder) > 0 {
		d.interruptRungs(i, f)
	}
	switch c.phase {
	case pending:
		if r.raises(f) == unknown {
			e.release(d, i, c, f.now, whyOver(unknown), "")
			*c = cell{}
			if len(r.ladder) > 0 {
				clear(d.rungs(i))
			}
		}
	case clearing:
		if r.ends(f) == unknown {
			c.phase = active
		}
	}
}

// ends is whether a rule's clear condition holds in a frame.
func (r *bound) ends(f *frame) truth {
	if r.clears != nil {
		return r.clears(f)
	}
	return r.raises(f).not()
}
