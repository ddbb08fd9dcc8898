package rules

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"telltale/devices"
)

// Restore replaces the engine's state by that of a snapshot. The snapshot may
// have been taken under other declarations: what still fits is kept. An alarm
// stays raised when the conditions of its rule have changed, so that it can
// end by the new ones; a pending one starts again. What no longer fits is
// left out, and [Engine.Reconcile] closes what it had opened. On an error the
// engine is as it was.
func (e *Engine) Restore(snapshot []byte) error {
	_, err := e.restore(snapshot)
	return err
}

// orphan is an alarm of a snapshot that has no place under the rules in force.
type orphan struct {
	device     devices.ID
	rule       storedRule
	alarm      alarm
	count      int64
	chattering bool
	held       bool  // it was never raised
	at         int64 // the device's event time
	reason     string
}

func (e *Engine) restore(snapshot []byte) ([]orphan, error) {
	r := reader{buf: snapshot}
	if r.format = r.byte(); (r.format < firstFormat || r.format > snapshotFormat) && r.err == nil {
		return nil, fmt.Errorf("restore engine: unknown snapshot format %d", r.format)
	}
	fresh := NewEngine(e.set)
	fresh.now, fresh.listening = r.time(), r.time()
	if r.format > learnedFormat {
		fresh.around.other = r.places()
	}
	r.metrics = make([]string, r.count())
	for i := range r.metrics {
		r.metrics[i] = r.text()
	}
	r.rules = make([]storedRule, r.count())
	for i := range r.rules {
		r.rules[i] = storedRule{id: r.text(), mode: Mode(r.text()), version: int(r.int()), fingerprint: r.fixed()}
	}
	r.trackers = make([]string, r.count())
	for i := range r.trackers {
		r.trackers[i] = r.text()
	}
	var orphans []orphan
	for n := r.count(); n > 0 && r.err == nil; n-- {
		orphans = append(orphans, fresh.restoreDevice(&r)...)
	}
	if r.format >= learnedFormat {
		fresh.restoreLearned(&r)
	}
	if r.err == nil && len(r.buf) > 0 {
		r.fail()
	}
	if r.err != nil {
		return nil, fmt.Errorf("restore engine: %w", r.err)
	}
	fresh.reachAgain()
	for _, d := range fresh.devices {
		if d.journal == nil && d.plan.lateness > 0 {
			d.journal = newJournal(d)
		}
		fresh.schedule(d)
	}
	e.devices, e.cohorts, e.queue, e.around = fresh.devices, fresh.cohorts, fresh.queue, fresh.around
	e.now, e.listening, e.silent = fresh.now, fresh.listening, fresh.silent
	return orphans, nil
}

// restoreDevice reads one device and finds its values and alarms their places.
func (e *Engine) restoreDevice(r *reader) []orphan {
	id := devices.ID(r.text())
	p, declared := e.set.planOf(id)
	if !declared {
		p = &plan{modelPlan: &modelPlan{}}
	}
	d := newDevice(id, p)
	d.observed, d.received, d.contact, d.decided = r.time(), r.time(), r.time(), r.time()
	d.faultsAt = r.time()
	for n := r.count(); n > 0 && r.err == nil; n-- {
		d.faults = append(d.faults, r.text())
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		name := pick(r, r.metrics)
		s := slot{at: r.checkTime(d.observed - r.int()), text: r.text(), number: math.Float64frombits(r.fixed())}
		if i, ok := p.layout[name]; ok {
			d.slots[i] = s
		}
	}
	var orphans []orphan
	for n := r.count(); n > 0 && r.err == nil; n-- {
		stored := pick(r, r.rules)
		c := r.cell()
		reason := d.keep(e.set, stored, c, declared)
		if reason != "" && c.alarm != nil && r.err == nil {
			orphans = append(orphans, orphan{
				device: id, rule: stored, alarm: *c.alarm, count: c.count, chattering: c.chattering, held: !c.phase.isRaised(),
				at: d.observed, reason: reason,
			})
		}
	}
	d.restoreWindows(r)
	if r.format > learnedFormat {
		d.restoreLife(r)
	}
	d.restoreJournal(r, e.set.signatureOf(d))
	if declared && r.err == nil {
		e.add(d)
	}
	return orphans
}

// restoreWindows reads what windows need and keeps what still has a use.
func (d *device) restoreWindows(r *reader) {
	for n := r.count(); n > 0 && r.err == nil; n-- {
		name, since := pick(r, r.metrics), r.time()
		var into *ring
		keep := int64(0)
		if slot, ok := d.plan.layout[name]; ok && d.plan.ringOf[slot] >= 0 {
			i := d.plan.ringOf[slot]
			into, keep = &d.rings[i], d.plan.rings[i].keep
		}
		at := int64(0)
		for k := r.count(); k > 0 && r.err == nil; k-- {
			at = r.checkTime(at + r.int())
			number := math.Float64frombits(r.fixed())
			if into != nil && r.err == nil {
				into.push(sample{at, number}, keep)
			}
		}
		if into != nil {
			into.since = since
		}
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		name := pick(r, r.trackers)
		t := r.tracker()
		for i := range d.plan.trackers {
			if d.plan.trackers[i].name == name {
				d.trackers[i] = t
			}
		}
	}
}

func (r *reader) tracker() tracker {
	t := tracker{at: r.time(), truth: truth(r.uint())}
	for k := r.count(); k > 0 && r.err == nil; k-- {
		from := r.time()
		t.held = append(t.held, span{from, r.checkTime(from + r.int())})
	}
	return t
}

// keep puts a stored cell in its place; otherwise it returns why it has none.
func (d *device) keep(set *Set, stored storedRule, c cell, declared bool) string {
	if !declared {
		return "the device is no longer declared"
	}
	i, ok := d.plan.position[stored.id]
	if !ok {
		return set.whyNot(stored.id)
	}
	r := d.plan.rules[i]
	if r.rule.Mode != stored.mode {
		return fmt.Sprintf("the rule went from %s to %s", stored.mode, r.rule.Mode)
	}
	if r.fingerprint != stored.fingerprint {
		if !c.phase.isRaised() {
			return "the rule changed"
		}
		c.phase = active // its off-delay starts again
	}
	c.step = min(c.step, uint8(len(r.aged)))
	c.chattering = c.chattering && r.rule.Chattering.Times > 0
	d.cells[i] = c
	d.stir(i)
	return ""
}

// whyNot says why a rule does not watch a device any more.
func (s *Set) whyNot(rule string) string {
	r, ok := s.Rule(rule)
	switch {
	case !ok:
		return "the rule was removed"
	case r.Mode == Off:
		return "the rule was switched off"
	default:
		return "the rule no longer applies to the device"
	}
}

// storedRule is a rule as a snapshot names it.
type storedRule struct {
	id          string
	mode        Mode
	version     int
	fingerprint uint64
}

// reader takes a snapshot apart. After the first fault everything reads as
// zero and err is set.
type reader struct {
	buf      []byte
	format   byte
	metrics  []string
	rules    []storedRule
	trackers []string
	scratch  map[*plan]*device // to try checkpoints on
	err      error
}

var errDamaged = errors.New("snapshot is damaged")

func (r *reader) fail() {
	r.err, r.buf = errDamaged, nil
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.buf) {
		r.fail()
		return nil
	}
	head := r.buf[:n]
	r.buf = r.buf[n:]
	return head
}

func (r *reader) byte() byte {
	if head := r.take(1); head != nil {
		return head[0]
	}
	return 0
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.buf)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.buf)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

// time reads a time that sums cannot overflow, or never.
func (r *reader) time() int64 { return r.checkTime(r.int()) }

func (r *reader) checkTime(v int64) int64 {
	if v != never && (v < 0 || v > latest) {
		r.fail()
		return 0
	}
	return v
}

// count reads how many of something follow. Each takes a byte at least, so a
// damaged count cannot ask for more memory than the snapshot has bytes.
func (r *reader) count() int {
	v := r.uint()
	if v > uint64(len(r.buf)) {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) text() string { return string(r.take(r.count())) }

func (r *reader) fixed() uint64 {
	if head := r.take(8); head != nil {
		return binary.LittleEndian.Uint64(head)
	}
	return 0
}

func pick[T any](r *reader, table []T) T {
	i := r.uint()
	if i >= uint64(len(table)) {
		r.fail()
		var zero T
		return zero
	}
	return table[i]
}

func (r *reader) cell() cell {
	c := cell{phase: phase(r.uint()), step: uint8(r.uint()), count: r.int(), since: r.time()}
	if r.format > learnedFormat {
		c.chattering = r.uint() == 1
	}
	c.alarm = r.alarm()
	if c.phase > clearing || c.phase == normal || c.phase.isRaised() && (c.alarm == nil || c.alarm.id == "") {
		r.fail()
		c = cell{}
	}
	return c
}
