package history

import (
	"time"

	"telltale/devices"
)

// Bucket is the summary of one metric over one step of time. With a step of
// zero it is a single reading: Min, Avg and Max are its value and N is 1.
type Bucket struct {
	T             time.Time // start of the step, or the reading's ObservedAt
	Min, Avg, Max float64
	N             int64
}

// Query asks for one metric of one device over [From, To).
type Query struct {
	Device   devices.ID
	Metric   string
	From, To time.Time
	Step     time.Duration // zero: every reading
}

// Point is one reading of a metric, a number or a label.
type Point struct {
	T     time.Time // ObservedAt
	Value devices.Value
}
