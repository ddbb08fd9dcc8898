package rules

// life writes what is kept of the alarms beyond their cells: the ladders and
// the pasts.
func (w *writer) life(d *device, number numbering) {
	busy := 0
	for i := range d.ladders {
		if d.ladders[i].phase != normal {
			busy++
		}
	}
	w.uint(uint64(busy))
	for i, r := range d.plan.rules {
		for k := range r.ladder {
			if c := d.rungs(i)[k]; c.phase != normal {
				w.uint(uint64(number.rule[r.rule.ID]))
				w.fixed(r.ladder[k].fingerprint)
				w.uint(uint64(c.phase))
				w.int(c.since)
			}
		}
	}

	known := 0
	for i := range d.pasts {
		if !d.pasts[i].empty() {
			known++
		}
	}
	w.uint(uint64(known))
	for i, r := range d.plan.rules {
		if p := d.past(i); p != nil && !p.empty() {
			w.uint(uint64(number.rule[r.rule.ID]))
			w.past(p)
		}
	}
}

func (p *past) empty() bool { return len(p.raises) == 0 && p.lastID == "" }

func (w *writer) past(p *past) {
	w.text(p.lastID)
	w.pastTimes(p)
}

func (w *writer) pastTimes(p *past) {
	w.int(p.endedAt)
	w.uint(uint64(len(p.raises)))
	for _, at := range p.raises {
		w.int(at)
	}
}

// restoreLife reads what [writer.life] wrote and keeps what still has a place.
func (d *device) restoreLife(r *reader) {
	for n := r.count(); n > 0 && r.err == nil; n-- {
		stored, fingerprint := pick(r, r.rules), r.fixed()
		c := cell{phase: phase(r.uint()), since: r.time()}
		if c.phase > clearing || c.since == never {
			r.fail()
		}
		if i, ok := d.plan.position[stored.id]; ok && r.err == nil && d.cells[i].phase != normal {
			d.restoreRung(i, fingerprint, c)
		}
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		stored := pick(r, r.rules)
		p := past{lastID: r.text()}
		r.pastTimes(&p)
		i, ok := d.plan.position[stored.id]
		if !ok || d.plan.rules[i].rule.Mode != stored.mode || d.past(i) == nil {
			continue
		}
		if over := len(p.raises) - d.plan.rules[i].rule.Chattering.Times; over > 0 {
			p.raises = p.raises[over:]
		}
		*d.past(i) = p
	}
}

func (r *reader) pastTimes(p *past) {
	p.endedAt, p.raises = r.time(), p.raises[:0]
	for k := r.count(); k > 0 && r.err == nil; k-- {
		p.raises = append(p.raises, r.time())
	}
}

func (d *device) restoreRung(i int, fingerprint uint64, c cell) {
	for k := range d.plan.rules[i].ladder {
		if d.plan.rules[i].ladder[k].fingerprint == fingerprint {
			d.rungs(i)[k] = c
		}
	}
}

// places writes what the engine was told of other engines' alarms.
func (w *writer) places(places []Place) {
	w.uint(uint64(len(places)))
	for _, p := range places {
		w.text(p.Rule)
		w.text(string(p.Scope))
		w.text(p.Group)
	}
}

func (r *reader) places() []Place {
	var places []Place
	for n := r.count(); n > 0 && r.err == nil; n-- {
		places = append(places, Place{Rule: r.text(), Scope: Scope(r.text()), Group: r.text()})
	}
	return places
}

func (w *writer) holders(held []holder) {
	w.uint(uint64(len(held)))
	for _, h := range held {
		w.text(h.by)
		w.text(h.why)
		w.int(h.from)
	}
}

func (r *reader) holders() []holder {
	var held []holder
	for n := r.count(); n > 0 && r.err == nil; n-- {
		held = append(held, holder{by: r.text(), why: r.text(), from: r.time()})
	}
	return held
}

// alarm writes an alarm, or that there is none.
func (w *writer) alarm(a *alarm) {
	if a == nil {
		w.uint(0)
		return
	}
	w.uint(1)
	w.text(a.id)
	w.int(a.raisedAt)
	w.int(a.pendingSince)
	w.uint(uint64(a.severity))
	w.uint(uint64(a.floor))
	w.int(a.told)
	w.holders(a.held)
	w.uint(uint64(a.revision))
}

func (r *reader) alarm() *alarm {
	if r.uint() != 1 {
		return nil
	}
	a := &alarm{id: r.text(), raisedAt: r.time(), pendingSince: r.time(), severity: Severity(r.uint())}
	if r.format <= learnedFormat {
		a.floor, a.told = a.severity, r.int()
		if from, by := r.time(), r.text(); by != "" {
			a.held = []holder{{by: by, why: "while " + by + " was active", from: from}}
		}
		return a
	}
	a.floor, a.told, a.held = Severity(r.uint()), r.int(), r.holders()
	if r.format > lifeFormat {
		a.revision = int(r.uint())
	}
	return a
}
