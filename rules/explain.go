package rules

import (
	"fmt"
	"time"

	"telltale/devices"
)

// explains reports whether decisions about rule i are put into words.
func (e *Engine) explains(d *device, i int) bool {
	return e.explained == nil || e.explained(d.plan.rules[i].rule.ID)
}

// explainRaise says why an alarm was raised, in sentences for the person who
// gets the ticket.
func explainRaise(d *device, i int, f *frame) []string {
	c, r := &d.cells[i], d.plan.rules[i]
	why := describe(r.when, r.binder, f, yes)
	version := fmt.Sprintf("(rule %s v%d)", r.rule.ID, r.rule.Version)
	var first string
	if c.since == f.now {
		first = fmt.Sprintf("%s at %s %s", why, formatTime(f.now, f.now), version)
	} else {
		first = fmt.Sprintf("%s since %s, held for %s %s", why, formatTime(c.since, f.now),
			devices.Span(time.Duration(f.now-c.since)), version)
	}
	sentences := []string{first}
	sentences = append(sentences, explainOutlook(r, f)...)
	if top := d.top(i); top >= 0 && r.ladder[top].step.Severity > r.rule.Severity {
		sentences = append(sentences, explainRung(r, &r.ladder[top], d.rungs(i)[top], f))
	}
	sentences = append(sentences, explainHolders(c.alarm.held, f.now)...)
	if r.rule.Mode == Shadow {
		sentences = append(sentences, "The rule is on trial (shadow): no ticket is made.")
	}
	return sentences
}

// explainClear says why an alarm ended.
func explainClear(d *device, i int, f *frame) []string {
	c, r := &d.cells[i], d.plan.rules[i]
	condition, wanted := r.when, no
	if r.clear != nil {
		condition, wanted = r.clear, yes
	}
	why := describe(condition, r.binder, f, wanted)
	if c.since == f.now || c.offDelay(r.delays) == 0 {
		return []string{fmt.Sprintf("%s at %s", why, formatTime(f.now, f.now))}
	}
	return []string{fmt.Sprintf("%s since %s, held for %s", why, formatTime(c.since, f.now),
		devices.Span(time.Duration(f.now-c.since)))}
}

func explainEscalation(step Escalation, r *bound) string {
	return fmt.Sprintf("Active for %s: severity %s (rule %s v%d)", devices.Span(step.After), step.Severity, r.rule.ID, r.rule.Version)
}
