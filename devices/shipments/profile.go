package shipments

import "time"

// StorageProfile says what a product tolerates. Every number comes from its
// maker's stability data, named in Source; there are no defaults.
type StorageProfile struct {
	ID      string
	Limits  Limits
	Budgets []Budget
	MKT     *MKT // nil: not judged
	Gaps    GapPolicy

	// IgnoreFirst is excluded from the judgement after each logger starts;
	// the span stays visible in the evidence.
	IgnoreFirst time.Duration

	Source string
}

// Limits is the labelled range in degrees Celsius, inclusive.
type Limits struct{ Min, Max float64 }

// Contains reports whether t is within the limits.
func (l Limits) Contains(t float64) bool { return t >= l.Min && t <= l.Max }

// Budget is the time the product may spend past a limit.
type Budget struct {
	Side       Side
	Limit      float64       // degrees Celsius
	For        time.Duration // used up when this much time has passed
	Cumulative bool          // sum of all stretches; otherwise the longest one
	Verdict    Verdict       // what a used-up budget means
}

// Breached reports whether a value spends the budget.
func (b Budget) Breached(t float64) bool {
	switch b.Side {
	case Above:
		return t > b.Limit
	case AtOrAbove:
		return t >= b.Limit
	case Below:
		return t < b.Limit
	default:
		return t <= b.Limit
	}
}

// Side is the direction of a budget. Above and Below are strict, the other
// two include the limit itself.
type Side string

// Sides, as written in declarations.
const (
	Above     Side = "above"
	AtOrAbove Side = "at_or_above"
	Below     Side = "below"
	AtOrBelow Side = "at_or_below"
)

// Verdict is what an assessment says about a shipment.
type Verdict string

// Verdicts in rising order of gravity, but for Unknown, which stands beside
// them: the data do not allow a judgement.
const (
	OK      Verdict = "ok"
	Unknown Verdict = "unknown"
	Review  Verdict = "review"
	Reject  Verdict = "reject"
)

// Worse returns the graver of two verdicts: ok, unknown, review, reject.
func Worse(a, b Verdict) Verdict {
	if verdictRank(b) > verdictRank(a) {
		return b
	}
	return a
}

func verdictRank(v Verdict) int {
	switch v {
	case Unknown:
		return 1
	case Review:
		return 2
	case Reject:
		return 3
	default:
		return 0
	}
}

// MKT is a bound on the mean kinetic temperature.
type MKT struct {
	Max              float64       // degrees Celsius
	Window           time.Duration // consecutive time it is computed over
	ActivationEnergy float64       // kJ/mol; 83.144 unless product data exist (USP <1160>)
}

// GapPolicy says what time without readings counts as.
type GapPolicy struct {
	LongerThan time.Duration // distance between readings that makes a gap; zero: no gap is ever one
	CountAs    GapCount
}

// GapCount is how a gap enters the judgement.
type GapCount string

// Gap policies: unknown makes the verdict unknown at best; worst_case spends
// every budget.
const (
	GapUnknown   GapCount = "unknown"
	GapWorstCase GapCount = "worst_case"
)
