package rules

import "math"

// timeWhere binds time_where(condition, span). It is never unknown: what is
// not known is not counted.
func (b *binder) timeWhere(n timeWhereNode) numberFunc {
	i := b.tracker(n, n.condition, noteTime, int64(n.span))
	return func(f *frame) float64 { return f.trackers[i].seconds(f.now - int64(n.span)) }
}

// since binds since(condition): how long ago the condition last held. It is
// unknown until the condition has been known once.
func (b *binder) since(n sinceNode) numberFunc {
	i := b.tracker(n, n.condition, noteTime, onlyLast)
	return func(f *frame) float64 {
		t := &f.trackers[i]
		if t.at == 0 || len(t.held) == 0 {
			return math.NaN()
		}
		return t.ago(f.now, f.stale).Seconds()
	}
}

// tracker returns the index of the tracker of a node, which follows its
// condition. Rules that say the same share it.
func (b *binder) tracker(n, condition node, notes noted, keep int64) int {
	name := source(n)
	for i := range b.trackers {
		if b.trackers[i].name == name {
			return i
		}
	}
	spec := trackerSpec{name: name, holds: b.truth(condition), notes: notes, keep: keep}
	spec.uses.add(condition)
	b.trackers = append(b.trackers, spec)
	return len(b.trackers) - 1
}
