// Package history keeps what devices reported, for charts, backtests and
// people who look back.
//
//	stream.Log --partition p--> follower --+
//	stream.Log --partition q--> follower --+--> gather --> Store.Write: readings, positions
//	                                             (all partitions together, one transaction)
//
// A [Writer] reads every partition of the log that it can lease, gathers
// reports of all of them for a moment, and hands them to a [Store] together
// with how far each partition is worked through. The store keeps both or
// neither, so nothing is lost and nothing stored twice, whatever is killed.
//
// Order: reports of one device are in one partition, and reach the store in
// the log's order. Memory: one batch being written, one being gathered, and
// one message per partition; while the store is away the writer tries its
// batch again, for ever and ever more slowly, and reads no further, so the
// backlog stays in the log. History being away stops nobody else.
//
// The package knows no database. The Postgres store is in internal/postgres;
// any other one implements [Store] and the queries of the console:
//
//	writer := history.NewWriter(store, source, leases, history.Options{Node: "n1", Partitions: 16})
//	err := writer.Run(ctx)
//
// Start reading at [Store], then [Writer.Run].
package history
