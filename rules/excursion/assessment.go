package excursion

import (
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
)

// Point is one temperature of a trace.
type Point struct {
	At time.Time
	C  float64 // degrees Celsius
}

// Assessment is the judgement of a shipment at one moment, with the
// arithmetic that led to it.
type Assessment struct {
	Shipment       string
	Verdict        shipments.Verdict
	Excursions     []Excursion
	Budgets        []BudgetUse
	SecondsOutside float64 // outside the profile's limits, high and low together
	MKT            *float64
	Gaps           []Gap
	Excluded       []Excluded
	TracePoints    int
	Min, Max       *float64 // coldest and warmest reading that counted
	ComputedAt     time.Time
	DataUntil      time.Time // ObservedAt of the last reading; zero without data
	Explanation    []string
}

// Excursion is an unbroken stretch outside the limits.
type Excursion struct {
	From, To time.Time
	Limit    float64 // the limit that was passed
	High     bool    // above the upper limit; otherwise below the lower one
	Extreme  float64 // the value furthest outside
	Seconds  float64
	Open     bool       // still outside at the last reading
	Logger   devices.ID // who measured it first
}

// BudgetUse is how much of one budget is spent.
type BudgetUse struct {
	Budget      shipments.Budget
	UsedSeconds float64
	UsedUpAt    time.Time // zero: not used up
}

// AllowedSeconds is the size of the budget.
func (b BudgetUse) AllowedSeconds() float64 { return b.Budget.For.Seconds() }

// LeftSeconds is what remains, never below zero.
func (b BudgetUse) LeftSeconds() float64 { return max(0, b.AllowedSeconds()-b.UsedSeconds) }

// UsedUp reports whether nothing remains.
func (b BudgetUse) UsedUp() bool { return !b.UsedUpAt.IsZero() }

// Gap is a stretch without readings that is longer than the profile allows.
type Gap struct{ From, To time.Time }

// Excluded is a stretch that was left out of the judgement, and why.
type Excluded struct {
	From, To time.Time
	Why      string
}
