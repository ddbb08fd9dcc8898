package rules

import "math"

// ring returns the index of the ring that keeps a metric for a span at least.
func (b *binder) ring(slot int, keep int64) int {
	for i := range b.rings {
		if b.rings[i].slot == slot {
			if b.rings[i].keep < keep { // once the set is in use nothing is written here
				b.rings[i].keep = keep
			}
			return i
		}
	}
	b.rings = append(b.rings, ringSpec{slot: slot, keep: keep})
	return len(b.rings) - 1
}

// window binds a function over a window of time that ends now.
//
// All but count are unknown while the metric is stale, and unless at least
// half of the window is owned by readings: one hot minute after a night of
// silence is no hot hour. Count is unknown until the metric has been known
// for the length of the window; a gap in it is what it is there to find.
func (b *binder) window(n windowNode) numberFunc {
	slot := b.slot(n.metric.name)
	if slot < 0 {
		return unknownNumber
	}
	length := int64(n.span)
	i := b.ring(slot, length)
	if n.name == "count" {
		return func(f *frame) float64 {
			r := &f.rings[i]
			if r.since == 0 || r.since > f.now-length {
				return math.NaN()
			}
			return float64(r.countIn(f.now - length))
		}
	}
	compute := windowFunc(n.name, length)
	return func(f *frame) float64 {
		if f.slots[slot].at < f.oldest {
			return math.NaN()
		}
		return compute(&f.rings[i], f.now-length, f.stale)
	}
}

// windowFunc returns how a function is computed from a window's start on.
func windowFunc(name string, length int64) func(r *ring, start, stale int64) float64 {
	half := float64(length) / 2
	of := func(pick func(a *aggregate) float64) func(r *ring, start, stale int64) float64 {
		return func(r *ring, start, stale int64) float64 {
			a := r.over(start, stale)
			if a.owned < half {
				return math.NaN()
			}
			return pick(&a)
		}
	}
	switch name {
	case "avg":
		return of(func(a *aggregate) float64 { return a.mean })
	case "min":
		return of(func(a *aggregate) float64 { return a.min })
	case "max":
		return of(func(a *aggregate) float64 { return a.max })
	case "stddev":
		return of(func(a *aggregate) float64 { return math.Sqrt(a.square / a.owned) })
	case "rate":
		return func(r *ring, start, _ int64) float64 { return r.slope(start, length) }
	default: // delta
		return func(r *ring, start, stale int64) float64 {
			if r.count == 0 {
				return math.NaN()
			}
			return r.at(r.count-1).number - r.valueAt(start, stale)
		}
	}
}

// timeWhere binds time_where(condition, span). It is never unknown: what is
// not known is not counted.
func (b *binder) timeWhere(n timeWhereNode) numberFunc {
	i := b.tracker(n)
	return func(f *frame) float64 { return f.trackers[i].seconds(f.now - int64(n.span)) }
}

// tracker returns the index of the tracker for a condition and a span. Rules
// that say the same share it.
func (b *binder) tracker(n timeWhereNode) int {
	name := source(n)
	for i := range b.trackers {
		if b.trackers[i].name == name {
			return i
		}
	}
	spec := trackerSpec{name: name, holds: b.truth(n.condition), keep: int64(n.span)}
	spec.uses.add(n.condition)
	b.trackers = append(b.trackers, spec)
	return len(b.trackers) - 1
}
