package partition

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Leases shares partitions out among nodes.
type Leases interface {
	// AcquireLease takes the lease of a partition for ttl. It returns false
	// when another node holds it. The epoch rises with every acquisition.
	AcquireLease(ctx context.Context, consumer string, partition int, node string, ttl time.Duration) (epoch int64, ok bool, err error)

	// RenewLease prolongs a lease. It returns an error that wraps [ErrFenced]
	// when the lease is no longer held under the epoch.
	RenewLease(ctx context.Context, consumer string, partition int, epoch int64, ttl time.Duration) error

	// ReleaseLease gives the lease back, so that another node need not wait.
	ReleaseLease(ctx context.Context, consumer string, partition int, epoch int64) error
}

// Lease times. A node that dies is followed by another within leaseTTL; one
// that restarts under its own name takes its leases back at once.
const (
	leaseTTL   = 15 * time.Second
	leaseRenew = 5 * time.Second
	leaseRetry = time.Second
)

// Holder holds leases in the name of one node.
type Holder struct {
	Leases Leases
	Node   string // stable, and no other living node's
	Logger *zap.Logger
}

// Hold tries for the lease of a consumer's partition for ever and runs work
// while it has it. The context of work ends when the lease is lost or ctx
// ends; Hold returns after the last work did.
func (h *Holder) Hold(ctx context.Context, consumer string, p int, work func(ctx context.Context, epoch int64) error) {
	for ctx.Err() == nil {
		epoch, ok, err := h.Leases.AcquireLease(ctx, consumer, p, h.Node, leaseTTL)
		if err == nil && ok {
			err = h.under(ctx, consumer, p, epoch, work)
		}
		if err != nil && ctx.Err() == nil {
			h.Logger.Warn("stopped, will be tried again",
				zap.String("consumer", consumer), zap.Int("partition", p), zap.Error(err))
		}
		select {
		case <-time.After(leaseRetry):
		case <-ctx.Done():
		}
	}
}

// under runs work under a lease, renews it beside it and gives it back.
func (h *Holder) under(ctx context.Context, consumer string, p int, epoch int64, work func(context.Context, int64) error) error {
	workCtx, stop := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		if err := h.renew(workCtx, consumer, p, epoch); err != nil {
			stop(err)
		}
	})
	err := work(workCtx, epoch)
	if cause := context.Cause(workCtx); cause != nil && ctx.Err() == nil {
		err = cause // rather than the "context canceled" it led to
	}
	stop(nil)
	renewing.Wait()

	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseRenew)
	defer cancel()
	if releaseErr := h.Leases.ReleaseLease(last, consumer, p, epoch); releaseErr != nil {
		h.Logger.Debug("lease left to expire",
			zap.String("consumer", consumer), zap.Int("partition", p), zap.Error(releaseErr))
	}
	return err
}

// renew prolongs the lease until ctx ends, and returns why it is gone. While
// the database is away the work goes on: it cannot commit anyway, and the
// epoch decides afterwards whether it may.
func (h *Holder) renew(ctx context.Context, consumer string, p int, epoch int64) error {
	ticker := time.NewTicker(leaseRenew)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			err := h.Leases.RenewLease(ctx, consumer, p, epoch, leaseTTL)
			if errors.Is(err, ErrFenced) {
				return fmt.Errorf("renew lease: %w", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
