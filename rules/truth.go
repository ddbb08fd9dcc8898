package rules

// truth is a value of Kleene's three-valued logic. The zero value is unknown,
// so that nothing is ever taken for true or false by default.
type truth uint8

const (
	unknown truth = iota
	no
	yes
)

// String returns the word used in tests and errors.
func (t truth) String() string {
	switch t {
	case yes:
		return "true"
	case no:
		return "false"
	default:
		return "unknown"
	}
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// not swaps yes and no. What is unknown stays so.
func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	default:
		return unknown
	}
}

// and is no as soon as one side is, whatever the other: a missing value
// cannot change that.
func (t truth) and(u truth) truth {
	switch {
	case t == no || u == no:
		return no
	case t == yes && u == yes:
		return yes
	default:
		return unknown
	}
}

// or is yes as soon as one side is.
func (t truth) or(u truth) truth {
	switch {
	case t == yes || u == yes:
		return yes
	case t == no && u == no:
		return no
	default:
		return unknown
	}
}

// equals compares two truths; unknown equals nothing, not even itself.
func (t truth) equals(u truth) truth {
	if t == unknown || u == unknown {
		return unknown
	}
	return truthOf(t == u)
}
