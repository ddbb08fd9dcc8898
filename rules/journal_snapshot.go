package rules

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
)

// sizeOfSize is how many bytes a stored journal begins with that say its length.
const sizeOfSize = 4

// journal writes what a device can be taken back by. It is written by
// position, because it is good for nothing under other rules: what was decided
// under earlier ones stays.
func (w *writer) journal(d *device, signature uint64) {
	w.uint(uint64(d.amended))
	j := d.journal
	if j == nil {
		w.uint(0)
		return
	}
	w.uint(1)
	w.fixed(signature)
	size := len(w.buf)
	w.buf = append(w.buf, make([]byte, sizeOfSize)...)
	w.journalBody(j)
	binary.LittleEndian.PutUint32(w.buf[size:], uint32(len(w.buf)-size-sizeOfSize))
}

func (w *writer) journalBody(j *journal) {
	w.int(j.timer)
	w.uint(uint64(j.count))
	w.bytes(j.log)
	w.checkpoint(&j.older)
	w.checkpoint(&j.newer)
	w.bool(j.paused)
	if j.paused {
		w.checkpoint(&j.before)
	}
	w.uint(uint64(len(j.past)))
	for i := range j.past {
		p := &j.past[i]
		w.uint(uint64(p.rule))
		w.int(p.clearedAt)
		w.cell(&cell{phase: active, chattering: p.chattering, count: p.count, alarm: &p.alarm})
	}
	w.uint(uint64(len(j.levels)))
	for _, l := range j.levels {
		w.uint(uint64(l.rule))
		w.int(l.raisedAt)
		w.int(l.at)
		w.uint(uint64(l.severity))
	}
}

func (w *writer) bytes(b []byte) {
	w.uint(uint64(len(b)))
	w.buf = append(w.buf, b...)
}

func (w *writer) checkpoint(c *checkpoint) {
	w.int(c.at)
	w.bytes(c.state)
	w.uint(uint64(len(c.ended)))
	for _, id := range c.ended {
		w.text(id)
	}
	w.uint(uint64(c.entry))
	w.uint(uint64(c.count))
	w.uint(uint64(c.past))
	w.uint(uint64(c.levels))
}

// restoreJournal reads what [writer.journal] wrote, after the rest of the
// device. A journal of other rules, of another form, and a missing one, begin
// anew later.
func (d *device) restoreJournal(r *reader, signature uint64) {
	j := d.journal
	d.journal = nil // until everything else is restored, if it cannot be read
	if r.format <= lifeFormat {
		return
	}
	d.amended = int(r.uint())
	if r.uint() == 0 {
		return
	}
	stored, body := r.fixed(), reader{format: r.format, buf: r.sized()}
	if j == nil || stored != signature || r.format != snapshotFormat || r.err != nil {
		return
	}
	if !j.read(&body, d, r.scratchOf(d.plan)) {
		r.fail()
		return
	}
	d.journal = j
}

// read takes over a stored journal, and reports false when it is damaged.
func (j *journal) read(r *reader, d, scratch *device) bool {
	j.timer, j.count = r.time(), int(r.uint())
	j.log = r.bytes()
	j.older, j.newer, j.paused = r.checkpoint(), r.checkpoint(), r.uint() == 1
	if j.paused {
		j.before = r.checkpoint()
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		p := episode{rule: r.index(len(d.cells)), clearedAt: r.time()}
		if c := r.cell(); c.alarm != nil {
			p.count, p.chattering, p.alarm = c.count, c.chattering, *c.alarm
		}
		j.past = append(j.past, p)
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		j.levels = append(j.levels, level{r.index(len(d.cells)), r.time(), r.time(), Severity(r.uint())})
	}
	return r.err == nil && len(r.buf) == 0 && j.sound(d.plan, scratch)
}

// bytes reads a copy of what [writer.bytes] wrote.
func (r *reader) bytes() []byte { return slices.Clone(r.take(r.count())) }

// sized reads what follows after its size.
func (r *reader) sized() []byte {
	size := r.take(sizeOfSize)
	if size == nil {
		return nil
	}
	return r.take(int(binary.LittleEndian.Uint32(size)))
}

func (r *reader) checkpoint() checkpoint {
	c := checkpoint{at: r.time(), state: r.bytes()}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		c.ended = append(c.ended, r.text())
	}
	c.place = place{int(r.uint()), int(r.uint()), int(r.uint()), int(r.uint())}
	return c
}

// sound reports whether a journal that was read can be used without a fault.
// Scratch is a device of the plan to try its checkpoints on.
func (j *journal) sound(p *plan, scratch *device) bool {
	newer, n := false, 0
	var e entry
	for offset := 0; ; n++ {
		newer = newer || offset == j.newer.entry && n == j.newer.count
		if offset == len(j.log) {
			break
		}
		after, err := j.next(p, offset, &e)
		if err != nil || after > len(j.log) {
			return false
		}
		offset = after
	}
	if b := &j.before; j.paused {
		end := j.end()
		end.levels = min(max(0, b.levels), len(j.levels)) // time alone may have changed severities since
		if b.place != end || !b.sound(scratch) {
			return false
		}
	}
	return newer && n == j.count && j.older.place == place{} &&
		j.newer.past >= 0 && j.newer.past <= len(j.past) && j.newer.levels >= 0 && j.newer.levels <= len(j.levels) &&
		j.older.sound(scratch) && j.newer.sound(scratch)
}

// sound tries a checkpoint that was read on a device.
func (c *checkpoint) sound(scratch *device) bool {
	r := reader{buf: c.state, format: snapshotFormat}
	scratch.readState(&r)
	return r.err == nil && len(r.buf) == 0 && scratch.observed <= c.at && len(c.ended) == len(scratch.pasts)
}

// scratchOf returns a device of a plan that nobody else uses.
func (r *reader) scratchOf(p *plan) *device {
	if r.scratch == nil {
		r.scratch = make(map[*plan]*device)
	}
	if r.scratch[p] == nil {
		r.scratch[p] = newDevice("", p)
	}
	return r.scratch[p]
}

// sign computes what two plans have in common that decide the same: a journal
// written under one can then be read under the other.
func (p *plan) sign() {
	h := fnv.New64a()
	fmt.Fprintln(h, p.names, p.stale, p.lateness, p.model.ReportEvery)
	for _, r := range p.rules {
		rule := r.rule
		rule.Version, rule.Title, rule.Ticket = 0, "", TicketTemplate{}
		fmt.Fprintf(h, "%+v %+v\n", rule, r.wide)
	}
	for i := range p.trackers {
		fmt.Fprintln(h, p.trackers[i].name)
	}
	fmt.Fprintln(h, p.rings, p.learned.baselines)
	p.signature = h.Sum64()
}

// signatureOf is the same for a device under two sets that decide the same
// about it. Planned work that holds its alarms back is part of that: what was
// raised before it was declared stays raised.
func (s *Set) signatureOf(d *device) uint64 {
	if len(s.maintenance) == 0 {
		return d.plan.signature
	}
	h := fnv.New64a()
	site := ""
	if declared, ok := s.directory.Device(d.id); ok {
		site = declared.Site
	}
	fmt.Fprintln(h, d.plan.signature, s.planned, site)
	return h.Sum64()
}

// signPlanned does for planned work what [plan.sign] does for rules.
func signPlanned(all []Maintenance) uint64 {
	h := fnv.New64a()
	for i := range all {
		m := all[i]
		weekly := m.Weekly
		m.Weekly = nil
		fmt.Fprintf(h, "%q %q %q %q %q %d %d", m.ID, m.Devices, m.Sites, m.Customers, m.Models, m.From.Unix(), m.To.Unix())
		if weekly != nil {
			fmt.Fprint(h, weekly.Days, weekly.From, weekly.To, weekly.Zone)
		}
		fmt.Fprintln(h)
	}
	return h.Sum64()
}
