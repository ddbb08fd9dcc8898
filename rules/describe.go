package rules

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
)

// describe says in words what made a condition yes or no: the parts that
// decided, with the values they saw.
func describe(n node, b *binder, f *frame, wanted truth) string {
	said := "what it saw cannot be told"
	f.inWords(func() { said = strings.Join(reasons(n, b, f, wanted), " and ") })
	return said
}

// reasons lists the parts of a condition that made it wanted.
func reasons(n node, b *binder, f *frame, wanted truth) []string {
	holds := wanted == yes
	switch n := n.(type) {
	case negationNode:
		return reasons(n.operand, b, f, wanted.not())
	case logicNode:
		return logicReasons(n, b, f, wanted)
	case comparisonNode:
		return []string{comparisonText(n, b, f, holds)}
	case memberNode:
		word := " is in "
		if !holds {
			word = " is not in "
		}
		return []string{operandText(n.operand, b, f) + word + listText(n)}
	case faultNode:
		if holds {
			return []string{"fault " + n.code + " is present"}
		}
		return []string{"fault " + n.code + " is not present"}
	case silentNode:
		if holds {
			return []string{"nothing was heard for " + devices.Span(n.after)}
		}
		return []string{"the device was heard again"}
	case truthNode:
		return []string{strconv.FormatBool(n.value)}
	default:
		return nil
	}
}

// logicReasons keeps the operands that agree with the outcome: of an or that
// holds, the sides that hold.
func logicReasons(n logicNode, b *binder, f *frame, wanted truth) []string {
	var said []string
	for _, side := range []node{n.left, n.right} {
		if b.truth(side)(f) != wanted {
			continue
		}
		for _, reason := range reasons(side, b, f, wanted) {
			if !slices.Contains(said, reason) {
				said = append(said, reason)
			}
		}
	}
	return said
}

func comparisonText(n comparisonNode, b *binder, f *frame, holds bool) string {
	if n.of == kindTruth {
		outcome := "false"
		if holds {
			outcome = "true"
		}
		return fmt.Sprintf("%s %s %s is %s", operandText(n.left, b, f), n.op, operandText(n.right, b, f), outcome)
	}
	if m, ok := n.left.(metricNode); ok && m.of == kindTruth && n.right == (numberNode{value: 0}) && n.op == "!=" {
		if holds {
			return m.name + " is on"
		}
		return m.name + " is off"
	}
	op := n.op
	if !holds {
		op = opposite(op)
	}
	return operandText(n.left, b, f) + " " + op + " " + operandText(n.right, b, f)
}

func opposite(op string) string {
	switch op {
	case "<":
		return ">="
	case "<=":
		return ">"
	case ">":
		return "<="
	case ">=":
		return "<"
	case "==":
		return "!="
	default:
		return "=="
	}
}

// operandText prints an operand with the values in it: "temperature 9.1",
// "(torque 51 * wear 215 = 10965)".
func operandText(n node, b *binder, f *frame) string {
	switch n := n.(type) {
	case numberNode:
		if n.written != "" {
			return n.written + " = " + formatNumber(n.value)
		}
		return formatNumber(n.value)
	case textNode:
		return strconv.Quote(n.value)
	case metricNode:
		return n.name + " " + metricText(n, b, f)
	case arithmeticNode:
		if n.op == '-' && n.left == (numberNode{value: 0}) {
			return "-(" + operandText(n.right, b, f) + ")"
		}
		return fmt.Sprintf("(%s %c %s = %s)", operandText(n.left, b, f), n.op, operandText(n.right, b, f), formatNumber(b.number(n)(f)))
	case windowNode, countWhereNode, startsNode:
		return source(n) + " " + formatNumber(b.number(n)(f))
	case timeWhereNode, sinceNode:
		return source(n) + " " + devices.Span(time.Duration(b.number(n)(f)*float64(time.Second)))
	case anomalyNode:
		return anomalyText(n, b, f)
	case cohortNode:
		return cohortText(n, b, f)
	case functionNode:
		args := make([]string, len(n.args))
		for i, arg := range n.args {
			args[i] = operandText(arg, b, f)
		}
		return fmt.Sprintf("%s(%s) = %s", n.name, strings.Join(args, ", "), formatNumber(b.number(n)(f)))
	default:
		return "(" + strings.Join(reasons(n, b, f, b.truth(n)(f)), " and ") + ")"
	}
}

func metricText(n metricNode, b *binder, f *frame) string {
	if n.of == kindTruth {
		switch v := b.number(n)(f); {
		case v != v:
			return "unknown"
		case v == 0:
			return "off"
		default:
			return "on"
		}
	}
	if text := b.text(n)(f); text != "" {
		return strconv.Quote(text)
	}
	return formatNumber(b.number(n)(f))
}

func listText(n memberNode) string {
	items := make([]string, 0, len(n.numbers)+len(n.texts))
	for _, v := range n.numbers {
		items = append(items, formatNumber(v))
	}
	for _, v := range n.texts {
		items = append(items, strconv.Quote(v))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// formatNumber prints a number without trailing noise: a sensor's 9.1 stays
// 9.1, a computed 10.100000000000001 becomes 10.1.
func formatNumber(v float64) string {
	if v != v {
		return "unknown"
	}
	if math.Abs(v) >= 1e15 || v != 0 && math.Abs(v) < 1e-6 {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	s := strconv.FormatFloat(v, 'f', 6, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// formatTime prints an event time, with its date only where it differs from
// the day of the decision.
func formatTime(at, now int64) string {
	t, day := timeOf(at), timeOf(now)
	if t.Format(time.DateOnly) == day.Format(time.DateOnly) {
		return t.Format("15:04:05 UTC")
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}
