package rules

import (
	"slices"
	"time"

	"telltale/devices"
)

// Engine turns the reports of one partition into transitions of alarms. It
// reads no clock and does no I/O: the same reports at the same log times give
// the same transitions. It is not safe for concurrent use.
type Engine struct {
	set     *Set
	devices map[devices.ID]*device
	cohorts map[cohortKey]*cohort
	queue   queue // devices with timers

	now       int64 // log time, never falling; 0: nothing seen yet
	listening int64 // log time since which we were listening without a break
	silent    int   // devices with a rule that waits for silence
	around    around

	stats Stats
	round round

	explained func(rule string) bool // nil: all are

	failures []Failure // not taken yet
	losses   []Loss    // not taken yet
	frame    frame     // of the evaluation under way; here so that it is not allocated
}

// Stats counts what an engine has seen since it was made.
type Stats struct {
	Reports        int64 // taken in, whatever became of them
	Readings       int64 // accepted
	Duplicates     int64 // readings and fault lists of a time that was known already
	Late           int64 // readings and fault lists older than the latest of their metric, and not taken in
	Reordered      int64 // reports out of order that were put into their place
	UnknownDevices int64 // reports of devices that are not declared
	Unbelievable   int64 // reports with a time before 1970 or after 2099
	Lost           int64 // reports that could not be taken in; see [Loss]
	Evaluations    int64 // conditions evaluated
	Suppressed     int64 // alarms held back, each time by something new
	Transitions    int64 // given out
}

// round is the scratch of one call: what it has decided so far.
type round struct {
	transitions []Transition
	trace       func(i int) string
	report      int       // index of the report under way
	observed    int64     // event time of the report that is applied; never: time alone decides
	marks       []uint64  // rules to evaluate, by position
	known       []*device // of the reports; see lookUp
	touched     int64     // nothing: it keeps the compiler from leaving out what lookUp reads
	accepted    []accepted
	repeated    []repeated // alarms whose count has grown
	taking      *device    // which a report is being stored for
	late        []*device  // with reports out of order that are not decided about yet

	entry entry // of a journal, while it is read
	held  []int // of an entry, while it is written
}

type accepted struct {
	slot  int
	value devices.Value
}

type repeated struct {
	device *device
	rule   int
	alarm  *alarm
	at     int64
	report int
}

// NewEngine returns an engine without any state.
func NewEngine(set *Set) *Engine {
	return &Engine{set: set, devices: make(map[devices.ID]*device)}
}

// Set returns the rules in force.
func (e *Engine) Set() *Set { return e.set }

// ExplainOnly lets the transitions of those rules alone carry Values,
// Explanation and Evidence for which explained is true: to put a decision into
// words takes longer than to decide. Nothing else changes.
func (e *Engine) ExplainOnly(explained func(rule string) bool) { e.explained = explained }

// Stats returns the counts so far.
func (e *Engine) Stats() Stats { return e.stats }

// Apply takes in reports in the order of the log, at the log time at, and
// returns what changed, in the order it was decided. A report that cannot be
// taken in is a [Loss] and disturbs no other. The time of the reports
// is their ObservedAt; at moves the timers of devices that kept silent. Trace
// names the position of report i for the transitions it leads to, and for -1
// that of the whole call, which is what time alone leads to; nil leaves it
// out. Apply keeps nothing of reports.
func (e *Engine) Apply(reports []devices.Report, at time.Time, trace func(i int) string) []Transition {
	now := e.advance(at)
	e.passSlots(now)
	e.round.trace = trace
	e.lookUp(reports)
	for next := 0; next < len(reports); {
		next = e.reportsFrom(reports, next, now)
	}
	e.redecideLate()
	e.runTimers(now)
	return e.finish()
}

// Tick is Apply without reports: it only says how late it is.
func (e *Engine) Tick(at time.Time) []Transition { return e.Apply(nil, at, nil) }

// finish reports the grown counts, once for each alarm, and empties the round.
func (e *Engine) finish() []Transition {
	if n := len(e.round.repeated); n > 0 {
		e.round.transitions = slices.Grow(e.round.transitions, n)
	}
	for _, r := range e.round.repeated {
		if c := &r.device.cells[r.rule]; c.alarm == r.alarm && c.count > r.alarm.told {
			e.emitRepeated(r, c)
		}
		r.alarm.listed = 0
	}
	transitions := e.round.transitions
	e.stats.Transitions += int64(len(transitions))
	clear(e.round.repeated)
	e.round.repeated = e.round.repeated[:0]
	e.round.transitions, e.round.trace = nil, nil
	return transitions
}

// report takes in one report of a device; nil: it was not known before.
func (e *Engine) report(r *devices.Report, d *device, now int64) {
	e.stats.Reports++
	if r.Presence == devices.Offline || r.Presence == devices.Late {
		return // said about the device, not by it
	}
	if d == nil {
		d = e.device(r.Device) // also one that a report before this one has made known
	}
	if d == nil {
		e.stats.UnknownDevices++
		return
	}
	received := now
	if !r.ReceivedAt.IsZero() {
		if t, ok := nanos(r.ReceivedAt); ok {
			received = min(t, now)
		}
	}
	d.contact = max(d.contact, received)
	observed, ok := received, true
	if !r.ObservedAt.IsZero() {
		observed, ok = nanos(r.ObservedAt)
	}
	if !ok {
		e.stats.Unbelievable++
		return
	}

	clock := d.clock(received) // before the report sets it: silence ended now, not when a late report was observed
	late := d.outOfOrder(observed)
	switch {
	case late:
		e.putInOrder(d, r, observed, received)
	case d.journal != nil:
		e.redecide(d) // what is late comes first
	}
	e.startMarks(d.plan)
	e.round.observed = observed
	faultsAt := d.faultsAt
	counts := !late && e.accept(d, r, observed)
	if counts {
		clock = max(clock, observed)
		if observed >= d.observed { // an older one says nothing about the device's clock
			d.observed, d.received = observed, max(d.received, received)
		}
	}
	e.mark(d.plan.onContact)
	e.evaluateMarked(d, clock, received)
	if counts && d.journal != nil {
		e.append(d, observed, d.faultsAt != faultsAt, r.Faults)
	}
	e.schedule(d)
}

// device finds or makes the state of a device; nil when it is not declared.
func (e *Engine) device(id devices.ID) *device {
	if d, ok := e.devices[id]; ok {
		return d
	}
	p, ok := e.set.planOf(id)
	if !ok {
		return nil
	}
	declared, _ := e.set.directory.Device(id)
	d := newDevice(declared.ID, p)
	e.add(d)
	return d
}

func (e *Engine) add(d *device) {
	e.devices[d.id] = d
	e.join(d)
	e.attend(d)
	if len(d.plan.timed) > 0 {
		e.silent++
	}
}

// accept stores the readings and faults of a report that are newer than what
// is known, and marks the rules to evaluate for them. It reports whether
// there were any.
func (e *Engine) accept(d *device, r *devices.Report, observed int64) bool {
	e.round.accepted = e.round.accepted[:0]
	for i := range r.Readings {
		e.acceptReading(d, &r.Readings[i], observed)
	}
	withFaults := r.Faults != nil && e.acceptFaults(d, observed)
	if len(e.round.accepted) == 0 && !withFaults {
		return false
	}
	e.round.taking = d
	if d.journal != nil && !d.isTakenBack() {
		d.journal.advance(d, observed)
	}
	e.interruptStale(d, observed)
	for _, a := range e.round.accepted {
		d.store(a.slot, observed, e.now, a.value)
	}
	if withFaults {
		d.faultsAt = observed
		d.setFaults(r.Faults)
	}
	if len(d.trackers) > 0 {
		e.track(d, max(observed, d.observed))
	}
	e.round.taking = nil
	e.mark(d.plan.onReport)
	return true
}

// track observes the conditions that are added up, as far as the report under
// way has something new for them.
func (e *Engine) track(d *device, now int64) {
	before := d.observed
	d.observed = now // faults are as fresh as the report
	f := e.prepare(d, now, 0)
	d.observed = before
	observe := func(i int) {
		spec := &d.plan.trackers[i]
		if spec.byClock() && d.isTakenBack() {
			return
		}
		spec.observe(&d.trackers[i], now, e.holdsNow(d, i, f), d.plan.stale)
	}
	for _, a := range e.round.accepted {
		for _, i := range d.plan.tracking[a.slot] {
			observe(i)
		}
	}
	for _, i := range d.plan.onFaults {
		observe(i)
	}
}

func (e *Engine) acceptReading(d *device, r *devices.Reading, observed int64) {
	i, ok := d.plan.layout[r.Metric]
	if !ok {
		return
	}
	for _, a := range e.round.accepted {
		if a.slot == i {
			e.stats.Duplicates++
			return
		}
	}
	switch known := d.slots[i].at; {
	case observed < known:
		e.stats.Late++
	case observed == known:
		e.stats.Duplicates++
	default:
		e.stats.Readings++
		e.round.accepted = append(e.round.accepted, accepted{i, r.Value})
		e.mark(d.plan.watching[i])
	}
}

func (e *Engine) acceptFaults(d *device, observed int64) bool {
	switch {
	case observed < d.faultsAt:
		e.stats.Late++
	case observed == d.faultsAt:
		e.stats.Duplicates++
	default:
		return true
	}
	return false
}

func (e *Engine) startMarks(p *plan) {
	words := len(p.onReport)
	if cap(e.round.marks) < words {
		e.round.marks = make([]uint64, words)
	}
	e.round.marks = e.round.marks[:words]
	clear(e.round.marks)
}

func (e *Engine) mark(rules []uint64) {
	for i, word := range rules {
		e.round.marks[i] |= word
	}
}

// evaluateMarked evaluates the marked rules of a device, inhibitors first.
func (e *Engine) evaluateMarked(d *device, clock, at int64) {
	e.frame.device = nil // it has said something since
	e.spare(d)
	for !e.evaluateUnder(d, clock, at) {
	}
}
