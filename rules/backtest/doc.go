// Package backtest says which alarms rules would have raised on readings of
// the past.
//
//	CSV     --ReadCSV--> Reading --Run---+--> rules.Engine --> Result: alarms, figures,
//	history --stretches of reports--Play-+                     comparison, sweep
//
// Readings may come in any order; they are played by their own time, and the
// engine is told the time in between as the gateway would tell it. Devices
// and models that are not declared are inferred from what they measured, so a
// rule can be tried on a file alone; [Result.Assumed] says what was inferred.
//
// Several wordings of the rules go through one engine in one pass: the rules
// on trial, those that are compared with, and one variant for each value of a
// [Sweep]. [Compare] also compares alarms that were really raised.
//
// Run holds all readings in memory, about a hundred bytes each; Play holds two
// stretches. Start reading at [Run].
package backtest
