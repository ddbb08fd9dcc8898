package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"telltale/internal/partition"
	"telltale/internal/postgres"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/recalls"
)

// work is the database as rule workers see it.
type work struct {
	db      *postgres.DB
	desk    *tickets.Desk
	recalls *recalls.Desk
}

// Commit writes everything a round led to in one transaction: the checkpoint
// first, because it locks the lease and so keeps every other node out; then
// alarms and tickets; then the temperatures of shipments, and the judgements
// that need them.
func (w *work) Commit(ctx context.Context, e partition.Effects) error {
	err := w.db.InTx(ctx, func(tx *postgres.DB) error {
		if err := tx.AdvanceCheckpoint(ctx, partition.RulesConsumer, e.Partition, e.Epoch, e.Seq); err != nil {
			return err
		}
		if err := w.desk.Handle(ctx, tx, e.Transitions, e.Now); err != nil {
			return fmt.Errorf("handle %d transitions: %w", len(e.Transitions), err)
		}
		if err := tx.AddTracePoints(ctx, e.Points); err != nil {
			return err
		}
		for _, shipment := range e.Due {
			if _, err := w.recalls.Consider(ctx, tx, shipment, e.Now); err != nil {
				return fmt.Errorf("consider shipment %s: %w", shipment, err)
			}
		}
		if e.Snapshot == nil {
			return nil
		}
		return tx.SaveSnapshot(ctx, e.Partition, e.Snapshot.Seq, e.Snapshot.Version, e.Snapshot.State)
	})
	return fenced(err)
}

// RuleCheckpoint is [partition.Store]'s.
func (w *work) RuleCheckpoint(ctx context.Context, p int) (uint64, error) {
	return w.db.Checkpoint(ctx, partition.RulesConsumer, p)
}

// RuleSnapshot is [partition.Store]'s.
func (w *work) RuleSnapshot(ctx context.Context, p int) (partition.Snapshot, error) {
	seq, version, state, err := w.db.LoadSnapshot(ctx, p)
	return partition.Snapshot{Seq: seq, Version: version, State: state}, err
}

// OpenAlarms is [partition.Store]'s.
func (w *work) OpenAlarms(ctx context.Context) ([]rules.OpenAlarm, error) {
	return w.db.OpenAlarms(ctx)
}

// AcquireLease is [partition.Leases]'s.
func (w *work) AcquireLease(ctx context.Context, consumer string, p int, node string, ttl time.Duration) (int64, bool, error) {
	return w.db.AcquireLease(ctx, consumer, p, node, ttl)
}

// RenewLease is [partition.Leases]'s.
func (w *work) RenewLease(ctx context.Context, consumer string, p int, epoch int64, ttl time.Duration) error {
	return fenced(w.db.RenewLease(ctx, consumer, p, epoch, ttl))
}

// ReleaseLease is [partition.Leases]'s.
func (w *work) ReleaseLease(ctx context.Context, consumer string, p int, epoch int64) error {
	return w.db.ReleaseLease(ctx, consumer, p, epoch)
}

// fenced translates the store's word for a lost lease into the workers'.
func fenced(err error) error {
	if errors.Is(err, postgres.ErrFenced) {
		return fmt.Errorf("%w: %w", partition.ErrFenced, err)
	}
	return err
}
