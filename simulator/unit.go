package simulator

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"telltale/devices"
)

// machine is the physics of one appliance.
type machine interface {
	// step advances it by dt, to the time since the scenario's start.
	step(since, dt time.Duration, faults active, rng *rand.Rand)

	// read lists its metrics as they really are, always in the same order.
	read() []truth
}

var (
	_ machine = (*cabinet)(nil)
	_ machine = (*washer)(nil)
)

// tick is the step of the physics; a unit that reports oftener has a shorter
// one.
const tick = 10 * time.Second

// Unit is one simulated appliance.
type Unit struct {
	ID    devices.ID
	Model string

	reportEvery time.Duration
	tick        time.Duration
	machine     machine
	signals     map[string]*signal
	faults      []Fault
	rng         *rand.Rand

	advanced   time.Duration // the physics is at this time since the start
	nextReport time.Duration
	seq        uint64
	gone       bool // in a dropout
}

// newUnit returns a unit at the scenario's start. Its chance depends on the
// seed and its id alone, so adding units does not change the others.
func newUnit(seed uint64, id devices.ID, g Group, faults []Fault) *Unit {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(id)) // never fails
	rng := rand.New(rand.NewPCG(seed, hash.Sum64()))
	u := &Unit{
		ID: id, Model: g.Model, reportEvery: g.ReportEvery, tick: min(tick, g.ReportEvery),
		faults: faults, rng: rng, signals: make(map[string]*signal),
	}
	u.nextReport = time.Duration(rng.Float64() * float64(g.ReportEvery)).Truncate(time.Millisecond)
	u.machine = g.machine(rng)
	for _, t := range u.machine.read() {
		u.signals[t.metric] = signalOf(t.metric)
	}
	return u
}

// advance appends the unit's reports up to a time since the start.
func (u *Unit) advance(reports []devices.Report, start time.Time, to time.Duration) []devices.Report {
	for u.nextReport <= to {
		at := u.nextReport
		u.nextReport += u.reportEvery
		u.runTo(at)
		reports = u.report(reports, start, at)
	}
	u.runTo(to)
	return reports
}

// runTo moves the physics on to the last tick that is not after to.
func (u *Unit) runTo(to time.Duration) {
	for u.advanced+u.tick <= to {
		u.advanced += u.tick
		u.machine.step(u.advanced, u.tick, u.activeAt(u.advanced), u.rng)
	}
}

// report appends what the unit says at a time: nothing in a dropout, and a
// word of its connection at the ends of one.
func (u *Unit) report(reports []devices.Report, start time.Time, since time.Duration) []devices.Report {
	faults := u.activeAt(since)
	at := start.Add(since)
	u.seq++ // counts on while nobody hears it: a gap in seq is a gap in the data
	gone := faults.has(Dropout)
	if gone != u.gone {
		u.gone = gone
		presence := devices.Online
		if gone {
			presence = devices.Offline
		}
		reports = append(reports, devices.Report{Device: u.ID, ObservedAt: at, Presence: presence})
	}
	r := devices.Report{Device: u.ID, ObservedAt: at, Seq: u.seq, Faults: faults.codes()}
	for _, t := range u.machine.read() {
		v := u.signals[t.metric].sense(t, faults, since, u.rng)
		r.Readings = append(r.Readings, devices.Reading{Metric: t.metric, Value: v})
	}
	if gone {
		return reports
	}
	return append(reports, r)
}

func (u *Unit) activeAt(since time.Duration) active {
	var now active
	for _, f := range u.faults {
		if f.activeAt(since) {
			now = append(now, f)
		}
	}
	return now
}

// metrics lists what a unit of the group reports.
func (g Group) metrics() []string {
	var names []string
	for _, t := range g.machine(rand.New(rand.NewPCG(0, 0))).read() {
		names = append(names, t.metric)
	}
	slices.Sort(names)
	return names
}
