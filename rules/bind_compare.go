package rules

import "slices"

func (b *binder) comparison(n comparisonNode) truthFunc {
	switch n.of {
	case kindTruth:
		left, right := b.truth(n.left), b.truth(n.right)
		if n.op == "!=" {
			return func(f *frame) truth { return left(f).equals(right(f)).not() }
		}
		return func(f *frame) truth { return left(f).equals(right(f)) }
	case kindText:
		return b.compareTexts(n)
	case kindAny:
		return b.compareAny(n)
	}
	if m, ok := n.left.(metricNode); ok {
		if literal, ok := n.right.(numberNode); ok {
			return b.metricWithLiteral(n.op, m, literal.value)
		}
	}
	if literal, ok := n.right.(numberNode); ok {
		return compareWithLiteral(n.op, b.number(n.left), literal.value)
	}
	return compareNumbers(n.op, b.number(n.left), b.number(n.right))
}

func compareWithLiteral(op string, left numberFunc, limit float64) truthFunc {
	holds := ordering(op)
	return func(f *frame) truth {
		v := left(f)
		if v != v {
			return unknown
		}
		return truthOf(holds.less && v < limit || holds.equal && v == limit || holds.greater && v > limit)
	}
}

// metricWithLiteral is the form that nearly every rule has, in one closure.
func (b *binder) metricWithLiteral(op string, m metricNode, limit float64) truthFunc {
	i := b.slot(m.name)
	if i < 0 {
		return unknownTruth
	}
	holds := ordering(op)
	return func(f *frame) truth {
		s := &f.slots[i]
		v := s.number
		if s.at < f.oldest || v != v {
			return unknown
		}
		if holds.less && v < limit || holds.equal && v == limit || holds.greater && v > limit {
			return yes
		}
		return no
	}
}

func compareNumbers(op string, left, right numberFunc) truthFunc {
	holds := ordering(op)
	return func(f *frame) truth {
		l, r := left(f), right(f)
		if l != l || r != r {
			return unknown
		}
		return truthOf(holds.less && l < r || holds.equal && l == r || holds.greater && l > r)
	}
}

// outcomes are the orders of two numbers for which an operator holds.
type outcomes struct{ less, equal, greater bool }

func ordering(op string) outcomes {
	switch op {
	case "<":
		return outcomes{less: true}
	case "<=":
		return outcomes{less: true, equal: true}
	case ">":
		return outcomes{greater: true}
	case ">=":
		return outcomes{greater: true, equal: true}
	case "==":
		return outcomes{equal: true}
	default: // !=
		return outcomes{less: true, greater: true}
	}
}

func (b *binder) compareTexts(n comparisonNode) truthFunc {
	left, right := b.text(n.left), b.text(n.right)
	equal := n.op == "=="
	return func(f *frame) truth {
		l, r := left(f), right(f)
		if l == "" || r == "" {
			return unknown
		}
		return truthOf((l == r) == equal)
	}
}

// compareAny compares two metrics whose kinds are known only now. A number
// and a text are not comparable, so that is unknown rather than unequal.
func (b *binder) compareAny(n comparisonNode) truthFunc {
	numbers := compareNumbers(n.op, b.number(n.left), b.number(n.right))
	texts := b.compareTexts(n)
	return func(f *frame) truth {
		if t := numbers(f); t != unknown {
			return t
		}
		return texts(f)
	}
}

func (b *binder) member(n memberNode) truthFunc {
	var number numberFunc = unknownNumber
	var text textFunc = unknownText
	if isNumeric(n.operand) {
		number = b.number(n.operand)
	}
	if isText(n.operand) {
		text = b.text(n.operand)
	}
	return func(f *frame) truth {
		if v := number(f); v == v {
			return truthOf(slices.Contains(n.numbers, v))
		}
		if s := text(f); s != "" {
			return truthOf(slices.Contains(n.texts, s))
		}
		return unknown
	}
}
