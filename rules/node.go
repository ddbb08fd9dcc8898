package rules

import "time"

// kind is what a part of a condition yields.
type kind uint8

const (
	kindNumber kind = iota
	kindTruth
	kindText
	kindAny // a metric without a unit: a number or a text, known only when it arrives
)

// node is a part of a condition whose names and kinds have been checked. It
// is the same for all models; [binder] turns it into closures for one.
type node interface {
	kind() kind
}

type (
	// numberNode is a number, in the unit that it is compared in.
	numberNode struct {
		value   float64
		written string // as the rule has it, where that names a unit: "degF(46)"
	}
	textNode  struct{ value string }
	truthNode struct{ value bool }

	// metricNode is a metric's latest value.
	metricNode struct {
		name string
		of   kind // kindNumber, kindTruth for switches, kindText or kindAny
		unit string
	}

	// arithmeticNode is one of + - * / %.
	arithmeticNode struct {
		op          byte
		left, right node
	}

	// functionNode is abs, min or max of numbers.
	functionNode struct {
		name string
		args []node
	}

	// comparisonNode is one of < <= > >= == != between two operands.
	comparisonNode struct {
		op          string
		of          kind // how both sides are compared
		left, right node
	}

	// memberNode is `operand in [...]`, all of whose items are literals.
	memberNode struct {
		operand node
		numbers []float64
		texts   []string
	}

	// logicNode is and, or.
	logicNode struct {
		or          bool
		left, right node
	}

	negationNode struct{ operand node }

	// faultNode is fault("code").
	faultNode struct{ code string }

	// silentNode is silent("15m").
	silentNode struct{ after time.Duration }

	// windowNode is a function of a metric's readings over a span of time.
	windowNode struct {
		name   string // avg, min, max, count, delta, stddev, rate or forecast
		metric metricNode
		span   time.Duration
	}

	// timeWhereNode is time_where(condition, "24h"), in seconds.
	timeWhereNode struct {
		condition node
		span      time.Duration
	}

	// sinceNode is since(condition), in seconds.
	sinceNode struct{ condition node }

	// countWhereNode is count_where(condition, 5), of the latest reports.
	countWhereNode struct {
		condition node
		reports   int
	}

	// startsNode is starts(condition, "1h"): how often it began to hold.
	startsNode struct {
		condition node
		span      time.Duration
	}

	// quantityNode is a number with a unit, as in degF(46). The checker turns
	// it into a number in the unit of what it is compared with.
	quantityNode struct {
		value float64
		unit  string // as written
	}
)

func (numberNode) kind() kind     { return kindNumber }
func (textNode) kind() kind       { return kindText }
func (truthNode) kind() kind      { return kindTruth }
func (n metricNode) kind() kind   { return n.of }
func (arithmeticNode) kind() kind { return kindNumber }
func (functionNode) kind() kind   { return kindNumber }
func (comparisonNode) kind() kind { return kindTruth }
func (memberNode) kind() kind     { return kindTruth }
func (logicNode) kind() kind      { return kindTruth }
func (negationNode) kind() kind   { return kindTruth }
func (faultNode) kind() kind      { return kindTruth }
func (silentNode) kind() kind     { return kindTruth }
func (windowNode) kind() kind     { return kindNumber }
func (timeWhereNode) kind() kind  { return kindNumber }
func (sinceNode) kind() kind      { return kindNumber }
func (countWhereNode) kind() kind { return kindNumber }
func (startsNode) kind() kind     { return kindNumber }
func (quantityNode) kind() kind   { return kindNumber }

// kept is for how long the readings are needed.
func (n windowNode) kept() time.Duration {
	if n.name == "forecast" {
		return forecastLooksBack * n.span
	}
	return n.span
}

// children returns the operands of a node, left to right.
func children(n node) []node {
	switch n := n.(type) {
	case arithmeticNode:
		return []node{n.left, n.right}
	case functionNode:
		return n.args
	case comparisonNode:
		return []node{n.left, n.right}
	case memberNode:
		return []node{n.operand}
	case logicNode:
		return []node{n.left, n.right}
	case negationNode:
		return []node{n.operand}
	case windowNode:
		return []node{n.metric}
	case timeWhereNode:
		return []node{n.condition}
	case sinceNode:
		return []node{n.condition}
	case countWhereNode:
		return []node{n.condition}
	case startsNode:
		return []node{n.condition}
	case anomalyNode:
		return []node{n.metric}
	case cohortNode:
		return []node{n.metric}
	default:
		return nil
	}
}

// uses is what a condition looks at.
type uses struct {
	metrics []string // each once, in order of appearance
	faults  bool
	silent  []time.Duration
	tracked bool // a function that follows a condition stands in it
	peers   bool // it compares the device with others
}

func (u *uses) add(n node) {
	switch n := n.(type) {
	case nil:
		return
	case metricNode:
		for _, name := range u.metrics {
			if name == n.name {
				return
			}
		}
		u.metrics = append(u.metrics, n.name)
	case faultNode:
		u.faults = true
	case silentNode:
		u.silent = append(u.silent, n.after)
	case timeWhereNode, sinceNode, countWhereNode, startsNode:
		u.tracked = true
	case cohortNode:
		u.peers = true
	}
	for _, child := range children(n) {
		u.add(child)
	}
}

func (u *uses) nothing() bool { return len(u.metrics) == 0 && !u.faults && len(u.silent) == 0 }
