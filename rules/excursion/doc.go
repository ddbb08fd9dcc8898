// Package excursion judges the temperatures that a shipment went through. It
// is arithmetic and nothing else: no I/O, no clock, the same numbers for the
// same trace whoever computes them, in whatever order the readings came.
//
//	Shipment + StorageProfile + readings per logger --Assess--> Assessment
//
// The rules, in one place, so that two people get the same number:
//
//   - A reading owns the time from itself to the next one. The last reading
//     of a finished trace owns the median interval of the trace; at a live
//     end it owns nothing yet.
//   - A distance longer than the profile's gap is owned by nobody: it is
//     unknown. So is the time from departure to the first reading and from
//     the last one to the end, when it is as long. A gap ends a consecutive
//     stretch, unless the profile counts gaps as the worst case: then it
//     spends every budget.
//   - The start of each logger (ignore_first), up to its first reading
//     afterwards, is left out and named. It is neither inside nor outside, so
//     it does not end a stretch.
//   - Loggers that follow each other make one track. Loggers whose times
//     overlap are separate tracks, each judged alone; the worst one counts.
//   - Values are compared as they were sent, never rounded. High and low are
//     never netted.
//
// The verdict is the gravest of these: what the used-up budgets say; review
// when a reading lay outside the limits, when the mean kinetic temperature
// passed its bound, or when a gap counts as the worst case; unknown when
// there is a gap that counts as unknown, or nothing to judge; otherwise ok.
//
// Start reading at [Assess], then track.go.
package excursion
