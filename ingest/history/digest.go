package history

import (
	"context"
	"time"
)

// digest is a store that keeps back what it was given, and when it is to store
// that. A nil digest keeps nothing back.
type digest struct {
	Digester
	epochs map[int]int64 // by partition, under which something was taken in since the last Flush
	timer  <-chan time.Time
	last   time.Duration // that a Flush took
}

// due is ready when there is something to store and it is time.
func (d *digest) due() <-chan time.Time {
	if d == nil {
		return nil
	}
	return d.timer
}

// took notes that a batch was taken in.
func (w *Writer) took(b *batch) {
	d := w.digest
	if d == nil {
		return
	}
	for i := range b.chunks {
		d.epochs[b.chunks[i].Partition] = b.chunks[i].Epoch
	}
	if d.timer == nil && len(d.epochs) > 0 {
		d.timer = time.After(w.flushWait())
	}
}

// flushWait is how long is taken in before the next Flush.
func (w *Writer) flushWait() time.Duration {
	if w.opts.Duty == 0 {
		return w.opts.FlushEvery
	}
	fair := time.Duration(float64(w.digest.last) / w.opts.Duty)
	return max(w.opts.FlushEvery, min(fair, longestWait))
}

// flush stores what was taken in.
func (w *Writer) flush(ctx context.Context) {
	d := w.digest
	w.insist(ctx, d.drop, func() error {
		began := time.Now()
		err := d.Flush(ctx)
		d.last = time.Since(began)
		return err
	})
	clear(d.epochs)
	d.timer = nil
}

// drop forgets partitions, whose part the store has let go of, and returns what
// they were read under.
func (d *digest) drop(partitions []int) (dropped []Chunk) {
	for _, p := range partitions {
		if epoch, ok := d.epochs[p]; ok {
			dropped = append(dropped, Chunk{Partition: p, Epoch: epoch})
			delete(d.epochs, p)
		}
	}
	return dropped
}
