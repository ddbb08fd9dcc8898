package rules

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Evidence is what a raise was decided by beyond the device's latest values,
// and the same of one that was held back.
type Evidence struct {
	Computed []Computed    `json:"computed,omitempty"`      // each once, in the order the condition names them
	Outlook  *Outlook      `json:"time_to_limit,omitempty"` // the soonest; nil: the condition compares no forecast with a limit
	Held     []Suppression `json:"held_by,omitempty"`       // what held it back before, oldest first
}

// Computed is what a function of a condition came to.
type Computed struct {
	Call  string   `json:"call" doc:"as the rule has it: avg(temperature, \"10m\")"`
	Value *float64 `json:"value" doc:"null: not known then"`
	Unit  string   `json:"unit" doc:"UCUM; empty for bare numbers"`
}

// Suppression is one thing that held an alarm back.
type Suppression struct {
	By   string    `json:"by" doc:"the inhibiting rule, or the maintenance"`
	Why  string    `json:"why" doc:"such as: while power-lost was active"`
	From time.Time `json:"from" doc:"event time"`
}

// Outlook says when a value is expected to pass the limit that its forecast
// was compared with.
type Outlook struct {
	Metric    string    `json:"metric"`
	Limit     float64   `json:"limit"`
	Unit      string    `json:"unit" doc:"UCUM, of the limit"`
	At        time.Time `json:"at" doc:"event time, expected when the alarm was raised"`
	InSeconds int64     `json:"in_seconds" doc:"from the raise to at"`
}

// evidence gathers what a rule's condition came to in a frame.
func (d *device) evidence(i int, f *frame) Evidence {
	c, r := &d.cells[i], d.plan.rules[i]
	var e Evidence
	f.inWords(func() { e.Computed = computed(nil, r.when, r.binder, f) })
	if all := outlooks(r, f); len(all) > 0 {
		e.Outlook = slices.MinFunc(all, func(a, b expected) int { return cmp.Compare(a.left, b.left) }).outlook(f.now)
	}
	if c.alarm != nil {
		e.Held = c.alarm.suppressions()
	}
	return e
}

// computed appends the functions of a condition with what they came to.
func computed(to []Computed, n node, b *binder, f *frame) []Computed {
	unit, is := computedUnit(n)
	if !is {
		for _, child := range children(n) {
			to = computed(to, child, b, f)
		}
		return to
	}
	one := Computed{Call: source(n), Unit: unit}
	if slices.ContainsFunc(to, func(c Computed) bool { return c.Call == one.Call }) {
		return to
	}
	if v := b.number(n)(f); !math.IsNaN(v) && !math.IsInf(v, 0) {
		one.Value = &v
	}
	return append(to, one)
}

// computedUnit returns the unit of a function that looks at more than the
// latest values; false for other nodes.
func computedUnit(n node) (unit string, is bool) {
	switch n := n.(type) {
	case windowNode:
		switch {
		case n.name == "count":
			return "", true
		case n.name == "rate" && n.metric.unit != "":
			return n.metric.unit + "/h", true
		}
		return n.metric.unit, true
	case timeWhereNode, sinceNode:
		return "s", true
	case countWhereNode, startsNode, anomalyNode, cohortNode:
		return "", true
	default:
		return "", false
	}
}
