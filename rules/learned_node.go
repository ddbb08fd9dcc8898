package rules

import (
	"time"

	"github.com/expr-lang/expr/ast"
)

type (
	// anomalyNode is anomaly(metric), from 0 to 0.999.
	anomalyNode struct{ metric metricNode }

	// cohortNode is cohort_z(metric, "24h"), in deviations.
	cohortNode struct {
		metric metricNode
		window time.Duration
	}
)

func (anomalyNode) kind() kind { return kindNumber }
func (cohortNode) kind() kind  { return kindNumber }

// anomaly checks anomaly(temperature).
func (c *checker) anomaly(t *ast.CallNode) node {
	if len(t.Arguments) != 1 {
		c.fail(t, "write anomaly(temperature)", "anomaly takes one metric")
		return nil
	}
	m, ok := c.learntMetric(t, "anomaly")
	if !ok {
		return nil
	}
	return anomalyNode{m}
}

// cohortZ checks cohort_z(temperature, "24h").
func (c *checker) cohortZ(t *ast.CallNode) node {
	window, ok := c.windowSpan(t, `cohort_z(temperature, "24h")`)
	if !ok {
		return nil
	}
	if window < smallestWindow {
		c.fail(t.Arguments[1], "", "cohort_z looks back for %s at least", formatSpan(smallestWindow))
		return nil
	}
	m, ok := c.learntMetric(t, "cohort_z")
	if !ok {
		return nil
	}
	return cohortNode{metric: m, window: window}
}

// learntMetric checks the first argument of a function that learns. A switch
// has no spread that something could be far from.
func (c *checker) learntMetric(t *ast.CallNode, function string) (metricNode, bool) {
	n := c.node(t.Arguments[0])
	if n == nil {
		return metricNode{}, false
	}
	m, ok := n.(metricNode)
	switch {
	case !ok:
		c.fail(t.Arguments[0], "", "%s looks at one metric by its name", function)
	case m.of == kindTruth || m.of == kindText:
		c.fail(t.Arguments[0], "", "%s is not a number", describeKind(n))
	default:
		return m, true
	}
	return metricNode{}, false
}
