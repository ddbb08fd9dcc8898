package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"telltale/devices"
)

// ErrAway says that a store answers no question at the moment, or not to us:
// it is down, slow, or its settings are wrong. What it holds is not lost, and
// what is kept elsewhere goes on without it.
var ErrAway = errors.New("history: store does not answer")

// Store keeps readings, and how far each partition of the log is in it.
type Store interface {
	// Position returns the sequence up to which a partition is stored; 0 when
	// nothing of it is.
	Position(ctx context.Context, partition int) (uint64, error)

	// Write stores the chunks and moves their partitions' positions: never the
	// positions without the readings. A reading that is stored already is not
	// stored again, so after an error the same chunks may be written again. A
	// [*LaterError] says how long to wait before that. It returns a
	// [*FencedError] when a chunk's epoch is no longer current. It keeps no
	// reference to the chunks.
	Write(ctx context.Context, chunks []Chunk) (Written, error)
}

// Digester is a [Store] that keeps what it is given in a shorter form until it is
// told to store that: of much that a device says only the last matters to it.
// Then Write takes chunks in; after an error none of them is. One Write or Flush
// at a time.
type Digester interface {
	Store

	// Flush stores what was taken in and moves the positions, as Write of
	// other stores does. After an error it may be called again: nothing is let
	// go of but the partitions of a [*FencedError].
	Flush(ctx context.Context) error
}

// Chunk is a run of one partition's reports, in the log's order.
type Chunk struct {
	Partition int
	Epoch     int64  // of the lease that the reports were read under
	Seq       uint64 // position in the log after the reports
	Reports   []devices.Report
}

// Written says what became of the readings of a Write.
type Written struct {
	Stored     int64 // readings kept
	Duplicates int64 // readings of a device, metric and time that was stored already
	NotFinite  int64 // NaN and infinite values, which no chart or sum can bear
	Orphans    int64 // reports of devices that are not declared any more
	Refused    int64 // readings that the store will never take; they are in quarantine
}

// Refused is a report with the readings that a store will never take, and the
// store's own words.
type Refused struct {
	Report devices.Report
	Why    string
}

// LaterError is a failure of a store that says when it wants to be asked again.
type LaterError struct {
	After time.Duration
	Err   error
}

// Error is the error's that happened.
func (e *LaterError) Error() string { return e.Err.Error() }

// Unwrap returns the error that happened.
func (e *LaterError) Unwrap() error { return e.Err }

// FencedError says which partitions went to another writer. No position
// moved.
type FencedError struct{ Partitions []int }

// Error names the partitions.
func (e *FencedError) Error() string {
	return fmt.Sprintf("history: partitions %v went to another writer", e.Partitions)
}

// Source is where a writer reads.
type Source interface {
	// Read returns a reader of a partition's messages after the position.
	Read(ctx context.Context, partition int, after uint64) (Reader, error)
}

// Reader reads one partition in order. It is used by one goroutine.
type Reader interface {
	// Next waits for the next message. A message without reports only moves
	// the position.
	Next(ctx context.Context) (seq uint64, reports []devices.Report, err error)

	// Close ends the reader.
	Close()
}

// Leases shares the partitions out among writers.
type Leases interface {
	// AcquireLease takes the lease of a partition for ttl. It returns false
	// when another node holds it. The epoch rises with every acquisition.
	AcquireLease(ctx context.Context, consumer string, partition int, node string, ttl time.Duration) (epoch int64, ok bool, err error)

	// RenewLease prolongs a lease; an error when it is no longer held.
	RenewLease(ctx context.Context, consumer string, partition int, epoch int64, ttl time.Duration) error

	// ReleaseLease gives the lease back, so that another node need not wait.
	ReleaseLease(ctx context.Context, consumer string, partition int, epoch int64) error
}
