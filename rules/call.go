package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"telltale/devices"
)

// functionNames are what may be called, sorted.
func functionNames() []string {
	return []string{
		"abs", "anomaly", "avg", "cohort_z", "count", "count_where", "delta", "fault", "forecast", "max", "metric", "min", "rate",
		"silent", "since", "starts", "stddev", "time_where",
	}
}

func (c *checker) call(t *ast.CallNode) node {
	callee, ok := t.Callee.(*ast.IdentifierNode)
	if !ok {
		c.fail(t, "", "this cannot be called")
		return nil
	}
	name := callee.Value
	switch name {
	case "avg", "count", "delta", "forecast", "rate", "stddev":
		return c.window(t, name)
	case "min", "max":
		if endsInText(t) {
			return c.window(t, name)
		}
		return c.function(t, name)
	case "time_where":
		return c.timeWhere(t)
	case "since":
		return c.since(t)
	case "count_where":
		return c.countWhere(t)
	case "starts":
		return c.starts(t)
	case "anomaly":
		return c.anomaly(t)
	case "cohort_z":
		return c.cohortZ(t)
	case "fault":
		return c.fault(t)
	case "silent":
		return c.silent(t)
	case "metric":
		if name, ok := c.textArgument(t, `metric("name")`); ok {
			return c.metric(t.Arguments[0], name)
		}
		return nil
	case "abs":
		return c.function(t, name)
	}
	if _, ok := devices.UnitCode(name); ok {
		return c.quantity(t, name)
	}
	hint := Nearest(name, append(functionNames(), unitWords()...))
	if hint == "" {
		hint = "there are " + strings.Join(functionNames(), ", ") + ", and units such as degF"
	}
	c.fail(t, hint, "unknown function or unit %q", name)
	return nil
}

// window checks avg(temperature, "10m") and its like.
func (c *checker) window(t *ast.CallNode, name string) node {
	span, ok := c.windowSpan(t, fmt.Sprintf(`%s(temperature, "10m")`, name))
	if !ok {
		return nil
	}
	switch n := c.node(t.Arguments[0]).(type) {
	case nil:
		return nil
	case metricNode:
		if isNumeric(n) {
			return c.bounded(t, windowNode{name: name, metric: n, span: span})
		}
		c.fail(t.Arguments[0], "", "%s is not a number", describeKind(n))
	default:
		c.fail(t.Arguments[0], "", "%s looks at one metric by its name", name)
	}
	return nil
}

// bounded refuses a window that would hold more readings than are kept.
func (c *checker) bounded(t *ast.CallNode, w windowNode) node {
	for _, m := range c.scope.models {
		if m.ReportEvery > 0 && (w.kept()+2*m.Lateness)/m.ReportEvery > maxRingSize {
			hint := "shorten the window"
			if m.Lateness > 0 {
				hint += fmt.Sprintf(", or the model's lateness (%s), which counts twice", formatSpan(m.Lateness))
			}
			c.fail(t, hint, "%s looks at more than %d readings of model %s, which reports every %s",
				source(w), maxRingSize, m.ID, formatSpan(m.ReportEvery))
			return nil
		}
	}
	return w
}

// timeWhere checks time_where(temperature > 8, "24h").
func (c *checker) timeWhere(t *ast.CallNode) node {
	span, ok := c.windowSpan(t, `time_where(temperature > 8, "24h")`)
	if !ok {
		return nil
	}
	condition := c.tracked(t.Arguments[0], "time_where")
	if condition == nil {
		return nil
	}
	return timeWhereNode{condition: condition, span: span}
}

// since checks since(mode == "defrost").
func (c *checker) since(t *ast.CallNode) node {
	if len(t.Arguments) != 1 {
		c.fail(t, `write since(mode == "defrost")`, "since takes one condition")
		return nil
	}
	condition := c.tracked(t.Arguments[0], "since")
	if condition == nil {
		return nil
	}
	return sinceNode{condition}
}

// tracked checks a condition whose times are kept.
func (c *checker) tracked(tree ast.Node, function string) node {
	condition := c.truth(tree)
	if condition == nil {
		return nil
	}
	var inside uses
	inside.add(condition)
	switch {
	case len(inside.silent) > 0:
		c.fail(tree, "", "silent cannot stand in %s, because nothing is observed while it holds", function)
		return nil
	case inside.tracked:
		c.fail(tree, "", "time_where, since, count_where and starts cannot stand in %s", function)
		return nil
	}
	return condition
}

// windowSpan reads the second of two arguments, the length of the window.
func (c *checker) windowSpan(t *ast.CallNode, example string) (time.Duration, bool) {
	if len(t.Arguments) == 2 {
		if text, ok := t.Arguments[1].(*ast.StringNode); ok {
			span, err := parseSpan(text.Value)
			if err != nil {
				c.fail(text, "", "%v", err)
			}
			return span, err == nil
		}
	}
	c.fail(t, "write "+example, "%s takes two arguments, the second a quoted duration", t.Callee)
	return 0, false
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
		c.warn(t.Arguments[0], nearestFault(code, c.scope), "no model that the rule applies to lists the fault %q", code)
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
	for _, m := range c.scope.models {
		if after < 2*m.ReportEvery {
			c.warn(t.Arguments[0], "give it several reports", "one late report of model %s, which reports every %s, is silence already",
				m.ID, formatSpan(m.ReportEvery))
			break
		}
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
