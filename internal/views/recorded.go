package views

import "telltale/rules/backtest"

// Recorded is what one rule has recorded over a stretch of time.
type Recorded struct {
	Alarms  []backtest.Alarm // in the order they were raised, without values and explanation
	Tickets int              // that alarms raised in it have
	More    bool             // there were more alarms, earlier ones
}
