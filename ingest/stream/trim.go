package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Trim lets go of the messages of a partition before sequence upTo, which must
// be at or before the position of every reader. The message at upTo itself
// stays: it marks the place, and carries the time for the next restart.
func (l *Log) Trim(ctx context.Context, partition int, upTo uint64) error {
	if partition < 0 || partition >= l.partitions {
		return fmt.Errorf("trim: no partition %d of %d", partition, l.partitions)
	}
	if err := l.trim(ctx, telemetrySubject(partition), upTo); err != nil {
		return fmt.Errorf("trim partition %d up to %d: %w", partition, upTo, err)
	}
	return nil
}

// TrimQuarantine is [Log.Trim] for the quarantine.
func (l *Log) TrimQuarantine(ctx context.Context, upTo uint64) error {
	if err := l.trim(ctx, quarantineSubject, upTo); err != nil {
		return fmt.Errorf("trim quarantine up to %d: %w", upTo, err)
	}
	return nil
}

func (l *Log) trim(ctx context.Context, subject string, upTo uint64) error {
	if upTo == 0 {
		return nil
	}
	err := l.stream.Purge(ctx, jetstream.WithPurgeSubject(subject), jetstream.WithPurgeSequence(upTo))
	return translate(err)
}

// End returns the sequence of the newest message of a partition, 0 when there
// is none. A reader whose position is End has read everything.
func (l *Log) End(ctx context.Context, partition int) (uint64, error) {
	return l.end(ctx, telemetrySubject(partition))
}

// QuarantineEnd is [Log.End] for the quarantine.
func (l *Log) QuarantineEnd(ctx context.Context) (uint64, error) {
	return l.end(ctx, quarantineSubject)
}

func (l *Log) end(ctx context.Context, subject string) (uint64, error) {
	msg, err := l.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("ask for the end of %s: %w", subject, translate(err))
	}
	return msg.Sequence, nil
}

// Usage is how full the log is.
type Usage struct {
	Messages uint64
	Bytes    uint64
	MaxBytes int64
}

// Usage asks the server how full the log is.
func (l *Log) Usage(ctx context.Context) (Usage, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return Usage{}, fmt.Errorf("ask for the size of the log: %w", translate(err))
	}
	return Usage{Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes}, nil
}
