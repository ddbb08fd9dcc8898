// Package influx keeps the reading history in InfluxDB.
//
//	history.Writer --chunks--> Store.Write --lines--> InfluxDB (idempotent)
//	                               |  then
//	                               +--positions, refusals--> Ledger (one transaction, fenced)
//	console, backtest --> Store.Range, Store.RawPoints --Flux | InfluxQL--> InfluxDB
//
// A report is one point: measurement "readings", tag "device", a float field
// for each of its numbers, and its time in microseconds. Labels are string
// fields of the measurement "labels". So nothing of ours can change a field's
// type, and a point that is written again only writes itself over.
//
// InfluxDB has no transactions. Readings are written first and the positions
// moved after that, so a crash between the two leads to the same points being
// written once more: at least once, and idempotent, is exactly once.
//
// What InfluxDB will never take (a field that somebody else gave another type,
// a time beyond the bucket's retention) is singled out and given to the
// [Ledger] as refused, with the positions. Everything else that fails is
// returned, to be tried again; nothing is dropped and nothing is kept in
// memory beyond the call.
//
// The client's batching and its asynchronous writer are not used: both lose
// data. Queries name devices and metrics by allow-listed characters only; see
// [fieldKey]. The package knows no clock and starts no goroutine that outlives
// a call.
//
// Start reading at [Store.Write], then poster.
package influx
