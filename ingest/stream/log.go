package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"telltale/devices"
)

const (
	streamName        = "TELLTALE"
	quarantineSubject = "quarantine"
	partitionsKey     = "telltale_partitions" // in the stream's metadata
)

// minPayload is what the server must take: a quarantined message of the largest
// size that is kept whole, together with others.
const minPayload = 1 << 20

// maxChunk is the size at which a batch is cut into another message; it bounds
// what readers hold in memory.
const maxChunk = 128 << 10

// pingInterval is how often the server is asked whether it is there; two
// questions without an answer end the connection.
const pingInterval = 5 * time.Second

func telemetrySubject(partition int) string { return "telemetry." + strconv.Itoa(partition) }

// Log is the durable, partitioned log. Its methods are safe for concurrent use.
type Log struct {
	opts     Options
	embedded *embedded // nil: external server

	// Two connections, so that what many readers fetch does not delay the
	// acknowledgements that devices wait for.
	writing, reading *nats.Conn
	writer, reader   jetstream.JetStream
	stream           jetstream.Stream

	partitions int
	chunk      int // bytes at which a batch is cut
	appenders  sync.Pool

	// mu makes the order of AppendedAt the order in the log: it is held from
	// reading the clock to handing the message to the connection.
	mu   sync.Mutex
	last []time.Time // AppendedAt of the newest message, by partition

	newest  time.Time // of last
	setBack bool      // the clock is behind it, and that was said

	closing sync.Once
}

// Open opens the log and creates it when it is new. It returns when everything
// an embedded server had stored is recovered. Close must be called.
func Open(ctx context.Context, opts Options) (*Log, error) {
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("stream options: %w", err)
	}
	l := &Log{opts: opts}
	if err := l.open(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Log) open(ctx context.Context) (err error) {
	if l.opts.Dir != "" {
		if l.embedded, err = startEmbedded(ctx, l.opts.Dir, l.opts.Log); err != nil {
			return err
		}
	}
	if l.writing, l.writer, err = l.connect("telltale writer"); err != nil {
		return err
	}
	if have := l.writing.MaxPayload(); have < minPayload {
		return fmt.Errorf("stream server takes messages up to %d bytes, at least %d are needed (max_payload)", have, minPayload)
	}
	if l.reading, l.reader, err = l.connect("telltale reader"); err != nil {
		return err
	}
	if err := l.openStream(ctx); err != nil {
		return err
	}
	l.chunk = int(min(maxChunk, l.writing.MaxPayload()/4))
	l.appenders.New = func() any { return newAppender(l.partitions) }
	return l.recoverTimes(ctx)
}

func (l *Log) connect(name string) (*nats.Conn, jetstream.JetStream, error) {
	opts := []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(500 * time.Millisecond),
		// While the server is away a publish fails at once instead of being
		// kept and sent after its caller has given up.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				l.opts.Log.Warn("stream connection lost", zap.String("connection", name), zap.Error(err))
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			l.opts.Log.Info("stream connection restored", zap.String("connection", name))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			l.opts.Log.Warn("stream connection", zap.String("connection", name), zap.Error(err))
		}),
	}
	if l.embedded != nil {
		opts = append(opts, nats.InProcessServer(l.embedded))
	} else {
		// A server that is gone without a goodbye is noticed by what it does
		// not answer, and by what it does not take.
		opts = append(opts, nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(2*pingInterval))
	}
	conn, err := nats.Connect(l.opts.URL, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to stream server: %w", err)
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncTimeout(l.opts.AckTimeout))
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("use JetStream: %w", err)
	}
	return conn, js, nil
}

// openStream finds the stream or creates it, and settles the options that the
// stream itself remembers.
func (l *Log) openStream(ctx context.Context) error {
	s, err := l.writer.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return l.createStream(ctx)
	}
	if err != nil {
		return fmt.Errorf("look for stream %s: %w", streamName, err)
	}

	config := s.CachedInfo().Config
	stored, err := strconv.Atoi(config.Metadata[partitionsKey])
	if err != nil || stored < 1 {
		return fmt.Errorf("stream %s exists but is not ours: its metadata names no %s", streamName, partitionsKey)
	}
	if l.opts.Partitions != 0 && l.opts.Partitions != stored {
		return fmt.Errorf("%w: the log has %d, the options say %d", ErrPartitions, stored, l.opts.Partitions)
	}
	l.partitions = stored
	if l.opts.MaxBytes != 0 && l.opts.MaxBytes != config.MaxBytes {
		config.MaxBytes = l.opts.MaxBytes
		if s, err = l.writer.UpdateStream(ctx, config); err != nil {
			return fmt.Errorf("change the size of stream %s: %w", streamName, err)
		}
	}
	l.stream = s
	return nil
}

func (l *Log) createStream(ctx context.Context) error {
	usual := EmbeddedPartitions
	if l.opts.URL != "" {
		usual = SharedPartitions
	}
	l.partitions = cmp.Or(l.opts.Partitions, usual)
	s, err := l.writer.CreateStream(ctx, jetstream.StreamConfig{
		Name:        streamName,
		Description: "Telltale: device reports by partition, and what was refused",
		Subjects:    []string{"telemetry.*", quarantineSubject},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew, // full means refuse, never forget
		MaxBytes:    cmp.Or(l.opts.MaxBytes, DefaultMaxBytes),
		Replicas:    max(1, l.opts.Replicas),
		AllowDirect: true,
		Metadata:    map[string]string{partitionsKey: strconv.Itoa(l.partitions)},
	})
	if err != nil {
		return fmt.Errorf("create stream %s: %w", streamName, err)
	}
	l.stream = s
	return nil
}

// recoverTimes reads how late each partition already is, so that AppendedAt
// does not fall when the clock was set back during a restart.
func (l *Log) recoverTimes(ctx context.Context) error {
	l.last = make([]time.Time, l.partitions)
	var dec Decoder
	for p := range l.last {
		msg, err := l.stream.GetLastMsgForSubject(ctx, telemetrySubject(p))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the end of partition %d: %w", p, err)
		}
		b, err := dec.Decode(msg.Data)
		if err != nil {
			return fmt.Errorf("read the end of partition %d, sequence %d: %w", p, msg.Sequence, err)
		}
		l.last[p] = b.AppendedAt
		if b.AppendedAt.After(l.newest) {
			l.newest = b.AppendedAt
		}
	}
	return nil
}

// Close closes the connections and stops an embedded server. Readers and
// appends under way end with an error.
func (l *Log) Close() {
	l.closing.Do(func() {
		for _, c := range []*nats.Conn{l.writing, l.reading} {
			if c != nil {
				c.Close()
			}
		}
		if l.embedded != nil {
			l.embedded.stop()
		}
	})
}

// Partitions returns the number of partitions, fixed when the log was created.
func (l *Log) Partitions() int { return l.partitions }

// PartitionOf returns the partition that the reports of a device go to.
func (l *Log) PartitionOf(id devices.ID) int { return partitionOf(id, l.partitions) }

// partitionOf must never change: a device that moves loses its order.
func partitionOf(id devices.ID, partitions int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % uint32(partitions))
}

// Ready returns nil when the log's server can be reached and, if it is ours,
// can store; and else the reason why not.
func (l *Log) Ready() error {
	switch {
	case l.writing.IsClosed():
		return ErrClosed
	case !l.writing.IsConnected() || !l.reading.IsConnected():
		return errors.New("stream: server is not connected")
	case l.embedded != nil:
		return l.embedded.health()
	default:
		return nil
	}
}
