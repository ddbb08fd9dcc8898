package rules

import (
	"math"

	"github.com/expr-lang/expr/ast"
)

// maxCounted bounds how many reports count_where looks back.
const maxCounted = 60

// countWhere checks count_where(temperature > 8, 5).
func (c *checker) countWhere(t *ast.CallNode) node {
	const example = "write count_where(temperature > 8, 5)"
	if len(t.Arguments) != 2 {
		c.fail(t, example, "count_where takes a condition and how many of the latest reports to look at")
		return nil
	}
	condition := c.tracked(t.Arguments[0], "count_where")
	number, ok := t.Arguments[1].(*ast.IntegerNode)
	switch {
	case !ok:
		c.fail(t.Arguments[1], example, "count_where looks at a whole number of reports")
		return nil
	case number.Value < 1 || number.Value > maxCounted:
		c.fail(number, "", "count_where looks at 1 to %d reports", maxCounted)
		return nil
	case condition == nil:
		return nil
	}
	return countWhereNode{condition: condition, reports: number.Value}
}

// starts checks starts(compressor_w > 50, "1h").
func (c *checker) starts(t *ast.CallNode) node {
	span, ok := c.windowSpan(t, `starts(compressor_w > 50, "1h")`)
	if !ok {
		return nil
	}
	condition := c.tracked(t.Arguments[0], "starts")
	if condition == nil {
		return nil
	}
	return startsNode{condition: condition, span: span}
}

// countWhere binds count_where(condition, n): how many of the latest n reports
// that had something new for the condition found that it holds. It is unknown
// until there were so many, without a gap longer than a value stays fresh.
func (b *binder) countWhere(n countWhereNode) numberFunc {
	i := b.tracker(n, n.condition, noteReports, int64(n.reports))
	return func(f *frame) float64 {
		t := &f.trackers[i]
		if len(t.held) < n.reports || f.stale > 0 && f.now-t.at > f.stale {
			return math.NaN()
		}
		count := 0.0
		for _, report := range t.held {
			if report.found() == yes {
				count++
			}
		}
		return count
	}
}

// starts binds starts(condition, span): how often the condition was seen to
// begin. Like time_where it is never unknown: what is not known is not counted.
func (b *binder) starts(n startsNode) numberFunc {
	span := int64(n.span)
	i := b.tracker(n, n.condition, noteStarts, span)
	return func(f *frame) float64 {
		starts := f.trackers[i].held
		count := 0
		for count < len(starts) && starts[len(starts)-1-count].from > f.now-span {
			count++
		}
		return float64(count)
	}
}

// reportSpan is a report as a tracker keeps it: a moment, which is a span of
// no length, where it found that the condition does not hold.
func reportSpan(at int64, found truth) span {
	if found == yes {
		return span{at, at + 1}
	}
	return span{at, at}
}

// found is what the report of a span found.
func (s span) found() truth { return truthOf(s.to > s.from) }

// observeReport notes one report. An unknown one says nothing; two of one
// instant count as one, by the last word.
func (t *tracker) observeReport(now int64, found truth, stale int64, keep int) {
	if found == unknown {
		return
	}
	last := len(t.held) - 1
	switch {
	case last >= 0 && t.at == now:
		t.held[last] = reportSpan(now, found)
	case last >= 0 && stale > 0 && now-t.at > stale:
		t.held = append(t.held[:0], reportSpan(now, found))
	case len(t.held) >= keep:
		copy(t.held, t.held[len(t.held)-keep+1:])
		t.held = append(t.held[:keep-1], reportSpan(now, found))
	default:
		t.held = append(t.held, reportSpan(now, found))
	}
	t.at, t.truth = now, found
}

// observeStart notes that the condition began: that it was seen to hold, and
// not to hold no longer before than a value stays fresh.
func (t *tracker) observeStart(now int64, found truth, stale, keep int64) {
	if found == unknown {
		return
	}
	before := t.truth
	if t.at == 0 || stale > 0 && now-t.at > stale {
		before = unknown
	}
	if found == yes && before == no {
		t.held = append(t.held, span{now, now})
	}
	t.at, t.truth = now, found
	t.forget(now - keep)
}
