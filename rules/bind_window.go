package rules

import (
	"math"
	"slices"
)

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
	if n.name == "forecast" {
		return b.forecast(slot, length)
	}
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
	w := windowAt{slot: slot, ring: i, window: b.windowIndex(i, length), length: length}
	return w.function(n.name)
}

// forecast binds forecast(metric, horizon).
func (b *binder) forecast(slot int, horizon int64) numberFunc {
	i := b.ring(slot, forecastLooksBack*horizon)
	return func(f *frame) float64 {
		if f.slots[slot].at < f.oldest {
			return math.NaN()
		}
		return f.rings[i].forecast(f.now, horizon)
	}
}

// windowSpec is a span of one ring that conditions look at.
type windowSpec struct {
	ring   int
	length int64
}

// windowIndex returns the index under which the frame remembers what a window
// holds. Rules that look at the same one share the work.
func (b *binder) windowIndex(ring int, length int64) int {
	return placeIn(&b.windows, windowSpec{ring, length})
}

// placeIn returns where one stands in a list, at the end if it was not there.
func placeIn[T comparable](list *[]T, one T) int {
	i := slices.Index(*list, one)
	if i < 0 {
		i = len(*list)
		*list = append(*list, one)
	}
	return i
}

// remembered is what a window held when it was last asked.
type remembered struct {
	ring    *ring
	version int32
	start   int64
	aggregate
}

// windowAt is where the functions of one window find their data.
type windowAt struct {
	slot, ring, window int
	length             int64
}

// stale reports whether the metric's latest value is.
func (w *windowAt) stale(f *frame) bool { return f.slots[w.slot].at < f.oldest }

// aggregate returns what the window holds now.
func (w windowAt) aggregate(f *frame) *remembered {
	r, start := &f.rings[w.ring], f.now-w.length
	m := &f.windows[w.window]
	if m.ring != r || m.version != r.version || m.start != start {
		*m = remembered{r, r.version, start, r.over(start, f.stale)}
	}
	return m
}

// function returns how one function of the window is computed.
func (w windowAt) function(name string) numberFunc {
	switch name {
	case "avg":
		return w.known(func(m *remembered, _ *frame) float64 { return m.mean() })
	case "min":
		return w.known(func(m *remembered, _ *frame) float64 { return m.min })
	case "max":
		return w.known(func(m *remembered, _ *frame) float64 { return m.max })
	case "stddev":
		return w.known(func(m *remembered, f *frame) float64 { return m.ring.deviation(&m.aggregate, m.start, f.stale) })
	case "rate":
		return func(f *frame) float64 {
			if w.stale(f) {
				return math.NaN()
			}
			return f.rings[w.ring].slope(f.now-w.length, w.length)
		}
	default: // delta
		return func(f *frame) float64 {
			r := &f.rings[w.ring]
			if w.stale(f) || r.count == 0 {
				return math.NaN()
			}
			return r.at(r.count-1).number - r.valueAt(f.now-w.length, f.stale)
		}
	}
}

// known picks a number from what the window holds, while enough of it is known.
func (w windowAt) known(pick func(m *remembered, f *frame) float64) numberFunc {
	return func(f *frame) float64 {
		if w.stale(f) {
			return math.NaN()
		}
		m := w.aggregate(f)
		if 2*m.owned < w.length {
			return math.NaN()
		}
		return pick(m, f)
	}
}
