package rules

import (
	"math"
	"slices"
	"strings"
	"time"

	"telltale/devices"
)

// device is what an engine remembers of one device. Times are Unix
// nanoseconds: event time is the device's clock, log time ours.
//
// What every reading touches stands first: where there are more devices than
// fit into the processor's cache, that is what a reading costs.
type device struct {
	plan     *plan
	journal  *journal // what it can be taken back by; nil where its model has no lateness
	observed int64    // event time of the latest report that counted; never: none yet
	received int64    // log time of that report
	contact  int64    // log time of the latest word of any kind, duplicates included; 0: never heard
	faultsAt int64    // event time of the latest list of faults; never: none yet

	slots    []slot    // by the model's layout
	rings    []ring    // by the model's rings
	busy     []uint64  // rules that may not be at rest; those that are not are among them
	trackers []tracker // by the model's trackers

	cells   []cell // by plan.rules
	ladders []cell // steps of severity that have conditions, by plan.rungsOf
	pasts   []past // by plan.pastOf
	learned

	id      devices.ID
	faults  []string
	decided int64 // log time up to which the timers are decided
	amended int   // how often decisions about it were amended
	queued  int32 // position in the engine's queue of timers; -1: not in it
}

func newDevice(id devices.ID, p *plan) *device {
	d := &device{
		id: id, plan: p, slots: make([]slot, len(p.names)), cells: make([]cell, len(p.rules)),
		busy:     make([]uint64, len(p.needy)),
		observed: never, faultsAt: never, queued: -1,
	}
	if p.rungs > 0 {
		d.ladders = make([]cell, p.rungs)
	}
	if p.pasts > 0 {
		d.pasts = make([]past, p.pasts)
	}
	if len(p.rings) > 0 {
		d.rings = make([]ring, len(p.rings))
	}
	if len(p.trackers) > 0 {
		d.trackers = make([]tracker, len(p.trackers))
	}
	d.learned = newLearned(&p.learned)
	for i := range d.slots {
		d.slots[i] = slot{at: never, number: math.NaN()}
	}
	if p.lateness > 0 {
		d.journal = newJournal(d)
	}
	return d
}

// stir notes that rule i may not be at rest any more.
func (d *device) stir(i int) { d.busy[i/64] |= 1 << (i % 64) }

// settle notes that it is.
func (d *device) settle(i int) { d.busy[i/64] &^= 1 << (i % 64) }

// rests reports whether rule i is known to be at rest, without a look at its
// cell.
func (d *device) rests(i int) bool { return d.busy[i/64]&(1<<(i%64)) == 0 }

// clock is the device's event time at a log time: its own clock, carried on
// from its last report. A device whose clock is an hour wrong is judged by
// its own hours.
func (d *device) clock(at int64) int64 {
	if d.observed == never {
		return at
	}
	return d.observed + max(0, at-d.received)
}

// logTime is the inverse of clock.
func (d *device) logTime(event int64) int64 {
	if d.observed == never {
		return event
	}
	return d.received + (event - d.observed)
}

// setFaults takes over a list of codes, and copies it only when it differs.
func (d *device) setFaults(codes []string) {
	if slices.Equal(d.faults, codes) {
		return
	}
	d.faults = nil
	for _, code := range codes {
		d.faults = append(d.faults, strings.Clone(code)) // do not hold on to the payload
	}
}

// store takes in a reading at a log time: for conditions, for windows and to
// learn from.
func (d *device) store(slot int, at, log int64, v devices.Value) {
	d.slots[slot].set(at, v)
	if v.IsLabel() || v.Number != v.Number {
		return
	}
	if i := d.plan.ringOf[slot]; i >= 0 {
		d.rings[i].push(sample{at, v.Number}, d.plan.rings[i].keep)
	}
	d.learn(slot, at, log, v.Number)
}

// set stores a value. Text is copied only when it differs.
func (s *slot) set(at int64, v devices.Value) {
	s.at, s.number = at, v.Number
	if v.IsLabel() {
		s.number = math.NaN()
		if s.text != v.Label {
			s.text = strings.Clone(v.Label)
		}
		return
	}
	s.text = ""
}

// values returns the values that were fresh in a frame.
func (d *device) values(oldest int64) map[string]devices.Value {
	values := make(map[string]devices.Value, len(d.slots))
	for i := range d.slots {
		s := &d.slots[i]
		switch {
		case s.at < oldest:
		case s.text != "":
			values[d.plan.names[i]] = devices.Label(s.text)
		case s.number == s.number:
			values[d.plan.names[i]] = devices.Number(s.number)
		}
	}
	return values
}

// latest is the last time that is believed, some day in the year 2099. An
// int64 of nanoseconds then has room for the sums and differences of three
// times and a delay.
const latest = int64(130 * 365 * 24 * time.Hour)

// nanos turns a time into Unix nanoseconds; false before 1970 and after latest.
func nanos(t time.Time) (int64, bool) {
	seconds := t.Unix()
	if seconds < 0 || seconds >= latest/int64(time.Second) {
		return 0, false
	}
	return t.UnixNano(), true
}

func timeOf(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }
