package rules

import (
	"errors"
	"regexp"
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

// ComparedNumber is a number in a condition that something is compared with:
// the 8 of `temperature > 8`. It is what people turn when an alarm comes too
// often, so a backtest tries several in its place.
type ComparedNumber struct {
	Value  float64
	Before string // what stands before it, as in "temperature >"; for a number on the left what stands behind, as in "< temperature"
	Metric string // whose unit it has; "" where it is in a unit of its own or in none

	from, to int // in characters
}

// ComparedNumbers lists the numbers that a condition compares with, from left
// to right. A condition that cannot be read has none.
func ComparedNumbers(condition string) []ComparedNumber {
	tree, fault := parse(condition)
	if fault != nil {
		return nil
	}
	finder := numberFinder{text: []rune(condition)}
	ast.Walk(&tree, &finder)
	slices.SortFunc(finder.found, func(a, b ComparedNumber) int { return a.from - b.from })
	return finder.found
}

// errNoLonger says that a number is not of the condition it is put into.
var errNoLonger = errors.New("the condition does not hold this number")

// Replace returns a condition with another value in place of the number, which
// must have been found in it.
func (n ComparedNumber) Replace(condition string, value float64) (string, error) {
	text := []rune(condition)
	if n.from < 0 || n.from >= n.to || n.to > len(text) {
		return "", errNoLonger
	}
	written := strconv.FormatFloat(value, 'f', -1, 64)
	return string(text[:n.from]) + written + string(text[n.to:]), nil
}

type numberFinder struct {
	text  []rune
	found []ComparedNumber
}

// Visit is the tree walker's.
func (f *numberFinder) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.BinaryNode)
	if !ok || !slices.Contains([]string{"<", "<=", ">", ">=", "==", "!="}, n.Operator) {
		return
	}
	f.add(n.Right, n.Left.String()+" "+n.Operator, n.Left)
	f.add(n.Left, n.Operator+" "+n.Right.String(), n.Right)
}

// add notes a side of a comparison if it is a number, bare or in a unit.
func (f *numberFinder) add(side ast.Node, before string, other ast.Node) {
	metric := metricWithin(other)
	if call, ok := side.(*ast.CallNode); ok && len(call.Arguments) == 1 {
		name, ok := call.Callee.(*ast.IdentifierNode)
		if !ok || isMeasure(other) {
			return
		}
		side, before, metric = call.Arguments[0], before+" "+name.Value+"(", ""
	}
	from := side.Location().From
	number := side
	if minus, ok := side.(*ast.UnaryNode); ok && minus.Operator == "-" {
		number = minus.Node
	}
	var read float64
	switch number := number.(type) {
	case *ast.IntegerNode:
		read = float64(number.Value)
	case *ast.FloatNode:
		read = number.Value
	default:
		return
	}
	digits := number.Location().From
	literal := numberLiteral.FindString(string(f.text[min(digits, len(f.text)):]))
	value, err := strconv.ParseFloat(literal, 64)
	if err != nil || value != read {
		return // written in a way of its own, such as 0x10
	}
	if number != side {
		if digits != from+1 {
			return // -(8) or - 8
		}
		value = -value
	}
	f.found = append(f.found, ComparedNumber{Value: value, Before: before, Metric: metric, from: from, to: digits + len(literal)})
}

var numberLiteral = regexp.MustCompile(`^[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?`)

// isMeasure reports whether a node is a number itself, so that a call on the
// other side is what is measured and not a quantity.
func isMeasure(n ast.Node) bool {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.UnaryNode:
		return true
	}
	return false
}

// metricWithin returns the metric whose unit an operand has: that of a bare
// name, or of a function that keeps the unit.
func metricWithin(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.CallNode:
		callee, ok := n.Callee.(*ast.IdentifierNode)
		if ok && len(n.Arguments) > 0 && slices.Contains([]string{"avg", "min", "max", "delta", "stddev", "forecast"}, callee.Value) {
			return metricWithin(n.Arguments[0])
		}
	}
	return ""
}
