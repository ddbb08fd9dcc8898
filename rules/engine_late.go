package rules

import (
	"slices"

	"telltale/devices"
)

// A report out of order is put into its place in the device's journal, and
// the device is decided again once for all that a call brought: it is taken
// back to a checkpoint before them, and what came since counts again in order
// of its time. [Engine.amend] tells what that changes.

// outOfOrder reports whether a report belongs before something that has been
// decided, and the journal reaches back that far. One that is older than the
// journal is taken as far as it is newer than the last of its metric.
func (d *device) outOfOrder(observed int64) bool {
	j := d.journal
	if j == nil || d.observed == never || observed >= d.observed && observed >= j.timer {
		return false
	}
	return observed > d.observed-d.plan.lateness && observed > j.older.at
}

// putInOrder puts a report into the journal, unless all of it is known.
func (e *Engine) putInOrder(d *device, r *devices.Report, observed, received int64) {
	j := d.journal
	if j.late != nil && j.crowded(4) {
		e.redecide(d)
		if observed <= j.older.at { // the room was made at the cost of its time
			e.stats.Late += int64(len(r.Readings))
			return
		}
	}
	offset, known := j.place(d.plan, observed, &e.round.entry)
	e.round.accepted = e.round.accepted[:0]
	for i := range r.Readings {
		e.acceptLate(d, &r.Readings[i], known)
	}
	faults := r.Faults != nil && !known.faults
	if r.Faults != nil && known.faults {
		e.stats.Duplicates++
	}
	if len(e.round.accepted) == 0 && !faults {
		return
	}
	e.stats.Reordered++
	piece := appendEntry(nil, observed, known.held, e.round.accepted, faults, r.Faults)
	j.log = slices.Insert(j.log, offset, piece...)
	j.count++
	if offset < j.newer.entry {
		j.newer.entry += len(piece)
		j.newer.count++
	}
	e.straggle(d, observed)
	if observed >= d.observed { // behind a timer and no report
		d.observed, d.received = observed, max(d.received, received)
	}
}

// straggle notes that a device has to be decided again.
func (e *Engine) straggle(d *device, observed int64) {
	l := d.journal.late
	if l == nil {
		l = &stragglers{first: observed, last: observed, behind: d.observed}
		d.journal.late = l
		e.round.late = append(e.round.late, d)
	}
	l.count++
	l.first, l.last, l.report = min(l.first, observed), max(l.last, observed), e.round.report
}

// acceptLate takes a reading that was not known at its time.
func (e *Engine) acceptLate(d *device, r *devices.Reading, known instant) {
	i, ok := d.plan.layout[r.Metric]
	if !ok {
		return
	}
	twice := slices.Contains(known.slots, i) ||
		slices.ContainsFunc(e.round.accepted, func(a accepted) bool { return a.slot == i })
	if twice {
		e.stats.Duplicates++
		return
	}
	e.stats.Readings++
	e.round.accepted = append(e.round.accepted, accepted{i, r.Value})
}

// instant is what is known of one moment.
type instant struct {
	slots  []int // the metrics that were read
	faults bool  // whether fault codes were listed
	held   []int // what held back others then; see [Engine.holdingBack]
}

// place returns where in the log a report of the event time at belongs, and
// what is known of that moment. A report that counted later than it was
// observed stays behind those that it came after.
func (j *journal) place(p *plan, at int64, scratch *entry) (offset int, known instant) {
	found := false
	for next := 0; next < len(j.log); {
		here := next
		next = j.mustNext(p, here, scratch)
		if found = found || scratch.observed > at; !found {
			offset = next
			known.held = append(known.held[:0], scratch.held...)
		}
		if scratch.observed != at {
			continue
		}
		for _, r := range scratch.report.Readings {
			known.slots = append(known.slots, p.layout[r.Metric])
		}
		known.faults = known.faults || scratch.report.Faults != nil
	}
	return offset, known
}

// redecideLate decides about everything that arrived out of order.
func (e *Engine) redecideLate() {
	for _, d := range e.round.late {
		e.redecide(d)
		e.schedule(d)
	}
	clear(e.round.late)
	e.round.late = e.round.late[:0]
}

// redecide takes a device back before its stragglers, and on from there.
func (e *Engine) redecide(d *device) {
	j := d.journal
	if j.late == nil {
		return
	}
	late := *j.late
	j.late = nil
	from, crowded := &j.newer, j.crowded(3)
	if late.first < j.newer.at || crowded {
		from = &j.older
	}
	since := from.place
	was := run{alarms: d.standing(since, true), held: d.heldBack(since, true)}
	told, listed, report, stats := e.round.transitions, len(e.round.repeated), e.round.report, e.stats
	e.reachOf(d, -1)

	e.round.transitions, e.round.report = nil, late.report
	e.replay(d, from, crowded)
	now := run{alarms: d.standing(since, false), held: d.heldBack(since, false), decided: e.round.transitions}

	e.reachOf(d, 1)
	stats.Evaluations = e.stats.Evaluations
	e.stats, e.round.transitions = stats, told
	for _, r := range e.round.repeated[listed:] {
		r.alarm.listed = 0
	}
	e.round.repeated = e.round.repeated[:listed]
	e.amend(d, late, was, now)
	e.round.report = report
	if crowded {
		j.halve()
	}
}

// run is what one run over the reports of a device found.
type run struct {
	alarms  []standing
	held    []standing // those that were never raised
	decided []Transition
}

// reachOf counts the alarms that the second run may change where they hold
// others back: off before it, and on again after it.
func (e *Engine) reachOf(d *device, by int) {
	if len(e.set.wide) == 0 {
		return
	}
	for i := range d.cells {
		if d.cells[i].phase.isRaised() && !d.plan.rules[i].byClock() {
			e.reach(d, i, by)
		}
	}
}

// replay applies the log from a checkpoint on. If that is the older one, the
// newer is made anew on the way: where it was, or in a crowded journal, where
// the older half ends and what may still be needed begins.
func (e *Engine) replay(d *device, from *checkpoint, crowded bool) {
	j := d.journal
	boundary, horizon := j.newer.count, d.observed-d.plan.lateness
	if crowded {
		boundary = j.count / 2
	}
	d.rewind(from)
	j.past, j.levels = j.past[:from.past], j.levels[:from.levels]
	j.again = &e.round.entry
	j.failAgain(from)
	for offset, n := from.entry, from.count; ; n++ {
		if from == &j.older && (n == boundary || crowded && n > boundary && d.observed <= horizon) {
			j.newer.take(d, place{offset, n, len(j.past), len(j.levels)})
		}
		if offset == len(j.log) {
			break
		}
		after := j.mustNext(d.plan, offset, j.again)
		if e.againGuarded(d, j.again) {
			offset = after
			continue
		}
		j.log, j.count = slices.Delete(j.log, offset, after), j.count-1
		n--
	}
	if from == &j.older && j.newer.entry > len(j.log) { // what was lost lay before it
		j.newer.take(d, j.end())
	}
	j.again, j.counted = nil, nil
	if j.resume(); j.timer > d.observed {
		j.pause(d)
	}
	for _, i := range d.plan.aging { // what the timers had done
		if d.cells[i].phase.isRaised() && !d.plan.rules[i].byClock() {
			e.escalate(d, i, d.clock(d.decided), d.decided)
		}
	}
}

// again takes in a report of the log as [Engine.report] did, but for what
// goes by our clock.
func (e *Engine) again(d *device, one *entry) {
	e.startMarks(d.plan)
	e.round.observed = one.observed
	if !e.accept(d, &one.report, one.observed) {
		return
	}
	d.observed = max(d.observed, one.observed)
	for i, word := range d.plan.clock.rules {
		e.round.marks[i] &^= word
	}
	e.evaluateMarked(d, d.observed, d.observed)
}

// isTakenBack reports whether the device's reports are being applied again.
func (d *device) isTakenBack() bool { return d.journal != nil && d.journal.again != nil }
