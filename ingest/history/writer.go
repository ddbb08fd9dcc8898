package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

	digest *digest // nil: the store keeps nothing back

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
	w := &Writer{
		store: store, source: source, leases: leases, opts: opts,
		messages:  make(chan Chunk),
		following: make(map[int]*follower),
	}
	if d, ok := store.(Digester); ok {
		w.digest = &digest{Digester: d, epochs: make(map[int]int64)}
	}
	return w, nil
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
	for {
		select {
		case b, more := <-batches:
			if !more {
				wg.Wait()
				return nil
			}
			w.write(ctx, b)
			w.took(b)
			b.empty()
			used <- b
		case <-w.digest.due():
			w.flush(ctx)
		}
	}
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
	timeout := time.NewTimer(w.opts.MaxWait)
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

// write stores the batch. Partitions that went to another writer are left out; it
// reads their part itself.
func (w *Writer) write(ctx context.Context, b *batch) {
	w.insist(ctx, b.drop, func() error {
		if len(b.chunks) == 0 {
			return nil
		}
		began := time.Now()
		written, err := w.store.Write(ctx, b.chunks)
		if err == nil {
			w.opts.Metrics.written(written, time.Since(began))
		}
		return err
	})
}

// insist tries for ever, with pauses after errors. What belongs to partitions
// that went to another writer it has dropped.
func (w *Writer) insist(ctx context.Context, drop func(partitions []int) (dropped []Chunk), try func() error) {
	for pause := firstRetry; ctx.Err() == nil; {
		err := try()
		if err == nil || ctx.Err() != nil {
			return
		}
		var fenced *FencedError
		if errors.As(err, &fenced) {
			if lost := drop(fenced.Partitions); len(lost) > 0 {
				w.abandon(lost)
				continue
			}
		}
		retryIn := pause
		var later *LaterError
		if errors.As(err, &later) {
			retryIn = max(pause, min(later.After, longestLater))
		}
		w.opts.Metrics.retried()
		w.opts.Log.Warn("history waits for its store", zap.Duration("retry_in", retryIn), zap.Error(err))
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
