package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"telltale/devices"
)

// Place is where an active alarm of a rule holds others back beyond its own
// device: all devices of a site, or all behind a gateway.
type Place struct {
	Rule  string
	Scope Scope
	Group string // the site, or the gateway's device id
}

// String returns "power-lost at site Warsaw-2".
func (p Place) String() string {
	if p.Scope == SameGateway {
		return fmt.Sprintf("%s behind gateway %s", p.Rule, p.Group)
	}
	return fmt.Sprintf("%s at site %s", p.Rule, p.Group)
}

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Group, b.Group))
}

// onDevice reports whether an inhibitor is an alarm of the same device.
func (i Inhibitor) onDevice() bool { return i.Scope == "" || i.Scope == SameDevice }

// around is which alarms hold others back beyond their own device.
type around struct {
	own   map[Place]int // of this engine's devices, and how many
	other []Place       // of others, as the engine was last told; sorted, each once

	// timed are the devices with rules about silence that may be held back
	// there: what sets these free is no report of theirs.
	timed map[Place][]*device
}

func (a *around) holds(p Place) bool {
	if a.own[p] > 0 {
		return true
	}
	_, found := slices.BinarySearchFunc(a.other, p, comparePlaces)
	return found
}

// WideRules returns the ids of the rules whose alarms hold others back beyond
// their own device, sorted.
func (s *Set) WideRules() []string { return slices.Sorted(maps.Keys(s.wide)) }

// PlacesOf returns where an active alarm holds others back beyond its device.
func (s *Set) PlacesOf(key Key) []Place {
	var places []Place
	for _, scope := range s.wide[key.Rule] {
		if p, ok := s.placeOf(devices.ID(key.Subject.ID), Inhibitor{key.Rule, scope}); ok {
			places = append(places, p)
		}
	}
	return places
}

// placeOf returns the place of a device that an inhibitor speaks of; false
// when the device has no site.
func (s *Set) placeOf(id devices.ID, i Inhibitor) (Place, bool) {
	d, ok := s.directory.Device(id)
	if !ok {
		return Place{}, false
	}
	group := d.Site
	if i.Scope == SameGateway {
		group = string(cmp.Or(d.Gateway, d.ID))
	}
	return Place{Rule: i.Rule, Scope: i.Scope, Group: group}, group != ""
}

// findWide notes which rules hold others back beyond their own device. A rule
// on trial holds back only rules on trial, and one that is off none.
func (s *Set) findWide(all []*compiledRule) {
	for _, c := range all {
		c.wide = nil
		for _, i := range c.rule.InhibitedBy {
			inhibitor, ok := s.Rule(i.Rule)
			switch {
			case i.onDevice(), !ok, inhibitor.Mode == Off:
			case inhibitor.Mode == Live || c.rule.Mode == Shadow:
				c.wide = append(c.wide, i)
				if !slices.Contains(s.wide[i.Rule], i.Scope) {
					s.wide[i.Rule] = append(s.wide[i.Rule], i.Scope)
				}
			}
		}
	}
	for _, scopes := range s.wide {
		slices.Sort(scopes)
	}
}

// Inhibit tells the engine where alarms on the devices of other engines hold
// alarms back, instead of what it was told before. Nothing is decided yet: what
// this sets free is due at once, see [Engine.NextDeadline]. It reports whether
// that is anything new.
func (e *Engine) Inhibit(places []Place) bool {
	places = slices.Clone(places)
	slices.SortFunc(places, comparePlaces)
	places = slices.Compact(places)
	if slices.Equal(places, e.around.other) {
		return false
	}
	before := e.around.other
	e.around.other = places
	for _, p := range before {
		e.askAgain(p)
	}
	return true
}

// Inhibited returns what the engine was last told by [Engine.Inhibit], sorted.
// Callers must not change it.
func (e *Engine) Inhibited() []Place { return e.around.other }

// reach counts an alarm of rule i that begins or ends where it holds others
// back.
func (e *Engine) reach(d *device, i, by int) {
	if len(e.set.wide) == 0 || len(e.set.wide[d.plan.rules[i].rule.ID]) == 0 || d.isTakenBack() {
		return
	}
	for _, p := range e.set.PlacesOf(d.key(i)) {
		if e.around.own == nil {
			e.around.own = make(map[Place]int)
		}
		if e.around.own[p] += by; e.around.own[p] == 0 {
			delete(e.around.own, p)
		}
		e.askAgain(p)
	}
}

// reachAgain counts all alarms there are.
func (e *Engine) reachAgain() {
	if len(e.set.wide) == 0 {
		return
	}
	for _, d := range e.devices {
		for i := range d.cells {
			if d.cells[i].phase.isRaised() {
				e.reach(d, i, 1)
			}
		}
	}
}

// attend notes where a device may be held back although it keeps silent.
func (e *Engine) attend(d *device) {
	for _, i := range d.plan.timed {
		for _, w := range d.plan.rules[i].wide {
			p, ok := e.set.placeOf(d.id, w)
			if !ok || e.attends(p, d) {
				continue
			}
			if e.around.timed == nil {
				e.around.timed = make(map[Place][]*device)
			}
			e.around.timed[p] = append(e.around.timed[p], d)
		}
	}
}

// attends reports whether a device was the last to be noted at a place.
func (e *Engine) attends(p Place, d *device) bool {
	all := e.around.timed[p]
	return len(all) > 0 && all[len(all)-1] == d
}

// askAgain makes time ask the rules that were held back at a place, unless
// something there still holds them.
func (e *Engine) askAgain(p Place) {
	if e.around.holds(p) {
		return
	}
	for _, d := range e.around.timed[p] {
		e.schedule(d)
	}
}
