package rules

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"slices"
)

// snapshotFormat is the first byte of a snapshot. A new form gets a new one.
// Those before it are read as well.
const (
	snapshotFormat = 5
	wideFormat     = 4 // with journals of another form, which are left out
	lifeFormat     = 3 // without journals and revisions of alarms
	learnedFormat  = 2 // and without ladders, pasts and other engines' alarms
	firstFormat    = 1 // and without anything that is learnt
)

// Snapshot appends the engine's whole state to dst and returns it. Equal
// states give equal bytes. Metrics and rules are stored by name, so that a
// snapshot can be restored under changed declarations.
func (e *Engine) Snapshot(dst []byte) []byte {
	w := writer{dst}
	w.buf = append(w.buf, snapshotFormat)
	w.int(e.now)
	w.int(e.listening)
	w.places(e.around.other)

	metrics, metricNumber := e.set.metricTable()
	w.uint(uint64(len(metrics)))
	for _, name := range metrics {
		w.text(name)
	}
	rules := e.set.ruleTable()
	w.uint(uint64(len(rules)))
	ruleNumber := make(map[string]int, len(rules))
	for i, c := range rules {
		ruleNumber[c.rule.ID] = i
		w.text(c.rule.ID)
		w.text(string(c.rule.Mode))
		w.int(int64(c.rule.Version))
		w.fixed(c.fingerprint)
	}

	trackers, trackerNumber := e.set.trackerTable()
	w.uint(uint64(len(trackers)))
	for _, name := range trackers {
		w.text(name)
	}

	numbers := numbering{metricNumber, ruleNumber, trackerNumber}
	ordered := slices.SortedFunc(maps.Values(e.devices), func(a, b *device) int { return cmp.Compare(a.id, b.id) })
	w.uint(uint64(len(ordered)))
	w.expect(ordered)
	for _, d := range ordered {
		w.device(d, numbers)
		w.journal(d, e.set.signatureOf(d))
	}
	w.learned(e, ordered, metricNumber)
	return w.buf
}

// metricTable numbers the metrics of all models.
func (s *Set) metricTable() (names []string, number map[string]int) {
	number = make(map[string]int)
	for _, mp := range s.models {
		for _, name := range mp.names {
			number[name] = 0
		}
	}
	names = slices.Sorted(maps.Keys(number))
	for i, name := range names {
		number[name] = i
	}
	return names, number
}

// ruleTable lists the rules that any model is watched by, ordered by id.
func (s *Set) ruleTable() []*compiledRule {
	seen := make(map[string]*compiledRule)
	for _, mp := range s.models {
		for _, r := range mp.rules {
			seen[r.rule.ID] = r.compiledRule
		}
	}
	return slices.SortedFunc(maps.Values(seen), func(a, b *compiledRule) int { return cmp.Compare(a.rule.ID, b.rule.ID) })
}

// trackerTable numbers the conditions whose time is added up.
func (s *Set) trackerTable() (names []string, number map[string]int) {
	number = make(map[string]int)
	for _, mp := range s.models {
		for i := range mp.trackers {
			number[mp.trackers[i].name] = 0
		}
	}
	names = slices.Sorted(maps.Keys(number))
	for i, name := range names {
		number[name] = i
	}
	return names, number
}

// numbering is how a snapshot names things.
type numbering struct{ metric, rule, tracker map[string]int }

// writer builds a snapshot: variable-length integers, texts with their
// length.
type writer struct{ buf []byte }

func (w *writer) uint(v uint64)  { w.buf = binary.AppendUvarint(w.buf, v) }
func (w *writer) int(v int64)    { w.buf = binary.AppendVarint(w.buf, v) }
func (w *writer) fixed(v uint64) { w.buf = binary.LittleEndian.AppendUint64(w.buf, v) }

// expect makes room for devices, so that it is not made again and again while
// they are written.
func (w *writer) expect(all []*device) {
	const rest = 256 // bytes of one beside its journal
	room := 0
	for _, d := range all {
		room += rest
		if j := d.journal; j != nil {
			room += len(j.log) + len(j.older.state) + len(j.newer.state) + len(j.before.state)
		}
	}
	w.buf = slices.Grow(w.buf, room)
}

func (w *writer) bool(v bool) {
	if v {
		w.uint(1)
	} else {
		w.uint(0)
	}
}

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func (w *writer) device(d *device, number numbering) {
	w.text(string(d.id))
	w.int(d.observed)
	w.int(d.received)
	w.int(d.contact)
	w.int(d.decided)
	w.int(d.faultsAt)
	w.uint(uint64(len(d.faults)))
	for _, code := range d.faults {
		w.text(code)
	}

	known := 0
	for i := range d.slots {
		if d.slots[i].at != never {
			known++
		}
	}
	w.uint(uint64(known))
	for i := range d.slots {
		if s := &d.slots[i]; s.at != never {
			w.uint(uint64(number.metric[d.plan.names[i]]))
			w.int(d.observed - s.at) // mostly zero: one byte
			w.text(s.text)
			w.fixed(math.Float64bits(s.number))
		}
	}

	busy := 0
	for i := range d.cells {
		if d.cells[i].phase != normal {
			busy++
		}
	}
	w.uint(uint64(busy))
	for i := range d.cells {
		if c := &d.cells[i]; c.phase != normal {
			w.uint(uint64(number.rule[d.plan.rules[i].rule.ID]))
			w.cell(c)
		}
	}
	w.windows(d, number)
	w.life(d, number)
}

// windows writes the readings and the sums of time that are kept.
func (w *writer) windows(d *device, number numbering) {
	w.uint(uint64(len(d.rings)))
	for i := range d.rings {
		r := &d.rings[i]
		w.uint(uint64(number.metric[d.plan.names[d.plan.rings[i].slot]]))
		w.int(r.since)
		w.uint(uint64(r.count))
		before := int64(0)
		for k := range r.count {
			s := r.at(k)
			w.int(s.at - before)
			w.fixed(math.Float64bits(s.number))
			before = s.at
		}
	}
	w.uint(uint64(len(d.trackers)))
	for i := range d.trackers {
		w.uint(uint64(number.tracker[d.plan.trackers[i].name]))
		w.tracker(&d.trackers[i])
	}
}

func (w *writer) tracker(t *tracker) {
	w.int(t.at)
	w.uint(uint64(t.truth))
	w.uint(uint64(len(t.held)))
	for _, s := range t.held {
		w.int(s.from)
		w.int(s.to - s.from)
	}
}

func (w *writer) cell(c *cell) {
	w.uint(uint64(c.phase))
	w.uint(uint64(c.step))
	w.int(c.count)
	w.int(c.since)
	w.bool(c.chattering)
	w.alarm(c.alarm)
}
