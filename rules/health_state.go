package rules

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"telltale/devices"
)

// HealthState says whether a rule itself can be relied on, whatever it finds.
type HealthState string

// States of a rule's health.
const (
	Healthy  HealthState = "ok"
	Degraded HealthState = "degraded" // it decides, but sees less than it asks for, or nothing at all
	Failing  HealthState = "error"    // it failed while it was evaluated
)

// Health is how a rule fares in one partition.
type Health struct {
	Rule    string
	Version int
	State   HealthState
	Reason  string    // a sentence for people
	Since   time.Time // log time at which it came into this state
	At      time.Time // log time of the last failure; Degraded: when that was found
	Device  devices.ID
	Count   int64 // failures since then; Degraded: zero
}

// Shortage is why a rule decides by less than it asks for.
type Shortage struct {
	Rule    string
	Version int
	Device  devices.ID // one of those concerned; "": there is none
	Reason  string
}

// Idle returns the rules that are in force and watch no declared device.
func (s *Set) Idle() []Shortage {
	watching := make(map[string]bool, len(s.rules))
	for _, mp := range s.models {
		for _, p := range mp.plans {
			for _, r := range p.rules {
				watching[r.rule.ID] = true
			}
		}
	}
	var idle []Shortage
	for _, r := range s.rules {
		if r.Mode != Off && !watching[r.ID] {
			idle = append(idle, Shortage{Rule: r.ID, Version: r.Version, Reason: "No declared device has the models and tags that it applies to."})
		}
	}
	return idle
}

// Shortages returns the rules some of whose windows a device has filled, so
// that they see less time than they ask for: at most one entry for each rule,
// about the first such device by id. It looks at every device.
func (e *Engine) Shortages() []Shortage {
	found := make(map[string]Shortage)
	for _, d := range e.devices {
		for i := range d.rings {
			if r := &d.rings[i]; r.count == maxRingSize {
				d.shortOfReadings(i, found)
			}
		}
		for i := range d.trackers {
			if len(d.trackers[i].held) == maxRingSize {
				d.shortOfSpans(i, found)
			}
		}
	}
	all := make([]Shortage, 0, len(found))
	for _, s := range found {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Shortage) int { return cmp.Compare(a.Rule, b.Rule) })
	return all
}

// shortOfReadings notes the rules with a window that reaches further back than
// a full ring.
func (d *device) shortOfReadings(i int, found map[string]Shortage) {
	ring, metric := &d.rings[i], d.plan.names[d.plan.rings[i].slot]
	covered := time.Duration(ring.at(ring.count-1).at - ring.at(0).at)
	for _, r := range d.plan.rules {
		r.mentions(func(n node) bool {
			w, is := n.(windowNode)
			if !is || w.metric.name != metric || w.kept() <= covered {
				return false
			}
			d.short(r, found, fmt.Sprintf("%s sees only the last %s of %s, which sent %d readings in that time; report less often, or shorten the window.",
				source(w), devices.Span(covered), d.id, ring.count))
			return true
		})
	}
}

// shortOfSpans notes the rules that add up a condition which has held more
// often than is kept.
func (d *device) shortOfSpans(i int, found map[string]Shortage) {
	name := d.plan.trackers[i].name
	for _, r := range d.plan.rules {
		if r.mentions(func(n node) bool { return source(n) == name }) {
			d.short(r, found, fmt.Sprintf("%s adds up only the latest %d stretches of %s; shorten its time.", name, maxRingSize, d.id))
		}
	}
}

func (d *device) short(r *bound, found map[string]Shortage, reason string) {
	if before, known := found[r.rule.ID]; !known || d.id < before.Device {
		found[r.rule.ID] = Shortage{Rule: r.rule.ID, Version: r.rule.Version, Device: d.id, Reason: reason}
	}
}
