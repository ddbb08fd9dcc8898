package rules

import "fmt"

// holder is what holds an alarm back from being raised.
type holder struct {
	by    string // the inhibiting rule, or the maintenance
	why   string // "while power-lost was active"
	from  int64  // event time since when it was found to
	until int64  // event time at which it ends by itself; 0: that is not known
}

// maxHolders bounds what is remembered of a stretch in which one thing after
// another held an alarm back.
const maxHolders = 8

// suppressed finds what holds an alarm of rule i back at an event time: an
// alarm of the device itself, one at its site or gateway, maintenance.
func (e *Engine) suppressed(d *device, i int, now int64) (holder, bool) {
	if j := d.inhibitor(i); j >= 0 {
		id := d.plan.rules[j].rule.ID
		return holder{by: id, why: fmt.Sprintf("while %s was active", id), from: now}, true
	}
	for _, w := range d.plan.rules[i].wide {
		if p, ok := e.holdsAround(d, w); ok {
			return holder{by: p.Rule, why: "while " + p.String() + " was active", from: now}, true
		}
	}
	return e.set.maintained(d.id, now)
}

// holdBack notes that an alarm would exist but for a holder, and tells of it
// when that is news.
func (e *Engine) holdBack(d *device, i int, h holder, f *frame) {
	c, r := &d.cells[i], d.plan.rules[i]
	if c.alarm == nil {
		c.alarm = &alarm{
			id:       alarmID(d.key(i), r.rule.Mode+heldMode, f.now, 0),
			raisedAt: f.now, pendingSince: c.since, severity: d.severity(i, r.rule.Severity),
		}
	}
	if n := len(c.alarm.held); n > 0 {
		if last := c.alarm.held[n-1]; last.by == h.by && last.why == h.why {
			return
		}
		if n == maxHolders {
			c.alarm.held[n-1] = h
			return
		}
	}
	c.alarm.held = append(c.alarm.held, h)
	e.stats.Suppressed++
	t := e.transition(d, i, Suppressed, f.now)
	if e.explains(d, i) {
		t.Values = d.values(f.oldest)
		t.Evidence = d.evidence(i, f)
		t.Explanation = []string{
			describe(r.when, r.binder, f, yes) + heldSince(c.since, f.now) + fmt.Sprintf(" (rule %s v%d)", r.rule.ID, r.rule.Version),
			fmt.Sprintf("Held back %s.", h.why),
		}
	}
	e.emit(t)
}

// release tells that nothing holds an alarm back any more, if something did:
// before is the cell as it was. Becomes is the alarm that it was raised as.
func (e *Engine) release(d *device, i int, before *cell, at int64, why, becomes string) {
	if before.phase != pending || before.alarm == nil {
		return
	}
	at = max(at, before.alarm.raisedAt)
	d.remember(i, before, at)
	t := e.transitionOf(d, i, before, Released, at)
	t.Becomes = becomes
	if e.explains(d, i) {
		t.Evidence.Held = before.alarm.suppressions()
		t.Explanation = []string{"No longer held back: " + why + "."}
	}
	e.emit(t)
}

// whyOver says why an alarm that was held back was not raised in the end.
func whyOver(when truth) string {
	if when == unknown {
		return "whether its condition holds was not known any more"
	}
	return "its condition ended"
}

// suppressions lists what has held an alarm back.
func (a *alarm) suppressions() []Suppression {
	var all []Suppression
	for _, h := range a.held {
		all = append(all, Suppression{By: h.by, Why: h.why, From: timeOf(h.from)})
	}
	return all
}

// heldMode makes the ids of alarms that do not exist different from all others.
const heldMode = " held"

// explainHolders says what held an alarm back, and from when.
func explainHolders(held []holder, now int64) []string {
	said := make([]string, len(held))
	for i, h := range held {
		said[i] = fmt.Sprintf("Held back from %s, %s.", formatTime(h.from, now), h.why)
	}
	return said
}

// heldUntil returns the log time at which a rule that is held back must be
// asked again although nothing may arrive; false when nothing is known of it.
func (e *Engine) heldUntil(d *device, i int) (int64, bool) {
	c := &d.cells[i]
	if c.phase != pending || c.alarm == nil || len(c.alarm.held) == 0 {
		return 0, false
	}
	h, still := e.suppressed(d, i, d.clock(e.now))
	switch {
	case !still:
		return max(e.now, d.decided+1), true
	case h.until > 0:
		at := d.logTime(h.until)
		return at, at > d.decided
	default:
		return 0, false // whoever ends it says so
	}
}
