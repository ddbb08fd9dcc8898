package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Writer moves the log's reports into a store.
type Writer struct {
	store  Store
	source Source
	leases Leases
	opts   Options

	// messages carries what the followers read, one message of the log each.
	// It has no room of its own: a follower waits until it is taken.
	messages chan Chunk

	lastWrite atomic.Int64 // how long it took, in nanoseconds

	mu        sync.Mutex
	following map[int]*follower // by partition
}

// NewWriter returns a writer that reads from source what it holds leases for
// and writes it to store. Nothing runs before [Writer.Run].
func NewWriter(store Store, source Source, leases Leases, opts Options) (*Writer, error) {
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("history writer: %w", err)
	}
	opts.setDefaults()
	return &Writer{
		store: store, source: source, leases: leases, opts: opts,
		messages:  make(chan Chunk),
		following: make(map[int]*follower),
	}, nil
}

// Run holds leases, reads and writes until ctx ends; then it returns nil. What
// it has read and not yet written by then is read again by the next Run: the
// store's positions say from where.
func (w *Writer) Run(ctx context.Context) error {
	batches := make(chan *batch) // no room: one batch is gathered while one is written
	used := make(chan *batch, 2)
	used <- &batch{}
	used <- &batch{}
	var wg sync.WaitGroup
	for partition := range w.opts.Partitions {
		wg.Go(func() { w.hold(ctx, partition) })
	}
	wg.Go(func() {
		defer close(batches)
		for {
			b := <-used // one of the two is there: nobody else gathers
			if !w.gather(ctx, b) {
				return
			}
			select {
			case batches <- b:
			case <-ctx.Done():
				return
			}
		}
	})
	for b := range batches {
		w.write(ctx, b)
		b.empty()
		used <- b
	}
	wg.Wait()
	return nil
}

// gather collects messages in an empty batch until it is full or its time is
// over. It reports false when ctx has ended.
func (w *Writer) gather(ctx context.Context, b *batch) bool {
	select {
	case m := <-w.messages:
		b.add(m)
	case <-ctx.Done():
		return false
	}
	timeout := time.NewTimer(w.maxWait())
	defer timeout.Stop()
	for b.readings < w.opts.MaxReadings {
		select {
		case m := <-w.messages:
			b.add(m)
		case <-timeout.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// maxWait is how long the next batch is gathered.
func (w *Writer) maxWait() time.Duration {
	if w.opts.Duty == 0 {
		return w.opts.MaxWait
	}
	fair := time.Duration(float64(w.lastWrite.Load()) / w.opts.Duty)
	return max(w.opts.MaxWait, min(fair, longestWait))
}

// write stores the batch, trying for ever. Partitions that went to another
// writer are left out; it reads their part itself.
func (w *Writer) write(ctx context.Context, b *batch) {
	for pause := firstRetry; len(b.chunks) > 0 && ctx.Err() == nil; {
		began := time.Now()
		written, err := w.store.Write(ctx, b.chunks)
		if err == nil {
			took := time.Since(began)
			w.lastWrite.Store(int64(took))
			w.opts.Metrics.written(written, took)
			return
		}
		var fenced *FencedError
		if errors.As(err, &fenced) {
			if lost := b.drop(fenced.Partitions); len(lost) > 0 {
				w.abandon(lost)
				continue
			}
		}
		if ctx.Err() != nil {
			return
		}
		retryIn := pause
		var later *LaterError
		if errors.As(err, &later) {
			retryIn = max(pause, min(later.After, longestLater))
		}
		w.opts.Metrics.retried()
		w.opts.Log.Warn("history waits for its store", zap.Int("readings", b.readings),
			zap.Duration("retry_in", retryIn), zap.Error(err))
		wait(ctx, retryIn)
		pause = min(2*pause, lastRetry)
	}
}

// abandon stops the followers that read chunks which another writer reads by
// now. A follower under a later lease goes on.
func (w *Writer) abandon(lost []Chunk) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range lost {
		w.opts.Log.Warn("history partition went to another node", zap.Int("partition", c.Partition))
		if f := w.following[c.Partition]; f != nil && f.epoch == c.Epoch {
			f.stop(errFenced)
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
