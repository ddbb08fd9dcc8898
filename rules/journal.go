package rules

import "slices"

// A journal keeps this many reports and bytes of a device at most. Whoever
// reports faster than its lateness has room for is taken back less far: by
// half of the bound at least.
const (
	maxJournal      = 1024
	maxJournalBytes = 64 << 10
)

// journal is what a device can be taken back by, when a report arrives out of
// order: its state at two points of its past, and the reports that counted
// since the older one. A new point is made when the newer one is as old as
// the model's lateness, so the journal reaches back that far at least and less
// than twice as far. A device whose reports arrive in order writes it and
// never reads it.
//
// What a report in order touches stands first, in two lines of a cache.
type journal struct {
	log    []byte      // reports since older, in the order in which they count
	count  int         // of them
	timer  int64       // event time of the latest decision by time alone, which a report before it may undo; never: none
	again  *entry      // the one that is being applied again; nil: none is
	late   *stragglers // nil: none wait
	paused bool        // before is set
	newer  checkpoint
	older  checkpoint

	// before is the state that the last report left, from when time alone was
	// about to change it until the next report.
	before checkpoint

	failed  []lapse // since older, with the same exception as past
	counted []lapse // of those, while reports are applied again, the ones that are not met again yet

	past   []episode // alarms that ended since older, but for rules that go by our clock
	levels []level   // how grave alarms were and became since older, with the same exception
}

// stragglers are the reports of one call that arrived out of order and wait
// to be decided about.
type stragglers struct {
	count       int
	first, last int64 // event times
	behind      int64 // the device's event time before them
	report      int   // index of the latest
}

func newJournal(d *device) *journal {
	j := &journal{timer: never}
	j.restart(d)
	return j
}

// restart forgets the past: nothing from before now is decided again.
func (j *journal) restart(d *device) {
	j.take(d)
	j.levels = slices.Delete(j.levels, 0, j.newer.levels) // but for what time alone has made of it since
	j.log, j.count, j.past, j.failed = j.log[:0], 0, j.past[:0], nil
	j.newer.place = place{}
	j.older.copy(&j.newer)
	j.resume()
}

// end is the place behind everything that is kept.
func (j *journal) end() place { return place{len(j.log), j.count, len(j.past), len(j.levels)} }

// take makes the newer checkpoint that of what the reports so far have led to,
// without what time alone has made of it since. Where that cannot be told, it
// counts as that of the time.
func (j *journal) take(d *device) {
	if j.paused {
		j.newer.copy(&j.before)
		return
	}
	j.newer.take(d, j.end())
	j.newer.at = max(j.newer.at, j.timer)
}

// pause is called before time alone decides about the device.
func (j *journal) pause(d *device) {
	if !j.paused {
		j.before.take(d, j.end())
		j.paused = true
	}
}

// resume is called when a report has come.
func (j *journal) resume() { j.paused = false }

// advance makes room for a report that is about to be taken in, in order, at
// the event time at.
func (j *journal) advance(d *device, at int64) {
	horizon := at - d.plan.lateness
	switch {
	case d.observed == never || at <= d.observed:
	case d.observed <= horizon: // everything kept is too old to matter
		j.restart(d)
	case j.newer.at <= horizon, j.count-j.newer.count >= maxJournal/2, len(j.log)-j.newer.entry >= maxJournalBytes/2:
		from := j.newer.place
		j.forget()
		j.before.place = j.before.minus(from) // if it is set
		j.take(d)
	}
}

// forget drops what came before the newer checkpoint, which becomes the older.
func (j *journal) forget() {
	j.log = j.log[:copy(j.log, j.log[j.newer.entry:])]
	j.past = slices.Delete(j.past, 0, j.newer.past)
	j.levels = slices.Delete(j.levels, 0, j.newer.levels)
	j.count -= j.newer.count
	j.older, j.newer = j.newer, j.older
	j.older.place = place{}
	j.failed = slices.DeleteFunc(j.failed, func(l lapse) bool { return l.at < j.older.at })
}

// halve gives up the older half of a crowded journal.
func (j *journal) halve() {
	j.forget()
	j.newer.copy(&j.older)
	j.resume()
}

// crowded reports whether so many quarters of the journal's room are taken.
func (j *journal) crowded(quarters int) bool {
	return j.count >= maxJournal*quarters/4 || len(j.log) >= maxJournalBytes*quarters/4
}

// append adds the part of a report that counted, in order: readings by slot,
// and its faults if they are known by it.
func (e *Engine) append(d *device, observed int64, known bool, faults []string) {
	j := d.journal
	e.round.held = e.holdingBack(d, e.round.held)
	j.log = appendEntry(j.log, observed, e.round.held, e.round.accepted, known, faults)
	j.count++
	j.resume()
}
