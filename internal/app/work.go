package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"telltale/internal/partition"
	"telltale/internal/postgres"
	"telltale/internal/tracing"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/outbox"
	"telltale/tickets/recalls"
)

// work is the database as rule workers see it.
type work struct {
	db      *postgres.DB
	desk    *tickets.Desk
	recalls *recalls.Desk
	tracer  *tracing.Tracer // nil: none
	logger  *zap.Logger     // of what is told of alarms, tickets and recalls
}

// Commit writes everything a round led to in one transaction: the checkpoint
// first, because it locks the lease and so keeps every other node out; then
// alarms and tickets; then the temperatures of shipments, and the judgements
// that need them.
func (w *work) Commit(ctx context.Context, e partition.Effects) error {
	var told told
	err := w.db.InTx(ctx, func(tx *postgres.DB) error {
		told.events = nil // of a run that lost a race
		if err := tx.AdvanceCheckpoint(ctx, partition.RulesConsumer, e.Partition, e.Epoch, e.Seq); err != nil {
			return err
		}
		if err := w.desk.Handle(ctx, told.tickets(tx), e.Transitions, e.Now); err != nil {
			return fmt.Errorf("handle %d transitions: %w", len(e.Transitions), err)
		}
		if err := tx.AddTracePoints(ctx, e.Points); err != nil {
			return err
		}
		for _, due := range e.Due {
			if _, err := w.recalls.Consider(ctx, told.recalls(tx), due.Shipment, due.Trace, e.Now); err != nil {
				return fmt.Errorf("consider shipment %s: %w", due.Shipment, err)
			}
		}
		if err := tx.SaveRuleHealth(ctx, e.Partition, healthOf(e.Health)); err != nil {
			return err
		}
		if e.Cohorts != nil {
			if err := tx.ShareCohorts(ctx, e.Partition, e.Cohorts); err != nil {
				return err
			}
		}
		if e.Inhibited != nil {
			if err := tx.SaveInhibited(ctx, e.Partition, e.Inhibited.Seq, e.Inhibited.Places); err != nil {
				return err
			}
		}
		if e.Snapshot == nil {
			return nil
		}
		return tx.SaveSnapshot(ctx, e.Partition, e.Snapshot.Seq, e.Snapshot.Version, e.Snapshot.State)
	})
	if err != nil {
		return fenced(err)
	}
	told.log(w.logger)
	if w.tracer != nil {
		for _, d := range decisions(&e, told.events, time.Now()) {
			w.tracer.Decided(d)
		}
	}
	return nil
}

// decisions returns what each message of a committed round led to, in the order
// decided: those that changed an alarm more than by counting it once more, or
// that somebody is told of.
func decisions(e *partition.Effects, events []outbox.Event, committed time.Time) []tracing.Decision {
	var list []tracing.Decision
	place := make(map[string]int)
	of := func(trace string) *tracing.Decision {
		at, known := place[trace]
		if known {
			return &list[at]
		}
		cause, ok := e.Causes[trace]
		if !ok { // decided by a change of the declarations
			return nil
		}
		place[trace] = len(list)
		list = append(list, tracing.Decision{
			Trace: trace, Device: string(cause.Device), ReceivedAt: cause.ReceivedAt, StoredAt: cause.StoredAt,
			DecidedAt: cause.DecidedAt, CommittingAt: e.Now, CommittedAt: committed,
		})
		return &list[len(list)-1]
	}
	for _, t := range e.Transitions {
		if t.Change == rules.Repeated {
			continue
		}
		if d := of(t.Trace); d != nil {
			d.Transitions = append(d.Transitions, t)
		}
	}
	for _, event := range events {
		if d := of(event.Trace); d != nil {
			d.Events = append(d.Events, event)
		}
	}
	return list
}

// SaveSnapshot is [partition.Committer]'s. The lease comes last: while a large
// state is written it can be renewed.
func (w *work) SaveSnapshot(ctx context.Context, p int, epoch int64, s partition.Snapshot) error {
	return fenced(w.db.InTx(ctx, func(tx *postgres.DB) error {
		if err := tx.SaveSnapshot(ctx, p, s.Seq, s.Version, s.State); err != nil {
			return err
		}
		return tx.HoldLease(ctx, partition.RulesConsumer, p, epoch)
	}))
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

// SharedCohorts is [partition.Store]'s.
func (w *work) SharedCohorts(ctx context.Context, p int) ([][]byte, error) {
	return w.db.SharedCohorts(ctx, p)
}

// Inhibited is [partition.Store]'s.
func (w *work) Inhibited(ctx context.Context, p int, since uint64) ([]partition.Inhibited, error) {
	seqs, places, err := w.db.LoadInhibited(ctx, p, since)
	told := make([]partition.Inhibited, len(seqs))
	for i := range seqs {
		told[i] = partition.Inhibited{Seq: seqs[i], Places: places[i]}
	}
	return told, err
}

// healthOf returns what is written down of changes.
func healthOf(changes []partition.HealthChange) []rules.Health {
	all := make([]rules.Health, len(changes))
	for i, c := range changes {
		all[i] = c.Health
	}
	return all
}

// RuleHealth is [partition.Store]'s.
func (w *work) RuleHealth(ctx context.Context, p int) ([]rules.Health, error) {
	return w.db.PartitionHealth(ctx, p)
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
