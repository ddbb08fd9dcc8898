package rules

// learnedSpec is what the devices of a model learn from: of themselves, and of
// each other.
type learnedSpec struct {
	baselines []int // slots of the metrics
	cohorts   []cohortSpec
}

// baseline returns the index of the baseline of a slot.
func (l *learnedSpec) baseline(slot int) int { return placeIn(&l.baselines, slot) }

// cohort returns the index of a cohort.
func (l *learnedSpec) cohort(spec cohortSpec) int { return placeIn(&l.cohorts, spec) }

// learned is what one device has learnt.
type learned struct {
	baselines []baseline // by the model's spec
	cohorts   []*cohort  // by the model's spec; shared with the other devices
	counted   []int64    // by cohort: the slot of time in which the device was last counted
}

// newLearned returns the empty state of a device. Cohorts are found when the
// device joins an engine.
func newLearned(spec *learnedSpec) learned {
	var l learned
	if len(spec.baselines) > 0 {
		l.baselines = make([]baseline, len(spec.baselines))
	}
	if len(spec.cohorts) > 0 {
		l.cohorts, l.counted = make([]*cohort, len(spec.cohorts)), make([]int64, len(spec.cohorts))
	}
	return l
}

// learn takes in a number of a metric. Log is the time by our clock.
func (d *device) learn(slot int, at, log int64, v float64) {
	spec := &d.plan.learned
	for i, known := range spec.baselines {
		if known == slot {
			d.baselines[i].learn(at, v)
		}
	}
	if d.isTakenBack() {
		return // the peers knew of it when it came
	}
	for i := range spec.cohorts {
		// What was measured before the window says nothing about now.
		if one := &spec.cohorts[i]; one.slot == slot && log-at <= one.window {
			d.counted[i] = d.learned.cohorts[i].contribute(d.counted[i], v)
		}
	}
}

// join finds the cohorts of a device, or begins them.
func (e *Engine) join(d *device) {
	for i, spec := range d.plan.learned.cohorts {
		d.learned.cohorts[i] = e.cohort(cohortKey{d.plan.model.ID, d.plan.names[spec.slot], spec.window}, spec)
	}
}

func (e *Engine) cohort(key cohortKey, spec cohortSpec) *cohort {
	c, ok := e.cohorts[key]
	if !ok {
		c = &cohort{spec: spec, part: e.now / spec.part}
		if e.cohorts == nil {
			e.cohorts = make(map[cohortKey]*cohort)
		}
		e.cohorts[key] = c
	}
	return c
}

// passSlots closes the slots of time that are over for all cohorts.
func (e *Engine) passSlots(now int64) {
	for _, c := range e.cohorts {
		c.pass(now)
	}
}
