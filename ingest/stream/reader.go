package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Message is one batch and its place in the log. Sequences rise, but are not
// consecutive within a partition.
type Message struct {
	Seq uint64
	Batch
}

// Record is one message of the quarantine and its place in the log.
type Record struct {
	Seq     uint64
	Payload []byte
}

// Reader reads one partition in order, without gaps. It follows the log across
// reconnects of an external server. It is not safe for concurrent use.
type Reader struct {
	cursor
	dec Decoder
}

// Read returns a reader of the messages of a partition after sequence after;
// 0 is the beginning of what is kept. The reader lives until Close or until
// ctx is done. It fails with ErrTrimmed when messages behind after may have
// been trimmed already, and with ErrAhead when the log ends before after.
func (l *Log) Read(ctx context.Context, partition int, after uint64) (*Reader, error) {
	if partition < 0 || partition >= l.partitions {
		return nil, fmt.Errorf("read: no partition %d of %d", partition, l.partitions)
	}
	r := &Reader{}
	if err := r.open(ctx, l, telemetrySubject(partition), after); err != nil {
		return nil, fmt.Errorf("read partition %d after %d: %w", partition, after, err)
	}
	return r, nil
}

// Next waits for the next message. The batch is the caller's. Errors are
// ctx's, ErrClosed when the reader's life is over, or of a message that cannot be decoded; after the last
// kind Next would go on behind that message, which is not for the caller to
// want.
func (r *Reader) Next(ctx context.Context) (Message, error) {
	seq, payload, err := r.next(ctx)
	if err != nil {
		return Message{}, err
	}
	b, err := r.dec.Decode(payload)
	if err != nil {
		return Message{}, fmt.Errorf("decode %s, sequence %d: %w", r.subject, seq, err)
	}
	return Message{Seq: seq, Batch: b}, nil
}

// QuarantineReader reads what was refused, in order.
type QuarantineReader struct{ cursor }

// ReadQuarantine is [Log.Read] for the quarantine.
func (l *Log) ReadQuarantine(ctx context.Context, after uint64) (*QuarantineReader, error) {
	r := &QuarantineReader{}
	if err := r.open(ctx, l, quarantineSubject, after); err != nil {
		return nil, fmt.Errorf("read quarantine after %d: %w", after, err)
	}
	return r, nil
}

// Next waits for the next record. The payload is the caller's.
func (r *QuarantineReader) Next(ctx context.Context) (Record, error) {
	seq, payload, err := r.next(ctx)
	return Record{Seq: seq, Payload: payload}, err
}

// cursor is what both readers share: a place in one subject.
type cursor struct {
	subject  string
	messages jetstream.MessagesContext
	stop     func() bool
	seq      uint64
	pending  uint64
}

// prefetch is how many messages a reader holds in memory. They are of a few
// kilobytes when many devices speak, and never much above Log.chunk. A limit
// in bytes is not used: the library then drops messages when its buffer is
// full of the server's notes about it, and has to begin anew.
const prefetch = 64

func (c *cursor) open(ctx context.Context, l *Log, subject string, after uint64) error {
	if err := l.check(ctx, subject, after); err != nil {
		return err
	}
	consumer, err := l.reader.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subject},
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:    after + 1,
	})
	if err != nil {
		return fmt.Errorf("create consumer: %w", translate(err))
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(prefetch))
	if err != nil {
		return fmt.Errorf("start consumer: %w", translate(err))
	}
	c.subject, c.messages, c.seq = subject, messages, after
	c.pending = consumer.CachedInfo().NumPending
	// Next may be deep inside a reconnect, where only Stop reaches it.
	c.stop = context.AfterFunc(ctx, messages.Stop)
	return nil
}

// check refuses a position that the log cannot continue from. Trim always
// leaves the message it is given, so the first one kept is at or before every
// position that a reader in good order can have.
func (l *Log) check(ctx context.Context, subject string, after uint64) error {
	if after == 0 {
		return nil
	}
	info, err := l.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("ask for the end of the log: %w", translate(err))
	}
	if info.State.LastSeq < after {
		return fmt.Errorf("%w: it ends at %d", ErrAhead, info.State.LastSeq)
	}
	first, err := l.stream.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask for the beginning of %s: %w", subject, translate(err))
	}
	if first.Sequence > after {
		return fmt.Errorf("%w: what is kept begins at %d", ErrTrimmed, first.Sequence)
	}
	return nil
}

func (c *cursor) next(ctx context.Context) (uint64, []byte, error) {
	msg, err := c.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return 0, nil, c.explain(ctx, err)
	}
	meta, err := msg.Metadata()
	if err != nil {
		return 0, nil, fmt.Errorf("read %s: %w", c.subject, err)
	}
	if meta.Sequence.Stream <= c.seq {
		return 0, nil, fmt.Errorf("read %s: sequence fell from %d to %d", c.subject, c.seq, meta.Sequence.Stream)
	}
	c.seq, c.pending = meta.Sequence.Stream, meta.NumPending
	return c.seq, msg.Data(), nil
}

func (c *cursor) explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, jetstream.ErrMsgIteratorClosed), errors.Is(err, nats.ErrConnectionClosed):
		return ErrClosed
	default:
		return fmt.Errorf("read %s after %d: %w", c.subject, c.seq, err)
	}
}

// Seq is the sequence of the last message that Next returned, or the position
// that the reader began after.
func (c *cursor) Seq() uint64 { return c.seq }

// Pending is how many messages the server still held for this reader when it
// sent the last one. While it is above zero Next will not wait long, so a
// caller that gathers work may go on gathering; at zero it should finish what
// it has.
func (c *cursor) Pending() uint64 { return c.pending }

// Close ends the reader; a Next under way returns ErrClosed.
func (c *cursor) Close() {
	c.stop()
	c.messages.Stop()
}
