package rules

import (
	"fmt"
	"math"
	"slices"
	"time"

	"telltale/devices"
)

// expected is a value on its way to a limit.
type expected struct {
	metric metricNode
	limit  numberNode
	left   time.Duration // until it gets there
}

// outlooks lists the values that a forecast compared with a limit, for each
// such comparison that made a rule's condition true.
func outlooks(r *bound, f *frame) []expected {
	var all []expected
	f.inWords(func() {
		for _, n := range deciding(r.when, r.binder, f, yes) {
			if x, ok := outlookOf(n, r.binder, f); ok {
				all = append(all, x)
			}
		}
	})
	return all
}

// explainOutlook says when a value will pass its limit: "temperature will pass
// 8 °C in about 25 min".
func explainOutlook(r *bound, f *frame) []string {
	var said []string
	for _, x := range outlooks(r, f) {
		said = append(said, fmt.Sprintf("%s will pass %s in about %s.", x.metric.name, limitText(x.limit, x.metric.unit), about(x.left)))
	}
	return said
}

// outlook is what is expected, seen from an event time.
func (x expected) outlook(now int64) *Outlook {
	return &Outlook{
		Metric: x.metric.name, Limit: x.limit.value, Unit: x.metric.unit,
		At: timeOf(now).Add(x.left), InSeconds: int64(math.Round(x.left.Seconds())),
	}
}

// deciding lists the comparisons that made a condition wanted.
func deciding(n node, b *binder, f *frame, wanted truth) []comparisonNode {
	switch n := n.(type) {
	case comparisonNode:
		return []comparisonNode{n}
	case negationNode:
		return deciding(n.operand, b, f, wanted.not())
	case logicNode:
		var all []comparisonNode
		for _, side := range []node{n.left, n.right} {
			if b.truth(side)(f) == wanted {
				all = append(all, deciding(side, b, f, wanted)...)
			}
		}
		return all
	default:
		return nil
	}
}

// outlookOf is when the value of one comparison gets to its limit; false when
// it compares no forecast with a limit, or the limit is passed already.
func outlookOf(n comparisonNode, b *binder, f *frame) (expected, bool) {
	w, isForecast := n.left.(windowNode)
	limit, isLimit := n.right.(numberNode)
	if !isForecast && !isLimit {
		w, isForecast = n.right.(windowNode)
		limit, isLimit = n.left.(numberNode)
	}
	slot := b.slot(w.metric.name)
	if !isForecast || !isLimit || w.name != "forecast" || slot < 0 {
		return expected{}, false
	}
	i := slices.IndexFunc(b.rings, func(spec ringSpec) bool { return spec.slot == slot })
	if i < 0 {
		return expected{}, false
	}
	line, ok := f.rings[i].outlook(f.now, int64(w.span))
	if !ok {
		return expected{}, false
	}
	left, ok := line.reaches(limit.value, w.span)
	if !ok || passed(f.slots[slot].number, limit.value, line.slope) {
		return expected{}, false
	}
	return expected{metric: w.metric, limit: limit, left: left}, true
}

// reaches returns after what time a line comes to a limit, if that is within
// the horizon.
func (l straight) reaches(limit float64, horizon time.Duration) (time.Duration, bool) {
	left := (limit - l.level) / l.slope
	if l.slope == 0 || math.IsNaN(left) || left > horizon.Hours() {
		return 0, false
	}
	return time.Duration(max(0, left) * float64(time.Hour)), true
}

// passed reports whether a value lies beyond a limit already, in the direction
// of the slope.
func passed(value, limit, slope float64) bool {
	return slope > 0 && value > limit || slope < 0 && value < limit
}

func limitText(limit numberNode, unit string) string {
	if limit.written != "" {
		return limit.written
	}
	if symbol := devices.UnitSymbol(unit); symbol != "" {
		return formatNumber(limit.value) + " " + symbol
	}
	return formatNumber(limit.value)
}

// about prints a time that is only roughly known: to the minute, from two
// hours on to five minutes.
func about(d time.Duration) string {
	minutes := int(math.Round(d.Minutes()))
	switch {
	case minutes < 1:
		return "a minute"
	case minutes < 120:
		return fmt.Sprintf("%d min", minutes)
	}
	minutes = (minutes + 2) / 5 * 5
	if minutes%60 == 0 {
		return fmt.Sprintf("%d h", minutes/60)
	}
	return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
}
