package history

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.uber.org/zap"
)

// errFenced ends a follower whose partition went to another writer.
var errFenced = errors.New("partition went to another writer")

// follower reads one partition under one lease.
type follower struct {
	partition int
	epoch     int64
	stop      context.CancelCauseFunc
}

// hold tries for the lease of one partition for ever and follows the
// partition while it has it.
func (w *Writer) hold(ctx context.Context, partition int) {
	for ctx.Err() == nil {
		epoch, ok, err := w.leases.AcquireLease(ctx, w.opts.Consumer, partition, w.opts.Node, leaseTTL)
		if err == nil && ok {
			err = w.lead(ctx, partition, epoch)
		}
		if err != nil && ctx.Err() == nil {
			w.opts.Log.Warn("history partition stopped, will be tried again",
				zap.Int("partition", partition), zap.Error(err))
		}
		wait(ctx, leaseRetry)
	}
}

// lead follows a partition under a lease, renews the lease beside it and
// gives it back at the end.
func (w *Writer) lead(ctx context.Context, partition int, epoch int64) error {
	followCtx, stop := context.WithCancelCause(ctx)
	f := &follower{partition: partition, epoch: epoch, stop: stop}
	w.mark(f)
	defer w.unmark(f)

	var renewing sync.WaitGroup
	renewing.Go(func() { w.renew(followCtx, f) })
	err := w.follow(followCtx, f)
	if cause := context.Cause(followCtx); errors.Is(cause, errFenced) {
		err = cause
	}
	stop(nil)
	renewing.Wait()

	// The lease goes back while messages of ours may still be gathered: the
	// next holder's epoch fences them off, and it reads them itself.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseRenew)
	defer cancel()
	if releaseErr := w.leases.ReleaseLease(last, w.opts.Consumer, partition, epoch); releaseErr != nil {
		w.opts.Log.Debug("history lease left to expire", zap.Int("partition", partition), zap.Error(releaseErr))
	}
	return err
}

// follow reads a partition from where the store is, until ctx ends.
func (w *Writer) follow(ctx context.Context, f *follower) error {
	after, err := w.store.Position(ctx, f.partition)
	if err != nil {
		return fmt.Errorf("read position: %w", err)
	}
	reader, err := w.source.Read(ctx, f.partition, after)
	if err != nil {
		return fmt.Errorf("read after %d: %w", after, err)
	}
	defer reader.Close()
	for {
		seq, reports, err := reader.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read after %d: %w", after, err)
		}
		select {
		case w.messages <- Chunk{Partition: f.partition, Epoch: f.epoch, Seq: seq, Reports: reports}:
			after = seq
		case <-ctx.Done():
			return nil
		}
	}
}

// renew prolongs a lease until ctx ends. A lease that cannot be renewed stops
// nothing: the store may be away for a moment, and if the lease is lost the
// next Write finds out.
func (w *Writer) renew(ctx context.Context, f *follower) {
	for {
		wait(ctx, leaseRenew)
		if ctx.Err() != nil {
			return
		}
		if err := w.leases.RenewLease(ctx, w.opts.Consumer, f.partition, f.epoch, leaseTTL); err != nil && ctx.Err() == nil {
			w.opts.Log.Warn("history lease not renewed", zap.Int("partition", f.partition), zap.Error(err))
		}
	}
}

func (w *Writer) mark(f *follower) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.following[f.partition] = f
	w.opts.Metrics.follows(len(w.following))
}

func (w *Writer) unmark(f *follower) {
	f.stop(nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.following, f.partition)
	w.opts.Metrics.follows(len(w.following))
}
