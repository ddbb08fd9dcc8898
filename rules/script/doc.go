// Package script plays time lines of readings to rules and compares what
// happens with what must happen.
//
//	script.yaml --> Run --> rules.Engine --> Result
//
// A script names rule files and holds tests: a device, a start, a step, a
// series of values for each metric, and what must be true when. Time is the
// script's own, so a month of readings takes a moment.
//
//	rules: [fridge.yaml]
//	tests:
//	  - name: a door open for eleven minutes is an alarm
//	    device: {id: fridge-1, model: FR-200}
//	    start: 2026-01-01T00:00:00Z
//	    every: 1m
//	    series: {temperature: "4x5 9x11 4x20"}
//	    expect:
//	      - {at: 15m, alarm: fridge-warm, state: active}
//	    raised: {fridge-warm: 1}
//
// An expectation may also name severity, occurrences, chattering, held_by and
// a text that the last explanation holds; a test may count what was raised,
// reopened, suppressed, amended and withdrawn in all. Devices have a site, a
// gateway, a customer. What a device observes in some stretch may arrive late.
//
// A rule may carry tests itself: [Own]. They look the same and need not name it.
//
// The package reads the scripts; rule files are read by a function that the
// caller gives, since their form belongs elsewhere. Start reading at [Run].
package script
