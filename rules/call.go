package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// functionNames are what may be called, sorted.
func functionNames() []string {
	return []string{"abs", "fault", "max", "metric", "min", "silent"}
}

// windowNames are the functions over a window of time, sorted.
func windowNames() []string {
	return []string{"avg", "count", "delta", "forecast", "max", "min", "rate", "since", "stddev", "time_where"}
}

func (c *checker) call(t *ast.CallNode) node {
	callee, ok := t.Callee.(*ast.IdentifierNode)
	if !ok {
		c.fail(t, "", "this cannot be called")
		return nil
	}
	name := callee.Value
	if slices.Contains(windowNames(), name) && (!slices.Contains(functionNames(), name) || endsInText(t)) {
		c.fail(t, "", "%s over a window of time is not supported yet", name)
		return nil
	}
	switch name {
	case "fault":
		return c.fault(t)
	case "silent":
		return c.silent(t)
	case "metric":
		if name, ok := c.textArgument(t, `metric("name")`); ok {
			return c.metric(t.Arguments[0], name)
		}
		return nil
	case "abs", "min", "max":
		return c.function(t, name)
	}
	hint := nearest(name, append(functionNames(), windowNames()...))
	if hint == "" {
		hint = "there are " + strings.Join(functionNames(), ", ")
	}
	c.fail(t, hint, "unknown function %q", name)
	return nil
}

func endsInText(t *ast.CallNode) bool {
	if len(t.Arguments) == 0 {
		return false
	}
	_, ok := t.Arguments[len(t.Arguments)-1].(*ast.StringNode)
	return ok
}

func (c *checker) fault(t *ast.CallNode) node {
	code, ok := c.textArgument(t, `fault("E21")`)
	if !ok {
		return nil
	}
	if !c.scope.knowsFault(code) {
		c.warnings = append(c.warnings, fmt.Sprintf("no model that the rule applies to lists the fault %q", code))
	}
	return faultNode{code}
}

func (c *checker) silent(t *ast.CallNode) node {
	text, ok := c.textArgument(t, `silent("15m")`)
	if !ok {
		return nil
	}
	after, err := parseSpan(text)
	if err != nil {
		c.fail(t.Arguments[0], "", "%v", err)
		return nil
	}
	return silentNode{after}
}

// textArgument returns the only argument of a call, which must be a quoted
// text.
func (c *checker) textArgument(t *ast.CallNode, example string) (string, bool) {
	if len(t.Arguments) == 1 {
		if text, ok := t.Arguments[0].(*ast.StringNode); ok && text.Value != "" {
			return text.Value, true
		}
	}
	c.fail(t, "write "+example, "%s takes one quoted text", t.Callee)
	return "", false
}

func (c *checker) function(t *ast.CallNode, name string) node {
	n := functionNode{name: name}
	for _, argument := range t.Arguments {
		if value := c.number(argument); value != nil {
			n.args = append(n.args, value)
		}
	}
	switch {
	case name == "abs" && len(t.Arguments) != 1:
		c.fail(t, "", "abs takes one number")
	case name != "abs" && len(t.Arguments) < 2:
		c.fail(t, fmt.Sprintf("as in %s(a, b)", name), "%s takes two numbers or more", name)
	}
	if len(n.args) != len(t.Arguments) || len(n.args) == 0 {
		return nil
	}
	return n
}
