package excursion

import (
	"cmp"
	"math"
	"slices"
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
)

// Trace holds the readings of each logger of a shipment, in any order.
// Readings from outside a logger's time with the shipment are not counted.
type Trace map[devices.ID][]Point

// Assess judges a shipment by its profile. The trace is only read. now is
// when the judgement is made: it becomes ComputedAt, and a logger whose time
// with the shipment ends after now still has a live end.
func Assess(s *shipments.Shipment, p *shipments.StorageProfile, trace Trace, now time.Time) Assessment {
	tracks, strays := tracksOf(s, p, trace, now)

	a := Assessment{Shipment: s.ID, ComputedAt: now, Excluded: strays, Budgets: make([]BudgetUse, len(p.Budgets))}
	for i, b := range p.Budgets {
		a.Budgets[i].Budget = b
	}
	var mkt meanKinetic
	for _, t := range tracks {
		a.addTrack(p, t)
		if p.MKT != nil {
			mkt.addTrack(p.MKT, t)
		}
	}
	a.MKT = mkt.worst
	slices.SortStableFunc(a.Excursions, func(x, y Excursion) int {
		return cmp.Or(x.From.Compare(y.From), cmp.Compare(x.Logger, y.Logger))
	})
	slices.SortStableFunc(a.Gaps, func(x, y Gap) int { return x.From.Compare(y.From) })
	slices.SortStableFunc(a.Excluded, func(x, y Excluded) int { return x.From.Compare(y.From) })

	findings := judge(p, &a, mkt)
	a.Verdict = verdictOf(findings)
	a.Explanation = explain(p, &a, mkt, findings)
	return a
}

// addTrack judges one track and keeps the worse of what it says and of what
// is already there.
func (a *Assessment) addTrack(p *shipments.StorageProfile, t *track) {
	a.TracePoints += len(t.readings)
	a.Gaps = append(a.Gaps, t.gaps...)
	a.Excluded = append(a.Excluded, t.excluded...)
	if n := len(t.readings); n > 0 && t.readings[n-1].At.After(a.DataUntil) {
		a.DataUntil = t.readings[n-1].At
	}

	excursions, outside := excursionsOf(p.Limits, t.spans)
	a.Excursions = append(a.Excursions, excursions...)
	a.SecondsOutside = max(a.SecondsOutside, outside.Seconds())

	for i, b := range p.Budgets {
		a.Budgets[i] = worseUse(a.Budgets[i], spend(b, t.spans, p.Gaps.CountAs))
	}
	if low, high, ok := extremes(t.spans); ok {
		a.Min, a.Max = lower(a.Min, low), higher(a.Max, high)
	}
}

// extremes returns the coldest and the warmest reading; false without any.
func extremes(spans []span) (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, sp := range spans {
		if !sp.unknown {
			low, high, ok = min(low, sp.celsius), max(high, sp.celsius), true
		}
	}
	return low, high, ok
}

func lower(p *float64, v float64) *float64 {
	if p == nil || v < *p {
		return &v
	}
	return p
}

func higher(p *float64, v float64) *float64 {
	if p == nil || v > *p {
		return &v
	}
	return p
}
