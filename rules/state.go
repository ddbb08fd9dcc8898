package rules

import (
	"slices"
	"time"

	"telltale/devices"
)

// State is where a rule stands on one device.
type State struct {
	Phase       string    // "normal", "pending", "active" or "clearing"; a clearing alarm is still active
	Since       time.Time // pending: of the first breach; active, clearing: of the raise; otherwise zero
	Severity    Severity  // of the alarm, if there is one
	Occurrences int64
	HeldBackBy  string // the rule or the maintenance that holds the alarm back, if one does
	Chattering  bool   // the alarm came and went too often; it is held until it has been quiet
}

// Raised reports whether there is an alarm.
func (s State) Raised() bool { return s.Phase == active.String() || s.Phase == clearing.String() }

// State returns where a rule stands on a device; false when the engine knows
// nothing of the device or the rule does not watch it.
func (e *Engine) State(id devices.ID, rule string) (State, bool) {
	d, ok := e.devices[id]
	if !ok {
		return State{}, false
	}
	i, ok := d.plan.position[rule]
	if !ok {
		return State{}, false
	}
	c := &d.cells[i]
	s := State{Phase: c.phase.String(), Occurrences: c.count, Chattering: c.chattering}
	switch {
	case c.phase == pending:
		s.Since = timeOf(c.since)
		if c.alarm != nil && len(c.alarm.held) > 0 {
			s.HeldBackBy = c.alarm.held[len(c.alarm.held)-1].by
		}
	case c.phase.isRaised():
		s.Since, s.Severity = timeOf(c.alarm.raisedAt), c.alarm.severity
	}
	return s, true
}

// MetricNames returns the metrics that a rule's conditions speak of, sorted.
// Conditions that cannot be read have none.
func MetricNames(r *Rule) []string {
	var u uses
	for _, text := range conditionsOf(r) {
		if text == "" {
			continue
		}
		n, _, _ := checkCondition(text, newScope(nil))
		u.add(n)
	}
	slices.Sort(u.metrics)
	return u.metrics
}

// conditionsOf returns the texts of all conditions of a rule, empty ones too.
func conditionsOf(r *Rule) []string {
	all := []string{r.When, r.ClearWhen}
	for _, step := range r.Escalate {
		all = append(all, step.When, step.ClearWhen)
	}
	return all
}
