package rules

import "telltale/devices"

// cached is how many devices there is room for in the caches that a core has of
// its own, roughly.
const cached = 256

// lookUp finds the devices of reports, as far as they are known. One that was
// silent for a minute is in no cache, where there are many. In loops of their
// own the look-ups do not depend on each other, so that the processor waits
// for many at once.
func (e *Engine) lookUp(reports []devices.Report) {
	e.round.known = e.round.known[:0]
	for i := range reports {
		e.round.known = append(e.round.known, e.devices[reports[i].Device])
	}
	if len(e.devices) < cached {
		return
	}
	for _, d := range e.round.known {
		if d != nil {
			e.round.touched += d.observed
		}
	}
	for _, d := range e.round.known {
		if d != nil {
			e.round.touched += d.touch()
		}
	}
	for _, d := range e.round.known {
		if d != nil {
			e.round.touched += d.touchEnds()
		}
	}
}

// touch reads from what the device points to, where a reading looks at it.
func (d *device) touch() int64 {
	touched := int64(0)
	if len(d.slots) > 0 {
		touched = d.slots[len(d.slots)-1].at
	}
	for i := range d.rings {
		touched += d.rings[i].since
	}
	for i := range d.trackers {
		touched += d.trackers[i].at
	}
	if len(d.busy) > 0 {
		touched += int64(d.busy[0])
	}
	if d.journal != nil {
		touched += d.journal.timer + d.journal.newer.at
	}
	return touched
}

// touchEnds reads from where these begin and end: what a reading is appended
// to, and what may be too old to keep.
func (d *device) touchEnds() int64 {
	touched := int64(0)
	for i := range d.rings {
		if r := &d.rings[i]; r.count > 1 {
			touched += r.at(1).at + r.at(r.count).at
		}
	}
	if j := d.journal; j != nil && len(j.log) > 0 {
		touched += int64(j.log[len(j.log)-1])
	}
	return touched
}
