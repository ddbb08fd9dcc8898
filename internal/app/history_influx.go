package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"telltale/ingest"
	"telltale/ingest/history"
	"telltale/internal/console"
	"telltale/internal/postgres"
	"telltale/tickets/recalls"
)

// ledger is what InfluxDB has no transactions for: an [influx.Ledger].
type ledger struct{ db *postgres.DB }

// Position is [influx.Ledger]'s.
func (l ledger) Position(ctx context.Context, partition int) (uint64, error) {
	return l.db.Checkpoint(ctx, history.Consumer, partition)
}

// Advance is [influx.Ledger]'s.
func (l ledger) Advance(ctx context.Context, chunks []history.Chunk, refused []history.Refused) error {
	positions := make([]postgres.Position, len(chunks))
	for i, c := range chunks {
		positions[i] = postgres.Position{Partition: c.Partition, Epoch: c.Epoch, Seq: c.Seq}
	}
	quarantined, err := refusedByHistory(refused)
	if err != nil {
		return err
	}
	err = l.db.InTx(ctx, func(tx *postgres.DB) error {
		if err := tx.AdvanceCheckpoints(ctx, history.Consumer, positions); err != nil {
			return err
		}
		return tx.AddQuarantined(ctx, quarantined)
	})
	var fenced *postgres.FencedError
	if errors.As(err, &fenced) {
		return &history.FencedError{Partitions: fenced.Partitions}
	}
	return err
}

func refusedByHistory(refused []history.Refused) ([]ingest.Quarantined, error) {
	quarantined := make([]ingest.Quarantined, len(refused))
	for i := range refused {
		var err error
		if quarantined[i], err = ingest.RefusedByHistory(&refused[i].Report, refused[i].Why); err != nil {
			return nil, err
		}
	}
	return quarantined, nil
}

// recallStore is the recalls' store in a transaction.
func (a *App) recallStore(tx *postgres.DB) recalls.Store {
	if a.readings.elsewhere {
		return farHistory{tx, a.readings.History}
	}
	return tx
}

// farHistory is the recalls' store where the readings are not in its database.
type farHistory struct {
	*postgres.DB
	readings console.History
}

// clockMargin is how far ahead of ours a device's clock may be, with room to
// spare: the pipeline takes less.
const clockMargin = 24 * time.Hour

// BackfillTrace adds what the history knows of a shipment to its trace, and
// returns how many points it knows. While the history is away the shipment
// waits for it: judged without its past it would look better than it is.
func (h farHistory) BackfillTrace(ctx context.Context, shipment string) (int64, error) {
	c, err := h.LockShipment(ctx, shipment)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	var points []recalls.TracePoint
	for _, l := range c.Shipment.Loggers {
		until := now.Add(clockMargin)
		for _, end := range []time.Time{l.Until, c.Shipment.ArrivedAt} {
			if !end.IsZero() && end.Before(until) {
				until = end
			}
		}
		known, err := h.readings.RawPoints(ctx, l.Device, l.Metric, l.From, until)
		if err != nil {
			return 0, fmt.Errorf("backfill trace of %s: %w", shipment, err)
		}
		for _, p := range known {
			if !p.Value.IsLabel() {
				points = append(points, recalls.TracePoint{
					Shipment: shipment, Device: l.Device, ObservedAt: p.T, ReceivedAt: now, Celsius: p.Value.Number,
				})
			}
		}
	}
	return int64(len(points)), h.AddTracePoints(ctx, points)
}
