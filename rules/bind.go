package rules

import (
	"math"
	"slices"
)

// frame is what a condition is evaluated against: one device at one instant.
type frame struct {
	device *device // that it was prepared for, at the log time at; nil: none, or it has changed since
	at     int64

	slots  []slot
	now    int64 // event time, in Unix nanoseconds
	oldest int64 // a value observed before this is stale

	faults      []string
	faultsKnown bool

	rings    []ring
	trackers []tracker
	learned  *learned
	windows  []remembered // by the model's windows
	stale    int64        // age at which a value is stale; 0: never

	// How long nothing was heard from the device, on our clock: in all, and
	// as far as we were listening. They differ after an outage of our own.
	quiet, quietHeard int64

	speechless any // why a decision could not be put into words; nil: it could
}

// slot is the latest value of one metric of one device.
type slot struct {
	at     int64   // event time; never before the first reading
	number float64 // NaN when the value is a text
	text   string  // "" when the value is a number
}

// never is the time of a slot that has had no reading: always stale.
const never = math.MinInt64

// The compiled forms of conditions. An unknown number is NaN, which poisons
// arithmetic by itself; an unknown text is "", which is never a value.
type (
	numberFunc func(*frame) float64
	truthFunc  func(*frame) truth
	textFunc   func(*frame) string
)

// binder turns checked conditions into closures for one model, and notes
// what a device must keep for them.
type binder struct {
	layout   map[string]int // metric name to slot
	rings    []ringSpec     // readings to keep
	trackers []trackerSpec  // conditions to add up
	windows  []windowSpec   // spans to remember within a frame
	learned  learnedSpec    // what to learn
	every    int64          // how often the model reports; 0: unknown
}

func (b *binder) slot(name string) int {
	if i, ok := b.layout[name]; ok {
		return i
	}
	return -1 // a metric that this model has not: unknown for ever
}

func unknownTruth(*frame) truth    { return unknown }
func unknownNumber(*frame) float64 { return math.NaN() }
func unknownText(*frame) string    { return "" }

func (b *binder) truth(n node) truthFunc {
	switch n := n.(type) {
	case truthNode:
		value := truthOf(n.value)
		return func(*frame) truth { return value }
	case metricNode:
		return b.comparison(comparisonNode{op: "!=", of: kindNumber, left: n, right: numberNode{value: 0}})
	case comparisonNode:
		return b.comparison(n)
	case memberNode:
		return b.member(n)
	case logicNode:
		return b.logic(n)
	case negationNode:
		operand := b.truth(n.operand)
		return func(f *frame) truth { return operand(f).not() }
	case faultNode:
		return func(f *frame) truth {
			if !f.faultsKnown {
				return unknown
			}
			return truthOf(slices.Contains(f.faults, n.code))
		}
	case silentNode:
		after := int64(n.after)
		return func(f *frame) truth {
			switch {
			case f.quietHeard >= after:
				return yes
			case f.quiet >= after:
				return unknown // nobody was listening all that time
			default:
				return no
			}
		}
	default:
		return unknownTruth
	}
}

func (b *binder) logic(n logicNode) truthFunc {
	left, right := b.truth(n.left), b.truth(n.right)
	if n.or {
		return func(f *frame) truth {
			l := left(f)
			if l == yes {
				return yes
			}
			return l.or(right(f))
		}
	}
	return func(f *frame) truth {
		l := left(f)
		if l == no {
			return no
		}
		return l.and(right(f))
	}
}

func (b *binder) number(n node) numberFunc {
	switch n := n.(type) {
	case numberNode:
		return func(*frame) float64 { return n.value }
	case metricNode:
		return b.metric(n)
	case arithmeticNode:
		return b.arithmetic(n)
	case functionNode:
		return b.function(n)
	case windowNode:
		return b.window(n)
	case timeWhereNode:
		return b.timeWhere(n)
	case sinceNode:
		return b.since(n)
	case countWhereNode:
		return b.countWhere(n)
	case startsNode:
		return b.starts(n)
	case anomalyNode:
		return b.anomaly(n)
	case cohortNode:
		return b.cohortZ(n)
	default:
		return unknownNumber
	}
}

func (b *binder) metric(n metricNode) numberFunc {
	i := b.slot(n.name)
	if i < 0 {
		return unknownNumber
	}
	return func(f *frame) float64 {
		s := &f.slots[i]
		if s.at < f.oldest {
			return math.NaN()
		}
		return s.number
	}
}

func (b *binder) arithmetic(n arithmeticNode) numberFunc {
	left, right := b.number(n.left), b.number(n.right)
	switch n.op {
	case '+':
		return func(f *frame) float64 { return left(f) + right(f) }
	case '-':
		return func(f *frame) float64 { return left(f) - right(f) }
	case '*':
		return func(f *frame) float64 { return left(f) * right(f) }
	default:
		return func(f *frame) float64 { return n.apply(left(f), right(f)) }
	}
}

// apply does the arithmetic on two numbers. What has no result is unknown.
func (n arithmeticNode) apply(l, r float64) float64 {
	switch n.op {
	case '+':
		return l + r
	case '-':
		return l - r
	case '*':
		return l * r
	}
	if r == 0 {
		return math.NaN()
	}
	if n.op == '/' {
		return l / r
	}
	return math.Mod(l, r)
}

func (b *binder) function(n functionNode) numberFunc {
	args := make([]numberFunc, len(n.args))
	for i, arg := range n.args {
		args[i] = b.number(arg)
	}
	first := args[0]
	if n.name == "abs" {
		return func(f *frame) float64 { return math.Abs(first(f)) }
	}
	pick := math.Min
	if n.name == "max" {
		pick = math.Max
	}
	return func(f *frame) float64 {
		result := first(f)
		for _, arg := range args[1:] {
			result = strict(pick, result, arg(f))
		}
		return result
	}
}

// strict applies pick to two numbers that are both known. math.Min and
// math.Max let an infinity win over NaN; to us NaN is unknown and stays so.
func strict(pick func(a, b float64) float64, a, b float64) float64 {
	if a != a || b != b {
		return math.NaN()
	}
	return pick(a, b)
}

func (b *binder) text(n node) textFunc {
	switch n := n.(type) {
	case textNode:
		return func(*frame) string { return n.value }
	case metricNode:
		i := b.slot(n.name)
		if i < 0 {
			return unknownText
		}
		return func(f *frame) string {
			s := &f.slots[i]
			if s.at < f.oldest {
				return ""
			}
			return s.text
		}
	default:
		return unknownText
	}
}
