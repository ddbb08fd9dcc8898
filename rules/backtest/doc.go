// Package backtest says which alarms rules would have raised on readings of
// the past.
//
//	CSV --ReadCSV--> Reading --Run--> rules.Engine --> Result
//
// Readings may come in any order; they are played by their own time, and the
// engine is told the time in between as the gateway would tell it. Devices
// and models that are not declared are inferred from what they measured, so a
// rule can be tried on a file alone; [Result.Assumed] says what was inferred.
//
// All readings of a run are held in memory, about a hundred bytes each.
// Start reading at [Run].
package backtest
