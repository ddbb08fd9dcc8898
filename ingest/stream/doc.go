// Package stream is the durable log between ingest and everything behind it.
//
//	Pipeline --Append--> telemetry.0 --Read--> rules worker, history writer
//	                     telemetry.1 --Read--> ...
//	                     ...
//	                     quarantine  --ReadQuarantine--> quarantine writer
//
// The log is one NATS JetStream stream, either in a server embedded in this
// process or in an external one: the code is the same, only [Options] differ.
// A device always falls into the same partition, so its reports keep their
// order. A message of the log is a [Batch]: many reports of one partition in a
// compact binary form whose first byte is its schema version.
//
// What it promises: when Append returns nil, everything given to it is synced
// to disk (embedded: always; external: as that server is set). When it returns
// an error, some of it may be stored all the same: delivery is at least once.
// AppendedAt never falls within a partition, also across restarts. Nothing is
// ever discarded to make room: a full log refuses, with [ErrFull], until Trim
// has made space.
//
// What it does not do: it keeps no position for its readers. A reader says
// after which sequence it wants to go on, and stores that with its own work.
//
// Start reading at [Batch], then [Log], then [Reader].
package stream
