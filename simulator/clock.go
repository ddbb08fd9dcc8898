package simulator

import "time"

// Clock is simulated time: it starts at Start when the wall clock shows Began
// and runs Speed times as fast until it has caught up with the wall clock;
// from then on it is the wall clock. It is never ahead of it.
type Clock struct {
	Start time.Time
	Began time.Time
	Speed float64 // zero: 1
}

// At returns the simulated time when the wall clock shows now.
func (c Clock) At(now time.Time) time.Time {
	speed := c.Speed
	if speed == 0 {
		speed = 1
	}
	passed := max(0, now.Sub(c.Began))
	if lag := c.Began.Sub(c.Start); speed > 1 && passed.Seconds()*(speed-1) >= lag.Seconds() {
		return now // caught up; also keeps the product below within bounds
	}
	simulated := c.Start.Add(time.Duration(float64(passed) * speed))
	if simulated.After(now) {
		return now
	}
	return simulated
}
