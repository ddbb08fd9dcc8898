package rules

import "slices"

// clockwork is what of a plan goes by our clock and not by the device's own
// reports alone: when we did not hear of it, how it differed from its peers
// then, and which alarms stood at its site or gateway. What such a rule
// decided, and what held an alarm back then, is not decided again when the
// device is taken back.
type clockwork struct {
	rules      []uint64    // such rules, as a mask
	inhibitors []int       // of these, the positions of those that hold back others on the device
	places     []Inhibitor // rules at the site or gateway that hold back any of the plan
}

// byClock reports whether a rule goes by our clock.
func (r *bound) byClock() bool { return r.waits || r.uses.peers }

func (s *trackerSpec) byClock() bool { return s.uses.peers }

// note takes in the rule at a position, whose inhibitors on the device are
// known.
func (c *clockwork) note(p *plan, i int) {
	r := p.rules[i]
	if r.byClock() {
		c.rules[i/64] |= 1 << (i % 64)
		return
	}
	for _, by := range p.inhibitors[i] {
		if p.rules[by].byClock() {
			placeIn(&c.inhibitors, by)
		}
	}
	for _, w := range r.wide {
		placeIn(&c.places, w)
	}
}

// holdingBack lists what goes by our clock and holds back alarms of a device
// now: rules by their position, and behind them the places.
func (e *Engine) holdingBack(d *device, into []int) []int {
	into = into[:0]
	for _, i := range d.plan.clock.inhibitors {
		if d.cells[i].phase.isRaised() {
			into = append(into, i)
		}
	}
	if len(e.around.own)+len(e.around.other) == 0 {
		return into
	}
	for k, w := range d.plan.clock.places {
		if p, ok := e.set.placeOf(d.id, w); ok && e.around.holds(p) {
			into = append(into, len(d.plan.rules)+k)
		}
	}
	return into
}

// holds reports whether the alarm of rule i holds back others of the device.
// While the device is decided again, what goes by our clock stays as it was
// then.
func (d *device) holds(i int) bool {
	if d.isTakenBack() && d.plan.rules[i].byClock() {
		return slices.Contains(d.journal.again.held, i)
	}
	return d.cells[i].phase.isRaised()
}

// holdsAround reports whether a rule at the device's site or gateway holds
// back others there, and where; if the device is decided again, whether it did
// then.
func (e *Engine) holdsAround(d *device, w Inhibitor) (Place, bool) {
	if d.isTakenBack() && !slices.Contains(d.journal.again.held, len(d.plan.rules)+slices.Index(d.plan.clock.places, w)) {
		return Place{}, false
	}
	p, ok := e.set.placeOf(d.id, w)
	return p, ok && (d.isTakenBack() || e.around.holds(p))
}
