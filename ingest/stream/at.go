package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// At returns one message of a partition. The error is ErrTrimmed when it is
// not kept any more, or never was.
func (l *Log) At(ctx context.Context, partition int, seq uint64) (Message, error) {
	raw, err := l.stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && raw.Subject != telemetrySubject(partition) {
		return Message{}, fmt.Errorf("read %d of partition %d: %w", seq, partition, ErrTrimmed)
	}
	if err != nil {
		return Message{}, fmt.Errorf("read %d of partition %d: %w", seq, partition, translate(err))
	}
	var d Decoder
	b, err := d.Decode(raw.Data)
	if err != nil {
		return Message{}, fmt.Errorf("decode %d of partition %d: %w", seq, partition, err)
	}
	return Message{Seq: seq, Batch: b}, nil
}
