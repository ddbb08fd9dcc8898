package excursion

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"telltale/devices/shipments"
)

// explain says in sentences how the verdict came about, with every number
// that a person needs to follow it.
func explain(p *shipments.StorageProfile, a *Assessment, mkt meanKinetic, findings []finding) []string {
	out := []string{dataSentence(a)}
	for _, use := range a.Budgets {
		out = append(out, use.Sentence())
	}
	out = append(out, outsideSentence(p, a))
	if p.MKT != nil && mkt.worst != nil {
		out = append(out, mktSentence(p.MKT, mkt))
	}
	for _, g := range a.Gaps {
		out = append(out, fmt.Sprintf("No reading for %s, from %s to %s: counted as %s.",
			durationText(g.To.Sub(g.From)), timeText(g.From), timeText(g.To), gapText(p.Gaps.CountAs)))
	}
	for _, e := range a.Excluded {
		out = append(out, fmt.Sprintf("Left out, from %s to %s: %s.", timeText(e.From), timeText(e.To), e.Why))
	}
	return append(out, verdictSentence(p, a.Verdict, findings))
}

func dataSentence(a *Assessment) string {
	if a.Min == nil {
		return fmt.Sprintf("%d readings, none of them counted.", a.TracePoints)
	}
	return fmt.Sprintf("%d readings until %s, between %s and %s.",
		a.TracePoints, timeText(a.DataUntil), celsiusText(*a.Min), celsiusText(*a.Max))
}

// Sentence says what the budget allows, what is used and what is left.
func (b BudgetUse) Sentence() string {
	how := "longest unbroken stretch"
	if b.Budget.Cumulative {
		how = "in all"
	}
	condition := conditionText(b.Budget)
	s := fmt.Sprintf("%s for %s of %s allowed (%s)",
		strings.ToUpper(condition[:1])+condition[1:], secondsText(b.UsedSeconds), durationText(b.Budget.For), how)
	if b.UsedUp() {
		return fmt.Sprintf("%s; used up at %s.", s, timeText(b.UsedUpAt))
	}
	return fmt.Sprintf("%s; %s left.", s, secondsText(b.LeftSeconds()))
}

func outsideSentence(p *shipments.StorageProfile, a *Assessment) string {
	switch n := len(a.Excursions); n {
	case 0:
		return fmt.Sprintf("Never outside %s.", limitsText(p.Limits))
	case 1:
		return fmt.Sprintf("Outside %s for %s, in one stretch.", limitsText(p.Limits), secondsText(a.SecondsOutside))
	default:
		return fmt.Sprintf("Outside %s for %s, in %d stretches.", limitsText(p.Limits), secondsText(a.SecondsOutside), n)
	}
}

func mktSentence(bound *shipments.MKT, mkt meanKinetic) string {
	s := fmt.Sprintf("Mean kinetic temperature %.2f °C over the worst %s; at most %s allowed",
		*mkt.worst, durationText(bound.Window), celsiusText(bound.Max))
	if mkt.partial {
		return s + "; not judged before the window is full."
	}
	return s + "."
}

func verdictSentence(p *shipments.StorageProfile, v shipments.Verdict, findings []finding) string {
	var why []string
	for _, f := range findings {
		if f.verdict == v {
			why = append(why, f.why)
		}
	}
	if len(why) == 0 {
		return fmt.Sprintf("Verdict by profile %s: %s.", p.ID, v)
	}
	return fmt.Sprintf("Verdict by profile %s: %s, because %s.", p.ID, v, strings.Join(why, " and "))
}

// conditionText is what spends the budget, such as "above 8 °C".
func conditionText(b shipments.Budget) string {
	switch b.Side {
	case shipments.AtOrAbove:
		return "at or above " + celsiusText(b.Limit)
	case shipments.Below:
		return "below " + celsiusText(b.Limit)
	case shipments.AtOrBelow:
		return "at or below " + celsiusText(b.Limit)
	default:
		return "above " + celsiusText(b.Limit)
	}
}

func limitsText(l shipments.Limits) string {
	return fmt.Sprintf("%s to %s", numberText(l.Min), celsiusText(l.Max))
}

func gapText(g shipments.GapCount) string {
	if g == shipments.GapWorstCase {
		return "the worst case"
	}
	return "unknown"
}

func celsiusText(c float64) string { return numberText(c) + " °C" }

func numberText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func secondsText(s float64) string { return durationText(time.Duration(s * float64(time.Second))) }

// durationText writes "2 h 10 min", "45 min", "30 s". Fractions of a second
// are left out.
func durationText(d time.Duration) string {
	d = d.Truncate(time.Second)
	if d == 0 {
		return "0 min"
	}
	var parts []string
	for _, unit := range [...]struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / unit.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
			d -= n * unit.size
		}
	}
	return strings.Join(parts, " ")
}
