package partition

import (
	"context"
	"slices"
	"strings"
	"time"

	"telltale/devices"
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
	Due         []Due                // shipments whose assessment may have changed, by id, each once
	Inhibited   *Inhibited           // what the engine was told of other partitions; nil: nothing new
	Snapshot    *Snapshot            // engine state after Seq, that no replay may come to by itself; nil: none
	Health      []HealthChange       // rules that are not well, or well again
	Cohorts     []byte               // what other partitions need to know of this one's devices; nil: nothing new

	// Causes are the messages that transitions and due shipments name by
	// their Trace.
	Causes map[string]Cause
}

// Due is a shipment to be judged anew.
type Due struct {
	Shipment string
	Trace    string // of the last report that made it due: the judgement sees it and all before
}

// Cause is a message that led to effects, with the times of its way so far.
type Cause struct {
	Trace      string
	Device     devices.ID // "": no report of the batch decided, but its time
	ReceivedAt time.Time  // zero when Device is ""
	StoredAt   time.Time  // the log's time
	DecidedAt  time.Time  // when the engine was past it
}

// mergeDue leaves one of each shipment, the last, in the order of their ids, in
// which their rows are locked by whoever judges several.
func mergeDue(due []Due) []Due {
	slices.SortStableFunc(due, func(a, b Due) int { return strings.Compare(a.Shipment, b.Shipment) })
	merged := due[:0]
	for i, d := range due {
		if i+1 == len(due) || due[i+1].Shipment != d.Shipment {
			merged = append(merged, d)
		}
	}
	return merged
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
	return len(e.Transitions) == 0 && len(e.Points) == 0 && len(e.Due) == 0 &&
		len(e.Health) == 0 && e.Inhibited == nil && e.Snapshot == nil && e.Cohorts == nil
}

// size is how much there is to write, roughly in rows.
func (e *Effects) size() int { return len(e.Transitions) + len(e.Points) + len(e.Due) }

// onlyRecords reports whether nothing new came to pass: alarms that were open
// were seen once more, and shipments have temperatures that nothing follows
// from yet. Nobody waits for these.
func (e *Effects) onlyRecords() bool {
	for i := range e.Transitions {
		if e.Transitions[i].Change != rules.Repeated {
			return false
		}
	}
	rest := *e
	rest.Transitions, rest.Points = nil, nil
	return rest.empty()
}

// Committer writes down what a worker has decided. It returns an error that
// wraps [ErrFenced] when the epoch is no longer current.
type Committer interface {
	// Commit commits effects in one transaction.
	Commit(ctx context.Context, effects Effects) error

	// SaveSnapshot saves a state whose effects are committed, in a transaction
	// of its own beside those of Commit. After an error the state's bytes may
	// still be read.
	SaveSnapshot(ctx context.Context, partition int, epoch int64, s Snapshot) error
}

// Store is where a worker finds how far the work is.
type Store interface {
	// RuleCheckpoint returns the position up to which effects of the
	// partition are committed; 0 when there are none.
	RuleCheckpoint(ctx context.Context, partition int) (uint64, error)

	// RuleSnapshot returns the last snapshot; one with Seq 0 when there is none.
	RuleSnapshot(ctx context.Context, partition int) (Snapshot, error)

	// SharedCohorts returns the latest Cohorts of all other partitions.
	SharedCohorts(ctx context.Context, partition int) ([][]byte, error)

	// Inhibited returns what the partition's engine was told of others since
	// the position of a snapshot, that one included, ascending.
	Inhibited(ctx context.Context, partition int, since uint64) ([]Inhibited, error)

	// RuleHealth returns the rules that were not well in the partition, as
	// they were last committed.
	RuleHealth(ctx context.Context, partition int) ([]rules.Health, error)

	// OpenAlarms returns the alarms that are active in the database.
	OpenAlarms(ctx context.Context) ([]rules.OpenAlarm, error)
}
