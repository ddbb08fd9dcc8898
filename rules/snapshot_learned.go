package rules

import (
	"math"
	"slices"

	"telltale/devices"
)

// learned writes what devices have learnt, as the last part of a snapshot.
func (w *writer) learned(e *Engine, ordered []*device, metric map[string]int) {
	keys := e.cohortKeys()
	number := make(map[*cohort]int, len(keys))
	w.uint(uint64(len(keys)))
	for i, key := range keys {
		c := e.cohorts[key]
		number[c] = i
		w.text(key.model)
		w.uint(uint64(metric[key.metric]))
		w.int(key.window)
		w.cohort(c)
	}
	having := slices.DeleteFunc(slices.Clone(ordered), func(d *device) bool { return len(d.baselines)+len(d.counted) == 0 })
	w.uint(uint64(len(having)))
	for _, d := range having {
		w.text(string(d.id))
		w.uint(uint64(len(d.baselines)))
		for i, slot := range d.plan.learned.baselines {
			w.uint(uint64(metric[d.plan.names[slot]]))
			w.baseline(&d.baselines[i])
		}
		w.uint(uint64(len(d.counted)))
		for i, slot := range d.counted {
			w.uint(uint64(number[d.learned.cohorts[i]]))
			w.int(slot)
		}
	}
}

func (w *writer) float(v float64) { w.fixed(math.Float64bits(v)) }

func (w *writer) floats(all []float64) {
	w.uint(uint64(len(all)))
	for _, v := range all {
		w.float(v)
	}
}

func (w *writer) cohort(c *cohort) {
	w.int(c.spec.part)
	w.int(c.part)
	w.floats(c.values)
	w.summaries(c.closed)
	w.summaries(c.others)
}

func (w *writer) summaries(all []summary) {
	w.uint(uint64(len(all)))
	for i := range all {
		w.int(all[i].slot)
		w.int(all[i].count)
		w.floats(all[i].points)
	}
}

func (w *writer) baseline(b *baseline) {
	w.int(b.at)
	w.int(b.day)
	w.int(b.readings)
	w.int(int64(b.days))
	for _, v := range b.floats() {
		w.float(*v)
	}
	for _, g := range []*gauge{&b.level, &b.unrest} {
		w.uint(uint64(truthOf(g.counting)))
		for _, v := range g.floats() {
			w.float(*v)
		}
	}
	for _, v := range b.byHours {
		w.float(float64(v)) // exactly
	}
}

// floats lists the numbers of a baseline, in the order of a snapshot.
func (b *baseline) floats() []*float64 {
	return []*float64{&b.every, &b.before, &b.value, &b.middle, &b.step, &b.movement}
}

// floats lists the numbers of a gauge, in the order of a snapshot.
func (g *gauge) floats() []*float64 {
	return []*float64{&g.level, &g.spread, &g.above, &g.below, &g.top, &g.tops, &g.squares}
}

// restoreLearned reads what writer.learned wrote and keeps what still has a
// use.
func (e *Engine) restoreLearned(r *reader) {
	cohorts := make([]*cohort, r.count())
	for i := range cohorts {
		key := cohortKey{model: r.text(), metric: pick(r, r.metrics), window: r.int()}
		stored := r.cohort()
		cohorts[i] = stored
		if c, ok := e.cohorts[key]; ok && c.spec.part == stored.spec.part && r.err == nil {
			stored.spec = c.spec
			*c = *stored
			c.refer()
			cohorts[i] = c
		}
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		e.restoreLearnedOf(e.devices[devices.ID(r.text())], r, cohorts)
	}
}

// restoreLearnedOf reads what one device has learnt; nil when it is gone.
func (e *Engine) restoreLearnedOf(d *device, r *reader, cohorts []*cohort) {
	if d == nil {
		d = newDevice("", &plan{modelPlan: &modelPlan{}})
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		name, b := pick(r, r.metrics), r.baseline()
		for i, slot := range d.plan.learned.baselines {
			if d.plan.names[slot] == name {
				d.baselines[i] = b
			}
		}
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		c, slot := pick(r, cohorts), r.time()
		for i := range d.counted {
			if d.learned.cohorts[i] == c {
				d.counted[i] = slot
			}
		}
	}
}

func (r *reader) float() float64 { return math.Float64frombits(r.fixed()) }

func (r *reader) floats() []float64 {
	var all []float64
	for n := r.count(); n > 0 && r.err == nil; n-- {
		all = append(all, r.float())
	}
	return all
}

func (r *reader) cohort() *cohort {
	return &cohort{
		spec: cohortSpec{part: r.int()}, part: r.time(), values: r.floats(), closed: r.summaries(), others: r.summaries(),
	}
}

func (r *reader) summaries() []summary {
	var all []summary
	for n := r.count(); n > 0 && r.err == nil; n-- {
		all = append(all, summary{slot: r.time(), count: r.int(), points: r.floats()})
	}
	return all
}

func (r *reader) baseline() baseline {
	b := baseline{at: r.time(), day: r.time(), readings: r.int(), days: int32(r.int())}
	for _, v := range b.floats() {
		*v = r.float()
	}
	for _, g := range []*gauge{&b.level, &b.unrest} {
		g.counting = r.uint() == uint64(yes)
		for _, v := range g.floats() {
			*v = r.float()
		}
	}
	for i := range b.byHours {
		b.byHours[i] = float32(r.float())
	}
	if b.days < 0 || b.days > daysFade || b.readings < 0 {
		r.fail()
	}
	return b
}
