package rules

import (
	"fmt"
	"math"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

func (c *checker) unary(t *ast.UnaryNode) node {
	if t.Operator == "not" || t.Operator == "!" {
		return negate(c.truth(t.Node))
	}
	operand := c.number(t.Node)
	if operand == nil {
		return nil
	}
	if t.Operator == "+" {
		return operand
	}
	if literal, ok := operand.(numberNode); ok {
		return numberNode{value: -literal.value}
	}
	return arithmeticNode{op: '-', left: numberNode{value: 0}, right: operand}
}

func negate(operand node) node {
	if operand == nil {
		return nil
	}
	return negationNode{operand}
}

func (c *checker) binary(t *ast.BinaryNode) node {
	if lifted, ok := liftNot(t); ok {
		return negate(c.truth(lifted))
	}
	switch t.Operator {
	case "and", "&&", "or", "||":
		left, right := c.truth(t.Left), c.truth(t.Right)
		if left == nil || right == nil {
			return nil
		}
		return logicNode{or: t.Operator == "or" || t.Operator == "||", left: left, right: right}
	case "<", "<=", ">", ">=":
		return c.ordering(t)
	case "==", "!=":
		return c.equality(t)
	case "in":
		return c.member(t)
	case "+", "-", "*", "/", "%":
		return c.arithmetic(t)
	default:
		c.fail(t, "", "the operator %s is not part of the rule language", t.Operator)
		return nil
	}
}

// liftNot takes a leading not out of comparisons and arithmetic. The parser
// binds it tighter than those: it reads `not temperature > 8` as
// `(not temperature) > 8`, which nobody means and which has no other meaning
// in this language; between truths, `(not a) == b` and `not (a == b)` agree.
func liftNot(tree ast.Node) (ast.Node, bool) {
	switch t := tree.(type) {
	case *ast.UnaryNode:
		if t.Operator == "not" || t.Operator == "!" {
			return t.Node, true
		}
	case *ast.BinaryNode:
		if isLogic(t) && !isChain(t) {
			return tree, false
		}
		if left, ok := liftNot(t.Left); ok {
			moved := *t
			moved.Left = left
			return &moved, true
		}
	}
	return tree, false
}

func isLogic(t *ast.BinaryNode) bool {
	switch t.Operator {
	case "and", "&&", "or", "||":
		return true
	}
	return false
}

// isChain reports whether an and was written as a chained comparison: the
// parser turns 2 < t < 8 into 2 < t and t < 8 with one t in both.
func isChain(t *ast.BinaryNode) bool {
	last, ok := t.Left.(*ast.BinaryNode)
	if ok && last.Operator == "&&" && isChain(last) {
		last, ok = last.Right.(*ast.BinaryNode)
	}
	next, isBinary := t.Right.(*ast.BinaryNode)
	return ok && isBinary && t.Operator == "&&" && last.Right == next.Left
}

func (c *checker) ordering(t *ast.BinaryNode) node {
	left, right := c.operand(t.Left), c.operand(t.Right)
	left, right = c.convert(t.Left, left, right), c.convert(t.Right, right, left)
	if left == nil || right == nil || c.unlike(t, left, right) {
		return nil
	}
	return comparisonNode{op: t.Operator, of: kindNumber, left: left, right: right}
}

// equality compares two of a kind. A metric without a unit takes the kind of
// the other side.
func (c *checker) equality(t *ast.BinaryNode) node {
	if c.unquoted(t.Left, t.Right) || c.unquoted(t.Right, t.Left) {
		return nil
	}
	left, right := c.node(t.Left), c.node(t.Right)
	left, right = c.convert(t.Left, left, right), c.convert(t.Right, right, left)
	if left == nil || right == nil || c.unlike(t, left, right) {
		return nil
	}
	n := comparisonNode{op: t.Operator, left: left, right: right}
	l, r := left.kind(), right.kind()
	switch {
	case l == kindAny && r == kindAny:
		n.of = kindAny
	case isText(left) && isText(right):
		n.of = kindText
	case isTruth(left) && isTruth(right) && (l == kindTruth || r == kindTruth):
		n.of = kindTruth
	case isNumeric(left) && isNumeric(right):
		n.of = kindNumber
	default:
		c.fail(t, notNumberHint(left, right), "%s cannot be compared with %s", describeKind(left), describeKind(right))
		return nil
	}
	return n
}

// unquoted reports a text that was written without quotes, as in mode == eco.
func (c *checker) unquoted(word, other ast.Node) bool {
	name, ok := word.(*ast.IdentifierNode)
	metric, isName := other.(*ast.IdentifierNode)
	if !ok || !isName || len(c.scope.metrics[name.Value]) > 0 {
		return false
	}
	m, fault := c.scope.metric(metric.Value)
	if fault != nil || m.of != kindText || len(c.scope.models) == 0 {
		return false
	}
	c.fail(word, fmt.Sprintf("write %q in quotes if it is a text", name.Value), "unknown metric %q", name.Value)
	return true
}

// notNumberHint says what to write instead of a text where a number belongs.
func notNumberHint(sides ...node) string {
	for _, side := range sides {
		text, ok := side.(textNode)
		if !ok {
			continue
		}
		if _, err := strconv.ParseFloat(text.value, 64); err == nil {
			return "write " + text.value + " without quotes"
		}
		if span, err := ParseDuration(text.value); err == nil {
			return fmt.Sprintf("a time is compared in seconds: %s", formatNumber(span.Seconds()))
		}
	}
	return ""
}

func isText(n node) bool  { return n.kind() == kindText || n.kind() == kindAny }
func isTruth(n node) bool { return n.kind() == kindTruth || n.kind() == kindAny }

func (c *checker) arithmetic(t *ast.BinaryNode) node {
	left, right := c.number(t.Left), c.number(t.Right)
	if left == nil || right == nil {
		return nil
	}
	n := arithmeticNode{op: t.Operator[0], left: left, right: right}
	l, leftLiteral := left.(numberNode)
	r, rightLiteral := right.(numberNode)
	if leftLiteral && rightLiteral {
		value := n.apply(l.value, r.value)
		if math.IsNaN(value) {
			c.fail(t, "", "division by zero")
			return nil
		}
		return numberNode{value: value}
	}
	return n
}

// member checks `operand in [literals]`.
func (c *checker) member(t *ast.BinaryNode) node {
	operand := c.node(t.Left)
	list, ok := t.Right.(*ast.ArrayNode)
	if !ok {
		c.fail(t.Right, `as in mode in ["eco", "away"]`, "in is followed by a list")
		return nil
	}
	if len(list.Nodes) == 0 {
		c.fail(list, "", "the list is empty")
	}
	n := memberNode{operand: operand}
	for _, item := range list.Nodes {
		switch value := c.node(item).(type) {
		case nil:
		case numberNode:
			n.numbers = append(n.numbers, value.value)
		case textNode:
			n.texts = append(n.texts, value.value)
		default:
			c.fail(item, "", "a list holds only numbers and texts")
		}
	}
	switch {
	case operand == nil || len(c.problems) > 0:
		return nil
	case len(n.numbers) > 0 && !isNumeric(operand), len(n.texts) > 0 && !isText(operand):
		c.fail(t, "", "%s cannot be in this list", describeKind(operand))
		return nil
	}
	return n
}
