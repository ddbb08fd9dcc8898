package rules

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
)

// spoken puts a condition into words; holds is false for its opposite.
func spoken(n node, holds bool) string {
	switch n := n.(type) {
	case negationNode:
		return spoken(n.operand, !holds)
	case logicNode:
		return spokenLogic(n, holds)
	case comparisonNode:
		return spokenComparison(n, holds)
	case memberNode:
		return spokenOperand(n.operand) + is(holds) + " one of " + strings.Trim(listText(n), "[]")
	case faultNode:
		return "fault " + n.code + is(holds) + " present"
	case silentNode:
		if holds {
			return "nothing is heard for " + spokenSpan(n.after)
		}
		return "the device was heard within " + spokenSpan(n.after)
	case truthNode:
		return strconv.FormatBool(n.value == holds)
	default:
		return source(n)
	}
}

func is(holds bool) string {
	if holds {
		return " is"
	}
	return " is not"
}

// spokenLogic joins two conditions. The opposite of "a and b" is "not a or not
// b"; brackets stand where and meets or.
func spokenLogic(n logicNode, holds bool) string {
	or := n.or == holds
	side := func(part node) string {
		text := spoken(part, holds)
		inner, nested := part.(logicNode)
		if nested && (inner.or == holds) != or {
			return "(" + text + ")"
		}
		return text
	}
	word := " and "
	if or {
		word = " or "
	}
	return side(n.left) + word + side(n.right)
}

func spokenComparison(n comparisonNode, holds bool) string {
	if m, ok := n.left.(metricNode); ok && m.of == kindTruth {
		if literal, ok := n.right.(numberNode); ok {
			if (literal.value != 0) == ((n.op == "==") == holds) {
				return spokenName(m) + " is on"
			}
			return spokenName(m) + " is off"
		}
	}
	op := n.op
	if !holds {
		op = opposite(op)
	}
	words := map[string]string{
		">": "is above", ">=": "is at least", "<": "is below", "<=": "is at most", "==": "is", "!=": "is not",
	}
	return spokenOperand(n.left) + " " + words[op] + " " + spokenLimit(n.right, n.left)
}

// spokenLimit is what something is compared with: a number in the unit of the
// other side, or any operand.
func spokenLimit(n, other node) string {
	literal, isNumber := n.(numberNode)
	if !isNumber {
		return spokenOperand(n)
	}
	unit, _ := unitOf(other)
	if _, counts := other.(timeWhereNode); counts || unit == "s" && literal.value >= 60 {
		if literal.value > 0 && literal.value < maxSpan.Seconds() {
			return spokenSpan(time.Duration(math.Round(literal.value * float64(time.Second))))
		}
	}
	text := formatNumber(literal.value)
	if sign := devices.UnitSymbol(unit); sign != "" {
		text += " " + sign
	}
	if w, ok := other.(windowNode); ok && w.name == "rate" {
		text += " per hour"
	}
	if literal.written != "" {
		text += " (" + literal.written + ")"
	}
	return text
}

// spokenOperand puts a value into words.
func spokenOperand(n node) string {
	switch n := n.(type) {
	case numberNode:
		return formatNumber(n.value)
	case textNode:
		return strconv.Quote(n.value)
	case metricNode:
		return spokenName(n)
	case arithmeticNode:
		if n.op == '-' && n.left == (numberNode{value: 0}) {
			return "minus " + spokenOperand(n.right)
		}
		return "(" + spokenOperand(n.left) + " " + map[byte]string{'+': "+", '-': "−", '*': "×", '/': "÷", '%': "modulo"}[n.op] + " " + spokenOperand(n.right) + ")"
	case functionNode:
		return spokenFunction(n)
	case windowNode:
		return spokenWindow(n)
	case timeWhereNode:
		return "the time in the last " + spokenSpan(n.span) + " during which " + spoken(n.condition, true) + ", in all,"
	case sinceNode:
		return "the time since " + spoken(n.condition, true)
	case countWhereNode:
		return fmt.Sprintf("the number of the latest %d reports in which %s", n.reports, spoken(n.condition, true))
	case startsNode:
		return "the number of times in the last " + spokenSpan(n.span) + " that " + spoken(n.condition, true) + " began"
	case anomalyNode:
		return "the unusualness (0 to 1) of " + spokenName(n.metric) + " by the device's own past"
	case cohortNode:
		return "the distance of " + spokenName(n.metric) + " over " + spokenSpan(n.window) + " from the other devices of its model, in deviations,"
	default:
		return "whether " + spoken(n, true)
	}
}

// spokenName is a metric's name without underscores.
func spokenName(m metricNode) string { return strings.ReplaceAll(m.name, "_", " ") }

func spokenFunction(n functionNode) string {
	args := make([]string, len(n.args))
	for i, arg := range n.args {
		args[i] = spokenOperand(arg)
	}
	name := map[string]string{"abs": "the size of ", "min": "the lowest of ", "max": "the highest of "}[n.name]
	return name + strings.Join(args, " and ")
}

func spokenWindow(n windowNode) string {
	metric, span := spokenName(n.metric), spokenSpan(n.span)
	switch n.name {
	case "avg":
		return "the average of " + metric + " over " + span
	case "min":
		return "the lowest " + metric + " over " + span
	case "max":
		return "the highest " + metric + " over " + span
	case "count":
		return "the number of readings of " + metric + " in " + span
	case "delta":
		return "the change of " + metric + " over " + span
	case "stddev":
		return "the spread of " + metric + " over " + span
	case "rate":
		return "the trend of " + metric + " over " + span
	default:
		return "the " + metric + " expected in " + span
	}
}
