package rules

import (
	"math"
	"math/bits"
)

// checkpoint is the state of a device at one point of its past, as far as
// reports decide it: the latest values, the sums of time, what was learnt, the
// alarms with their ladders and what is remembered of earlier ones. What goes
// by our own clock is left out: when the device was heard, its peers, and the
// rules of [clockwork]. So are the readings that windows hold, which the
// device's rings keep for longer instead.
type checkpoint struct {
	at    int64    // what was observed before this is decided without it; never: nothing was
	place          // where the journal goes on from here
	state []byte   // by the positions of its plan
	ended []string // by plan.pastOf: the alarms that ended last, under the ids they were told by
}

// place is a point of a journal.
type place struct {
	entry  int // in bytes of the log,
	count  int // in entries,
	past   int // in alarms that have ended,
	levels int // and in changes of severity
}

// minus is a place as seen from an earlier one.
func (p place) minus(o place) place {
	return place{p.entry - o.entry, p.count - o.count, p.past - o.past, p.levels - o.levels}
}

// take makes the checkpoint that of the device's present state.
func (c *checkpoint) take(d *device, at place) {
	w := writer{c.state[:0]}
	w.state(d)
	*c = checkpoint{at: d.observed, state: w.buf, ended: c.ended[:0], place: at}
	for i := range d.pasts {
		c.ended = append(c.ended, d.pasts[i].lastID)
	}
}

// copy makes the checkpoint that of another.
func (c *checkpoint) copy(o *checkpoint) {
	state, ended := append(c.state[:0], o.state...), append(c.ended[:0], o.ended...)
	*c = *o
	c.state, c.ended = state, ended
}

// rewind takes the device back to a checkpoint.
func (d *device) rewind(c *checkpoint) {
	r := reader{buf: c.state, format: snapshotFormat}
	if d.readState(&r); r.err != nil || len(r.buf) > 0 || len(c.ended) != len(d.pasts) {
		panic("rules: own checkpoint cannot be read")
	}
	for i, r := range d.plan.rules {
		if p := d.past(i); p != nil && !r.byClock() {
			p.lastID = c.ended[d.plan.pastOf[i]]
		}
	}
}

func (w *writer) state(d *device) {
	w.int(d.observed)
	w.int(d.faultsAt)
	w.uint(uint64(len(d.faults)))
	for _, code := range d.faults {
		w.text(code)
	}
	for i := range d.slots {
		if s := &d.slots[i]; s.at != never {
			w.uint(uint64(i) + 1)
			w.int(s.at)
			w.text(s.text)
			w.fixed(math.Float64bits(s.number))
		}
	}
	w.uint(0)
	w.stateOfAlarms(d)
	for i := range d.rings {
		w.int(d.rings[i].since)
	}
	for i := range d.trackers {
		if !d.plan.trackers[i].byClock() {
			w.tracker(&d.trackers[i])
		}
	}
	for i := range d.baselines {
		w.baseline(&d.baselines[i])
	}
}

// stateOfAlarms writes the cells that are not at rest, and what is kept beside
// each cell.
func (w *writer) stateOfAlarms(d *device) {
	for word, busy := range d.busy {
		for rest := busy &^ d.plan.clock.rules[word]; rest != 0; rest &= rest - 1 {
			i := word*64 + bits.TrailingZeros64(rest)
			if c := &d.cells[i]; c.phase != normal {
				w.uint(uint64(i) + 1)
				w.cell(c)
			}
		}
	}
	w.uint(0)
	if len(d.ladders)+len(d.pasts) == 0 {
		return
	}
	for i, r := range d.plan.rules {
		if r.byClock() {
			continue
		}
		for _, c := range d.rungs(i) {
			w.uint(uint64(c.phase))
			if c.phase != normal {
				w.int(c.since)
			}
		}
		if p := d.past(i); p != nil {
			w.pastTimes(p)
		}
	}
}

func (d *device) readState(r *reader) {
	d.observed, d.faultsAt = r.time(), r.time()
	d.faults = nil
	for n := r.count(); n > 0 && r.err == nil; n-- {
		d.faults = append(d.faults, r.text())
	}
	for i := range d.slots {
		d.slots[i] = slot{at: never, number: math.NaN()}
	}
	for n := r.uint(); n > 0 && r.err == nil; n = r.uint() {
		s := slot{at: r.time(), text: r.text(), number: math.Float64frombits(r.fixed())}
		if i := n - 1; i < uint64(len(d.slots)) {
			d.slots[i] = s
		} else {
			r.fail()
		}
	}
	d.readStateOfAlarms(r)
	for i := range d.rings {
		since := r.time()
		d.rings[i].rewind(since, d.slots[d.plan.rings[i].slot].at)
	}
	for i := range d.trackers {
		if !d.plan.trackers[i].byClock() {
			d.trackers[i] = r.tracker()
		}
	}
	for i := range d.baselines {
		d.baselines[i] = r.baseline()
	}
}

func (d *device) readStateOfAlarms(r *reader) {
	for i := range d.cells {
		if !d.plan.rules[i].byClock() {
			d.cells[i] = cell{}
		}
	}
	for n := r.uint(); n > 0 && r.err == nil; n = r.uint() {
		c := r.cell()
		if i := n - 1; i < uint64(len(d.cells)) && !d.plan.rules[i].byClock() {
			d.cells[i] = c
			d.stir(int(i))
		} else {
			r.fail()
		}
	}
	if len(d.ladders)+len(d.pasts) == 0 {
		return
	}
	for i, bound := range d.plan.rules {
		if bound.byClock() {
			continue
		}
		at := d.rungs(i)
		for k := range at {
			at[k] = cell{phase: phase(r.uint())}
			if at[k].phase > clearing {
				r.fail()
			}
			if at[k].phase != normal {
				at[k].since = r.time()
			}
		}
		if p := d.past(i); p != nil {
			r.pastTimes(p)
		}
	}
}

// rewind drops the readings after a time.
func (r *ring) rewind(since, last int64) {
	for r.count > 0 && r.at(r.count-1).at > last {
		r.count--
	}
	r.since = since
	r.version++
}
