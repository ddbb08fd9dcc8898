package rules

import (
	"fmt"
	"strconv"
	"strings"
)

// source prints a part of a condition as it could be written.
func source(n node) string {
	switch n := n.(type) {
	case numberNode:
		if n.written != "" {
			return n.written
		}
		return strconv.FormatFloat(n.value, 'g', -1, 64) // exactly: trackers are told apart by it
	case textNode:
		return strconv.Quote(n.value)
	case truthNode:
		return strconv.FormatBool(n.value)
	case metricNode:
		return n.name
	case arithmeticNode:
		return fmt.Sprintf("(%s %c %s)", source(n.left), n.op, source(n.right))
	case functionNode:
		args := make([]string, len(n.args))
		for i, arg := range n.args {
			args[i] = source(arg)
		}
		return n.name + "(" + strings.Join(args, ", ") + ")"
	case comparisonNode:
		return source(n.left) + " " + n.op + " " + source(n.right)
	case memberNode:
		return source(n.operand) + " in " + listText(n)
	case logicNode:
		word := " and "
		if n.or {
			word = " or "
		}
		return "(" + source(n.left) + word + source(n.right) + ")"
	case negationNode:
		return "not (" + source(n.operand) + ")"
	case faultNode:
		return "fault(" + strconv.Quote(n.code) + ")"
	case silentNode:
		return "silent(" + strconv.Quote(formatSpan(n.after)) + ")"
	case windowNode:
		return fmt.Sprintf("%s(%s, %q)", n.name, n.metric.name, formatSpan(n.span))
	case timeWhereNode:
		return fmt.Sprintf("time_where(%s, %q)", source(n.condition), formatSpan(n.span))
	case sinceNode:
		return "since(" + source(n.condition) + ")"
	case countWhereNode:
		return fmt.Sprintf("count_where(%s, %d)", source(n.condition), n.reports)
	case startsNode:
		return fmt.Sprintf("starts(%s, %q)", source(n.condition), formatSpan(n.span))
	case anomalyNode:
		return "anomaly(" + n.metric.name + ")"
	case cohortNode:
		return fmt.Sprintf("cohort_z(%s, %q)", n.metric.name, formatSpan(n.window))
	default:
		return ""
	}
}
