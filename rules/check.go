package rules

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
)

// checker gives meaning to a syntax tree: it resolves names against a scope,
// gives each part a kind and gathers every problem. A part that has a problem
// is nil, and what stands on it keeps quiet.
type checker struct {
	scope    *scope
	problems []problem
	warnings []problem
	visited  int
}

// checkCondition reads a condition. The node is nil when there are problems.
func checkCondition(text string, s *scope) (n node, problems, warnings []problem) {
	tree, fault := parse(text)
	if fault != nil {
		return nil, []problem{*fault}, nil
	}
	c := checker{scope: s}
	n = c.truth(tree)
	if len(c.problems) > 0 {
		return nil, c.problems, nil
	}
	return n, nil, c.warnings
}

func (c *checker) fail(at ast.Node, hint, format string, args ...any) {
	p := problem{offset: at.Location().From, text: fmt.Sprintf(format, args...), hint: hint}
	for _, known := range c.problems {
		if known == p {
			return // a chained comparison shows its middle operand twice
		}
	}
	c.problems = append(c.problems, p)
}

// warn notes what is valid but probably not meant.
func (c *checker) warn(at ast.Node, hint, format string, args ...any) {
	c.warnings = append(c.warnings, problem{offset: at.Location().From, text: fmt.Sprintf(format, args...), hint: hint})
}

// node checks one part of the tree.
func (c *checker) node(tree ast.Node) node {
	// Chained comparisons share operands, so the tree is a graph, and walking
	// it can take far more steps than it has nodes.
	if c.visited++; c.visited > maxConditionNodes {
		if c.visited == maxConditionNodes+1 {
			c.fail(tree, "split the rule", tooManyParts)
		}
		return nil
	}
	switch t := tree.(type) {
	case *ast.IntegerNode:
		return numberNode{value: float64(t.Value)}
	case *ast.FloatNode:
		return numberNode{value: t.Value}
	case *ast.StringNode:
		return textNode{t.Value}
	case *ast.BoolNode:
		return truthNode{t.Value}
	case *ast.IdentifierNode:
		return c.metric(t, t.Value)
	case *ast.UnaryNode:
		return c.unary(t)
	case *ast.BinaryNode:
		return c.binary(t)
	case *ast.CallNode:
		return c.call(t)
	case *ast.ArrayNode:
		c.fail(t, `as in mode in ["eco", "away"]`, "a list stands only after in")
	case *ast.MemberNode, *ast.ChainNode, *ast.SliceNode:
		c.fail(t, "a metric is written by its bare name", "there is nothing to look into")
	default:
		c.fail(t, "", "this is not part of the rule language")
	}
	return nil
}

func (c *checker) metric(at ast.Node, name string) node {
	m, fault := c.scope.metric(name)
	if fault != nil {
		c.fail(at, fault.hint, "%s", fault.text)
		return nil
	}
	return m
}

// truth checks a part that must be true or false.
func (c *checker) truth(tree ast.Node) node {
	n := c.node(tree)
	if n == nil {
		return nil
	}
	if m, ok := n.(metricNode); ok && (m.of == kindTruth || m.of == kindAny) {
		return comparisonNode{op: "!=", of: kindNumber, left: m, right: numberNode{value: 0}}
	}
	if n.kind() == kindTruth {
		return n
	}
	hint := "compare it with something"
	if m, ok := n.(metricNode); ok && m.of == kindNumber {
		hint = fmt.Sprintf("compare it, as in %s > 0", m.name)
	}
	c.fail(tree, hint, "%s is neither true nor false", describeKind(n))
	return nil
}

// number checks a part that must be a number. A switch counts as 1 or 0.
func (c *checker) number(tree ast.Node) node {
	n := c.node(tree)
	if n == nil || isNumeric(n) {
		return n
	}
	if q, ok := n.(quantityNode); ok {
		c.fail(tree, "as in temperature > "+q.written(), "%s stands only in a comparison", q.written())
		return nil
	}
	c.fail(tree, notNumberHint(n), "%s is not a number", describeKind(n))
	return nil
}

func isNumeric(n node) bool {
	switch n := n.(type) {
	case metricNode:
		return n.of != kindText
	case quantityNode:
		return false // not yet: it depends on what it is compared with
	}
	return n.kind() == kindNumber
}

// describeKind names a part for an error.
func describeKind(n node) string {
	switch n := n.(type) {
	case metricNode:
		switch n.of {
		case kindNumber:
			return fmt.Sprintf("%s (a number in %s)", n.name, n.unit)
		case kindText:
			return n.name + " (a text)"
		case kindTruth:
			return n.name + " (a switch)"
		default:
			return n.name
		}
	case textNode:
		return fmt.Sprintf("the text %q", n.value)
	case quantityNode:
		return n.written()
	case numberNode:
		return "the number " + formatNumber(n.value)
	}
	switch n.kind() {
	case kindTruth:
		return "a condition"
	case kindText:
		return "a text"
	default:
		return "a number"
	}
}
