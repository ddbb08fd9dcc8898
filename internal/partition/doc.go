// Package partition works through the log: one goroutine per leased
// partition turns reports into committed effects, exactly once.
//
//	stream.Log --batch--> Worker --+--> rules.Engine    --> transitions --+
//	                               +--> recalls.Watcher --> trace points  +--> Committer: one transaction,
//	                                                        due shipments +    with the checkpoint, fenced by the epoch
//
// The promise: all effects of a batch and the checkpoint that says so commit
// together or not at all. After a crash the worker restores the last snapshot
// of the engine, replays the log up to the checkpoint without effects, and
// goes on from there with effects. Because time is in the log (every batch
// carries when it was appended, and a batch without reports is a tick), the
// replay decides what the first run decided.
//
// Rules that compare devices need those of other partitions. Workers tell each
// other through the database what they know, and save their state with it, so
// that a replay never depends on when they read.
//
// How the rules fare is committed with the effects as well (health.go).
//
// A [Group] holds the leases: it starts a worker for each partition it gets
// and stops it when the lease is lost. A worker that has lost its lease
// without knowing cannot commit, since its epoch is old.
//
// Memory is bounded by the engine's state plus one gathered round of batches:
// while the database is away a worker retries its commit and reads no further.
//
// Start reading at [Worker.Run], then [Group.Run].
package partition
