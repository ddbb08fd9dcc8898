package rules

// reach is which answers a condition can come to. One that can come to neither
// is unknown for ever.
type reach struct{ yes, no bool }

func (r reach) nowhere() bool { return !r.yes && !r.no }

// missing is which metrics do not come. A count is known all the same once the
// metric has ever been heard: a gap is what it is there to find.
type missing struct{ now, ever func(metric string) bool }

// reachOf returns which answers a condition can come to while metrics are
// missing.
func reachOf(n node, gone missing) reach {
	switch n := n.(type) {
	case truthNode:
		return reach{yes: n.value, no: !n.value}
	case negationNode:
		r := reachOf(n.operand, gone)
		return reach{yes: r.no, no: r.yes}
	case logicNode:
		l, r := reachOf(n.left, gone), reachOf(n.right, gone)
		if n.or {
			return reach{yes: l.yes || r.yes, no: l.no && r.no}
		}
		return reach{yes: l.yes && r.yes, no: l.no || r.no}
	}
	blind := unanswered(n, gone)
	return reach{yes: !blind, no: !blind}
}

// unanswered reports whether a part of a condition is unknown for ever.
func unanswered(n node, gone missing) bool {
	switch n := n.(type) {
	case truthNode, negationNode, logicNode:
		return reachOf(n, gone).nowhere()
	case metricNode:
		return gone.now(n.name)
	case windowNode:
		if n.name == "count" {
			return gone.ever(n.metric.name)
		}
	}
	for _, part := range children(n) {
		if unanswered(part, gone) {
			return true
		}
	}
	return false
}

// cannot says what a rule cannot do while metrics are missing, and which of its
// conditions that is for; "" when it can raise alarms and clear them.
func (c *compiledRule) cannot(gone missing) (what string, condition node) {
	when := reachOf(c.when, gone)
	switch {
	case !when.yes:
		return "raise an alarm", c.when
	case c.clear == nil && !when.no:
		return "clear what it raises", c.when
	case c.clear != nil && !reachOf(c.clear, gone).yes:
		return "clear what it raises", c.clear
	}
	return "", nil
}
