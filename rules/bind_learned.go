package rules

import "math"

// anomaly binds anomaly(metric): what the device's baseline made of the latest
// reading.
func (b *binder) anomaly(n anomalyNode) numberFunc {
	slot := b.slot(n.metric.name)
	if slot < 0 {
		return unknownNumber
	}
	i := b.learned.baseline(slot)
	return func(f *frame) float64 {
		if s := &f.slots[slot]; s.at < f.oldest || s.number != s.number {
			return math.NaN()
		}
		return f.learned.baselines[i].score()
	}
}

// cohortZ binds cohort_z(metric, window).
func (b *binder) cohortZ(n cohortNode) numberFunc {
	slot := b.slot(n.metric.name)
	if slot < 0 {
		return unknownNumber
	}
	i := b.learned.cohort(newCohortSpec(slot, int64(n.window), b.every))
	return func(f *frame) float64 {
		s := &f.slots[slot]
		if s.at < f.oldest {
			return math.NaN()
		}
		return f.learned.cohorts[i].z(s.number)
	}
}
