package partition

import (
	"context"
	"time"

	"telltale/rules"
	"telltale/tickets/recalls"
)

// Effects is what one round of a worker leads to. It commits as a whole.
type Effects struct {
	Partition int
	Epoch     int64  // of the worker's lease; an old one must not commit
	Seq       uint64 // the log position that is worked through with this
	Now       time.Time

	Transitions []rules.Transition   // in the order they were decided
	Points      []recalls.TracePoint // temperatures of watched shipments
	Due         []string             // shipments whose assessment may have changed
	Snapshot    *Snapshot            // engine state after Seq; nil: none this time
}

// Snapshot is an engine's state, as [rules.Engine.Snapshot] wrote it.
type Snapshot struct {
	Seq     uint64
	Version int64 // of the declarations it was taken under
	State   []byte
}

// empty reports whether there is nothing to commit. The checkpoint alone is
// not worth a transaction: replaying a batch without effects has none either.
func (e *Effects) empty() bool {
	return len(e.Transitions) == 0 && len(e.Points) == 0 && len(e.Due) == 0 && e.Snapshot == nil
}

// Committer commits effects in one transaction. It returns an error that
// wraps [ErrFenced] when the epoch is no longer current.
type Committer interface {
	Commit(ctx context.Context, effects Effects) error
}

// Store is where a worker finds how far the work is.
type Store interface {
	// RuleCheckpoint returns the position up to which effects of the
	// partition are committed; 0 when there are none.
	RuleCheckpoint(ctx context.Context, partition int) (uint64, error)

	// RuleSnapshot returns the last snapshot; one with Seq 0 when there is none.
	RuleSnapshot(ctx context.Context, partition int) (Snapshot, error)

	// OpenAlarms returns the alarms that are active in the database.
	OpenAlarms(ctx context.Context) ([]rules.OpenAlarm, error)
}
