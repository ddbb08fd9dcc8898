package rules

import (
	"math"
	"math/bits"
)

// need is what has to be so for a condition to hold, and is looked up at once:
// a number, or one that bounds it, at or beyond a limit. Most readings are far
// from all limits. A rule at rest whose need is not met is spared: evaluated,
// it would stay at rest.
type need struct {
	of    needOf
	below bool // at or below the limit; else at or above
	index int  // of the slot or the ring
	limit float64
}

// needOf is what a need looks at.
type needOf uint8

const (
	ofNothing needOf = iota // the condition may always hold
	ofValue                 // the latest value
	ofRing                  // all values that windows may see
	ofSpread                // how far these are apart
)

// mayHold reports whether a need is met. What is not known meets none.
func (n *need) mayHold(d *device) bool {
	var low, high float64
	switch n.of {
	case ofValue:
		low = d.slots[n.index].number
		high = low
	case ofRing:
		low, high = d.rings[n.index].low, d.rings[n.index].high
	case ofSpread:
		high = d.rings[n.index].high - d.rings[n.index].low
		low = -high
	default:
		return true
	}
	if n.below {
		return low <= n.limit
	}
	return high >= n.limit
}

// needOf finds the need of a condition, in one of the parts that must hold all
// together.
func (b *binder) needOf(n node) need {
	switch n := n.(type) {
	case comparisonNode:
		return b.needOfComparison(n)
	case logicNode:
		if n.or {
			return need{}
		}
		if left := b.needOf(n.left); left.of != ofNothing {
			return left
		}
		return b.needOf(n.right)
	default:
		return need{}
	}
}

func (b *binder) needOfComparison(n comparisonNode) need {
	limit, isNumber := n.right.(numberNode)
	if !isNumber || n.of != kindNumber || n.op == "!=" {
		return need{}
	}
	of, index := b.boundOf(n.left)
	slack := 0.0
	if of == ofRing || of == ofSpread {
		slack = 1e-9 * math.Abs(limit.value) // a mean may be a rounding above the highest value
	}
	if n.op == "<" || n.op == "<=" {
		return need{of: of, index: index, below: true, limit: limit.value + slack}
	}
	return need{of: of, index: index, limit: limit.value - slack}
}

// boundOf finds what a number cannot be beyond.
func (b *binder) boundOf(n node) (of needOf, index int) {
	switch n := n.(type) {
	case metricNode:
		if slot := b.slot(n.name); slot >= 0 {
			return ofValue, slot
		}
	case windowNode:
		slot := b.slot(n.metric.name)
		if slot < 0 {
			return ofNothing, 0
		}
		switch n.name {
		case "avg", "min", "max":
			return ofRing, b.ring(slot, int64(n.span))
		case "delta":
			return ofSpread, b.ring(slot, int64(n.span))
		}
	case arithmeticNode:
		left, i := b.boundOf(n.left)
		right, k := b.boundOf(n.right)
		if n.op == '-' && left == ofRing && right == ofRing && i == k {
			return ofSpread, i
		}
	}
	return ofNothing, 0
}

// spare takes the marks of the rules at rest whose need is not met.
func (e *Engine) spare(d *device) {
	for word, marked := range e.round.marks {
		for rest := marked & d.plan.needy[word] &^ d.busy[word]; rest != 0; rest &= rest - 1 {
			i := word*64 + bits.TrailingZeros64(rest)
			if !d.plan.needs[i].mayHold(d) {
				e.round.marks[word] &^= rest & -rest
			}
		}
	}
}
