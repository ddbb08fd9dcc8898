package stream

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Defaults of [Options].
const (
	EmbeddedPartitions = 1 // each costs a sync in every flush; docs/decisions/0007
	SharedPartitions   = 16
	DefaultMaxBytes    = 8 << 30

	maxPartitions = 1024

	// minMaxBytes leaves room for a few of the largest messages.
	minMaxBytes = 4 << 20
)

// Errors that callers branch on.
var (
	// ErrFull says that the log holds Options.MaxBytes and takes nothing more
	// until a Trim makes room.
	ErrFull = errors.New("stream: log is full")

	// ErrTrimmed says that what a reader wants next is no longer kept.
	ErrTrimmed = errors.New("stream: position was trimmed away")

	// ErrAhead says that a reader's position lies behind the end of the log:
	// it belongs to another log, or this one was lost and begun again.
	ErrAhead = errors.New("stream: position is beyond the end of the log")

	// ErrPartitions says that the log has another number of partitions.
	ErrPartitions = errors.New("stream: number of partitions cannot change")

	// ErrClosed says that the log was closed.
	ErrClosed = errors.New("stream: log is closed")
)

// Options say where the log lives. Either Dir or URL must be set.
type Options struct {
	// Dir is the folder of the embedded server. It is created when missing
	// and locked: a second process on the same folder is refused.
	Dir string

	// URL addresses an external NATS server with JetStream, such as
	// "nats://user:password@host:4222". Its operator must set
	// "sync_interval: always" (or replicate) for the promise to hold.
	URL string

	// Partitions is the number of partitions when the log is created, 1 to
	// 1024. Zero: EmbeddedPartitions or SharedPartitions for a new log, whatever
	// it has for an old one. It cannot change afterwards, because a device must
	// not move.
	Partitions int

	// MaxBytes bounds what the log holds; beyond it Append returns ErrFull.
	// Zero: DefaultMaxBytes for a new log, whatever it has for an old one.
	MaxBytes int64

	// Replicas is the number of servers of an external cluster that keep a
	// copy. Zero: 1.
	Replicas int

	// AckTimeout is how long Append waits for the server. Zero: 30 s.
	AckTimeout time.Duration

	// Log receives the server's warnings, and at debug level where each report
	// was stored. Nil: none.
	Log *zap.Logger
}

func (o *Options) validate() error {
	var errs []error
	if (o.Dir == "") == (o.URL == "") {
		errs = append(errs, errors.New("either a folder or a URL must be given, not both"))
	}
	if o.Partitions < 0 || o.Partitions > maxPartitions {
		errs = append(errs, fmt.Errorf("partitions must be 1 to %d, not %d", maxPartitions, o.Partitions))
	}
	if o.MaxBytes != 0 && o.MaxBytes < minMaxBytes {
		errs = append(errs, fmt.Errorf("max bytes must be at least %d, not %d", minMaxBytes, o.MaxBytes))
	}
	if o.Replicas < 0 || o.Replicas > 5 {
		errs = append(errs, fmt.Errorf("replicas must be 1 to 5, not %d", o.Replicas))
	}
	if o.AckTimeout < 0 {
		errs = append(errs, fmt.Errorf("ack timeout must not be negative, is %s", o.AckTimeout))
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = 30 * time.Second
	}
	return errors.Join(errs...)
}
