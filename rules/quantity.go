package rules

import (
	"github.com/expr-lang/expr/ast"

	"telltale/devices"
)

// written is the quantity as it stands in a rule.
func (q quantityNode) written() string { return q.unit + "(" + formatNumber(q.value) + ")" }

// unitWords are the units that a misspelt one probably is, and that can be
// written as a word.
func unitWords() []string {
	return []string{
		"A", "K", "Pa", "V", "W", "Wh", "bar", "d", "degC", "degF", "g", "h", "hPa", "kPa", "kW", "kWh", "kg", "km", "lx", "m",
		"mA", "mV", "mbar", "mm", "psi", "s",
	}
}

// quantity checks degF(46): a unit's spelling, called with a number.
func (c *checker) quantity(t *ast.CallNode, unit string) node {
	if len(t.Arguments) == 1 {
		if literal, ok := c.node(t.Arguments[0]).(numberNode); ok && literal.written == "" {
			return quantityNode{value: literal.value, unit: unit}
		}
	}
	c.fail(t, "as in "+unit+"(46)", "%s takes one number", unit)
	return nil
}

// operand checks one side of a comparison of numbers.
func (c *checker) operand(tree ast.Node) node {
	if call, ok := tree.(*ast.CallNode); ok {
		if q, ok := c.node(call).(quantityNode); ok {
			return q
		}
	}
	return c.number(tree)
}

// convert turns n, if it is a quantity, into a number in the unit of the other
// side of its comparison.
func (c *checker) convert(at ast.Node, n, other node) node {
	q, ok := n.(quantityNode)
	if !ok || other == nil {
		return n
	}
	unit, difference := unitOf(other)
	if unit == "" {
		c.fail(at, "", "%s has no unit that %s could be converted to", describeKind(other), q.written())
		return nil
	}
	value, err := devices.Convert(q.value, q.unit, unit)
	if err == nil && difference {
		var zero float64
		zero, err = devices.Convert(0, q.unit, unit)
		value -= zero
	}
	if err != nil {
		c.fail(at, "", "%v", err)
		return nil
	}
	return numberNode{value: value, written: q.written()}
}

// unitOf returns the unit of a number, "" where it has none, and whether it is
// a difference of two values: 9 degrees Fahrenheit more are 5 degrees Celsius
// more, although 9 °F is not 5 °C. A rate's hour stands on both sides.
func unitOf(n node) (unit string, difference bool) {
	switch n := n.(type) {
	case metricNode:
		return n.unit, false
	case windowNode:
		switch n.name {
		case "count":
			return "", false
		case "delta", "stddev", "rate":
			return n.metric.unit, true
		}
		return n.metric.unit, false
	case timeWhereNode, sinceNode:
		return "s", false
	case functionNode:
		return unitOfAll(n.args)
	case arithmeticNode:
		return unitOfSum(n)
	}
	return "", false
}

// unitOfSum returns the unit of a sum or difference of like with like; a plain
// number is taken to be in the unit of what it is added to.
func unitOfSum(n arithmeticNode) (unit string, difference bool) {
	if n.op != '+' && n.op != '-' {
		return "", false
	}
	left, leftDifference := unitOf(n.left)
	right, rightDifference := unitOf(n.right)
	_, rightPlain := n.right.(numberNode)
	switch {
	case left != "" && rightPlain:
		return left, leftDifference
	case left == "" || !sameUnit(left, right):
		return "", false
	case n.op == '-' && leftDifference == rightDifference:
		return left, true
	case rightDifference:
		return left, leftDifference
	}
	return "", false
}

// unlike reports two sides of a comparison that measure different things.
func (c *checker) unlike(at ast.Node, left, right node) bool {
	if left == nil || right == nil {
		return false
	}
	l, _ := unitOf(left)
	r, _ := unitOf(right)
	_, knownLeft := devices.UnitCode(l)
	_, knownRight := devices.UnitCode(r)
	if !knownLeft || !knownRight || sameUnit(l, r) {
		return false
	}
	c.fail(at, "", "%s is in %s and %s in %s", source(left), l, source(right), r)
	return true
}

// unitOfAll returns the unit that all have in common.
func unitOfAll(nodes []node) (unit string, difference bool) {
	unit, difference = unitOf(nodes[0])
	for _, n := range nodes[1:] {
		if u, d := unitOf(n); u != unit || d != difference {
			return "", false
		}
	}
	return unit, difference
}

// sameUnit reports whether two spellings name the same unit.
func sameUnit(a, b string) bool {
	if a == b {
		return true
	}
	codeA, knownA := devices.UnitCode(a)
	codeB, knownB := devices.UnitCode(b)
	return knownA && knownB && codeA == codeB
}
