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
// A worker decides the next round while the last one is being committed. Rounds
// are committed one by one, in the order they were decided, so what the next
// was decided by is committed before it.
//
// Memory is bounded by the engine's state plus two rounds of effects, one that
// is gathered and one under way: while the database is away a worker retries
// its commit, and reads no further once the next round is full.
//
// Start reading at [Worker.Run], then [Group.Run].
package partition
