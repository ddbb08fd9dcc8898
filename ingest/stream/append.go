package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"telltale/devices"
)

// Append stores reports, each in the partition of its device and in the order
// given, and refused, each as one message of the quarantine, at time at. It
// returns when all of it is synced to disk. An error means that nothing of it
// may be acknowledged to anybody, although a part may be stored; ErrFull says
// that there is no room. Append keeps no reference to what it is given, except
// after an error to refused.
//
// Concurrent calls do not wait for each other, so their order is theirs to
// keep: a device whose reports must stay in order has one call at a time.
func (l *Log) Append(ctx context.Context, at time.Time, reports []devices.Report, refused [][]byte) error {
	if l.writing.IsClosed() {
		return fmt.Errorf("append: %w", ErrClosed)
	}
	err := l.append(ctx, at, reports, refused)
	if err == nil || l.embedded == nil || errors.Is(err, ErrFull) {
		return err
	}
	// Whoever tries again shall find a server that can store.
	heal, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.opts.AckTimeout)
	defer cancel()
	return errors.Join(err, l.embedded.heal(heal))
}

func (l *Log) append(ctx context.Context, at time.Time, reports []devices.Report, refused [][]byte) error {
	a := l.appenders.Get().(*appender)
	for _, payload := range refused {
		if err := a.publish(l, quarantineSubject, payload); err != nil {
			return errors.Join(err, a.await(ctx))
		}
	}
	for {
		n, err := l.publishReports(a, at, reports)
		if err = errors.Join(err, a.await(ctx)); err != nil {
			return err // and let go of a: a late retry may still read its buffers
		}
		if l.opts.Log.Core().Enabled(zap.DebugLevel) {
			l.tell(a, reports[:n])
		}
		if reports = reports[n:]; len(reports) == 0 {
			break
		}
	}
	l.appenders.Put(a)
	return nil
}

// tell logs where each report of a round was stored: what is known of it from
// then on is known by that trace.
func (l *Log) tell(a *appender, reports []devices.Report) {
	next := make([]int, l.partitions) // index of the partition's next report in its batch
	for i := range reports {
		p := l.PartitionOf(reports[i].Device)
		seq := a.stored[len(a.stored)-len(a.flushed)+slices.Index(a.flushed, p)]
		l.opts.Log.Debug("report stored", zap.String("device_id", string(reports[i].Device)), zap.String("trace", TraceOf(p, seq, next[p])))
		next[p]++
	}
}

// AppendTick stores a batch without reports: it says to the partition's
// readers that it is at, so that they may act on what did not happen.
func (l *Log) AppendTick(ctx context.Context, partition int, at time.Time) error {
	if partition < 0 || partition >= l.partitions {
		return fmt.Errorf("append tick: no partition %d of %d", partition, l.partitions)
	}
	a := newAppender(l.partitions)
	l.mu.Lock()
	a.begin(partition, l.advance(partition, at))
	err := a.flush(l)
	l.mu.Unlock()
	if err = errors.Join(err, a.await(ctx)); err != nil {
		return fmt.Errorf("append tick to partition %d: %w", partition, err)
	}
	return nil
}

// publishReports sends as many reports as fit into one message for each
// partition and returns how many those were. One message per partition and
// round: if a round fails, nothing of a later one can have overtaken it.
func (l *Log) publishReports(a *appender, at time.Time, reports []devices.Report) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(reports) {
		p := l.PartitionOf(reports[n].Device)
		if !a.open[p] {
			a.begin(p, l.advance(p, at))
		}
		e := &a.encoders[p]
		e.add(&reports[n])
		n++
		if len(e.buf) >= l.chunk {
			break
		}
	}
	return n, a.flush(l)
}

// advance returns the time to write for a message appended at: at, or that of
// the message before when the clock was set back; decision 0041 says why it
// stands. l.mu must be held.
func (l *Log) advance(partition int, at time.Time) time.Time {
	at = at.Truncate(time.Microsecond)
	l.noteClock(at)
	if at.Before(l.last[partition]) {
		return l.last[partition]
	}
	l.last[partition] = at
	return at
}

// clockTolerance is how far the clock may be behind what was appended last
// without being said to be set back: appends may come in another order than
// their times were taken in.
const clockTolerance = 5 * time.Second

// noteClock says once that the clock was set back, and once that it has caught
// up. l.mu must be held.
func (l *Log) noteClock(at time.Time) {
	switch {
	case !at.Before(l.newest):
		l.newest = at
		if l.setBack {
			l.setBack = false
			l.opts.Log.Info("clock has caught up with the log, timers go on")
		}
	case !l.setBack && l.newest.Sub(at) > clockTolerance:
		l.setBack = true
		l.opts.Log.Warn("clock was set back, timers wait until it has caught up with the log",
			zap.Duration("behind", l.newest.Sub(at)), zap.Time("until", l.newest))
	}
}

// appender holds the buffers of one Append.
type appender struct {
	encoders []encoder
	open     []bool // encoder in use
	touched  []int  // those that are open
	flushed  []int  // the partitions of the last flush, in the order published
	futures  []jetstream.PubAckFuture
	stored   []uint64 // sequences of the futures of the last await
}

func newAppender(partitions int) *appender {
	return &appender{encoders: make([]encoder, partitions), open: make([]bool, partitions)}
}

func (a *appender) begin(partition int, at time.Time) {
	e := &a.encoders[partition]
	if e.index == nil {
		e.index = make(map[string]uint64)
	}
	e.buf = e.buf[:0]
	e.begin(at)
	a.open[partition] = true
	a.touched = append(a.touched, partition)
}

// flush publishes all open encoders.
func (a *appender) flush(l *Log) error {
	a.flushed = append(a.flushed[:0], a.touched...)
	defer func() { a.touched = a.touched[:0] }()
	for _, p := range a.touched {
		a.open[p] = false
		if err := a.publish(l, telemetrySubject(p), a.encoders[p].finish()); err != nil {
			return err
		}
	}
	return nil
}

func (a *appender) publish(l *Log, subject string, payload []byte) error {
	f, err := l.writer.PublishAsync(subject, payload)
	if err != nil {
		return fmt.Errorf("append to %s: %w", subject, translate(err))
	}
	a.futures = append(a.futures, f)
	return nil
}

// await waits until everything published is acknowledged and returns the first
// error of those that are not.
func (a *appender) await(ctx context.Context) error {
	var first error
	a.stored = a.stored[:0]
	for i, f := range a.futures {
		a.futures[i] = nil
		select {
		case ack := <-f.Ok():
			a.stored = append(a.stored, ack.Sequence)
		case err := <-f.Err():
			if first == nil {
				first = fmt.Errorf("append to %s: %w", f.Msg().Subject, translate(err))
			}
		case <-ctx.Done():
			return fmt.Errorf("append: %w", ctx.Err())
		}
	}
	a.futures = a.futures[:0]
	return first
}

// translate turns the driver's errors into ours.
func translate(err error) error {
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api) && strings.Contains(api.Description, "maximum bytes exceeded"):
		return ErrFull
	case errors.Is(err, nats.ErrConnectionClosed):
		return ErrClosed
	default:
		return err
	}
}
