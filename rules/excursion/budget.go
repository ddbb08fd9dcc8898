package excursion

import (
	"time"

	"telltale/devices/shipments"
)

// spend returns how much of the budget a track used, and when that was all
// of it: at the first reading at or after the moment it was met.
func spend(b shipments.Budget, spans []span, gaps shipments.GapCount) BudgetUse {
	use := BudgetUse{Budget: b}
	var used, most time.Duration
	for _, sp := range spans {
		if !spends(b, sp, gaps) {
			if !b.Cumulative {
				used = 0
			}
			continue
		}
		if use.UsedUpAt.IsZero() && used+sp.length() >= b.For {
			use.UsedUpAt = sp.seen
			if used >= b.For { // a budget of no time at all is met by the reading itself
				use.UsedUpAt = sp.from
			}
		}
		used += sp.length()
		most = max(most, used)
	}
	use.UsedSeconds = most.Seconds()
	return use
}

// spends reports whether the span counts against the budget.
func spends(b shipments.Budget, sp span, gaps shipments.GapCount) bool {
	if sp.unknown {
		return gaps == shipments.GapWorstCase
	}
	return b.Breached(sp.celsius)
}

// worseUse returns the use of the same budget that leaves less of it, used
// up as early as either.
func worseUse(a, b BudgetUse) BudgetUse {
	if a.UsedSeconds > b.UsedSeconds {
		a, b = b, a
	}
	if a.UsedUp() && (!b.UsedUp() || a.UsedUpAt.Before(b.UsedUpAt)) {
		b.UsedUpAt = a.UsedUpAt
	}
	return b
}

// excursionsOf returns the stretches outside the limits and their time
// together. A change from one side to the other ends a stretch, and so does
// a gap; time that is left out does not.
func excursionsOf(limits shipments.Limits, spans []span) ([]Excursion, time.Duration) {
	var (
		out     []Excursion
		outside time.Duration
		length  time.Duration // of the stretch in progress
		inside  = true
		still   bool // the last reading was outside
	)
	for _, sp := range spans {
		if sp.unknown {
			inside = true
			continue
		}
		still = !limits.Contains(sp.celsius)
		if !still {
			inside = true
			continue
		}
		high := sp.celsius > limits.Max
		if inside || out[len(out)-1].High != high {
			out = append(out, newExcursion(limits, sp, high))
			length = 0
		}
		inside = false
		length += sp.length()
		outside += sp.length()
		out[len(out)-1].extend(sp, length)
	}
	if still {
		out[len(out)-1].Open = true
	}
	return out, outside
}

func newExcursion(limits shipments.Limits, sp span, high bool) Excursion {
	e := Excursion{From: sp.from, High: high, Limit: limits.Min, Extreme: sp.celsius, Logger: sp.logger}
	if high {
		e.Limit = limits.Max
	}
	return e
}

func (e *Excursion) extend(sp span, length time.Duration) {
	e.To = sp.to
	e.Seconds = length.Seconds()
	if e.High {
		e.Extreme = max(e.Extreme, sp.celsius)
		return
	}
	e.Extreme = min(e.Extreme, sp.celsius)
}
