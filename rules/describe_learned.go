package rules

import (
	"fmt"
	"math"
	"strconv"
)

// anomalyText says what a score was measured against: "anomaly(temperature)
// 0.97 (84 where 71.2 ± 1.9 is usual at this hour: strayed 1.5 times as far as
// on a usual day)".
func anomalyText(n anomalyNode, b *binder, f *frame) string {
	score := b.number(n)(f)
	if score != score {
		return source(n) + " unknown"
	}
	past := &f.learned.baselines[b.learned.baseline(b.slot(n.metric.name))]
	return fmt.Sprintf("%s %s (%s)", source(n), strconv.FormatFloat(score, 'f', 3, 64), past.say())
}

// say puts into words what the excess of a baseline comes from.
func (b *baseline) say() string {
	value, unrest := b.level.excess(b.days, valueSlack), b.unrest.excess(b.days, movementSlack)
	if unrest > value {
		usual := math.Exp(b.unrest.level)
		word := "as restless"
		if b.unrest.below > b.unrest.above {
			word = "as still"
		}
		return fmt.Sprintf("changes by %s from reading to reading where %s is usual: %s times %s as on a usual day",
			rounded(b.movement, usual), rounded(usual, usual), formatRatio(unrest), word)
	}
	spread := deviation * math.Max(b.level.spread, b.step)
	word := "above"
	if b.level.below > b.level.above {
		word = "below"
	}
	return fmt.Sprintf("expected %s ± %s at this hour, got %s: strayed %s times as far %s as on a usual day",
		rounded(b.level.level+float64(b.byHours[hourOf(b.at)]), spread), rounded(spread, spread), formatNumber(b.value),
		formatRatio(value), word)
}

// cohortText says what a device was compared with: "cohort_z(temperature,
// "24h") 4.2 (9.6 where 38 peers have 4.6 ± 1.2)".
func cohortText(n cohortNode, b *binder, f *frame) string {
	z := b.number(n)(f)
	if z != z {
		return source(n) + " unknown"
	}
	slot := b.slot(n.metric.name)
	c := f.learned.cohorts[b.learned.cohort(newCohortSpec(slot, int64(n.window), b.every))]
	return fmt.Sprintf("%s %s (got %s, the median of %d peers is %s ± %s)", source(n), formatRatio(z),
		formatNumber(f.slots[slot].number), c.peers-1, rounded(c.median, c.scale), rounded(c.scale, c.scale))
}

func formatRatio(v float64) string { return formatNumber(math.Round(v*10) / 10) }

// rounded prints a value to two digits of what it is uncertain by.
func rounded(v, spread float64) string {
	places := 6.0
	if spread > 0 {
		places = math.Max(0, math.Min(6, 1-math.Floor(math.Log10(spread))))
	}
	power := math.Pow(10, places)
	return formatNumber(math.Round(v*power) / power)
}
