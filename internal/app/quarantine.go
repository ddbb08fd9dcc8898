package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"telltale/ingest"
	"telltale/ingest/stream"
	"telltale/internal/config"
	"telltale/internal/postgres"
	"telltale/internal/views"
)

// quarantineConsumer names the keeper in leases and checkpoints.
const quarantineConsumer = "quarantine"

// keeper moves refused messages from the log to the database, where people
// see them, and keeps them within their bounds.
type keeper struct {
	log    *stream.Log
	db     *postgres.DB
	bounds config.Quarantine
	letGo  *prometheus.CounterVec
	logger *zap.Logger
}

func newKeeper(log *stream.Log, db *postgres.DB, bounds config.Quarantine, reg prometheus.Registerer, logger *zap.Logger) *keeper {
	k := &keeper{log: log, db: db, bounds: bounds, logger: logger, letGo: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "telltale_quarantine_let_go_total",
		Help: "Refused messages deleted because they were too old or too many, by whether they had been replayed.",
	}, []string{"replayed"})}
	reg.MustRegister(k.letGo)
	return k
}

const (
	// keepRound bounds the messages of one transaction.
	keepRound = 200

	// boundEvery is after how many messages the quarantine's size is looked at,
	// beside the janitor's rounds: what a flood may exceed it by.
	boundEvery = 10_000
)

// bound deletes what the quarantine holds beyond its bounds.
func (k *keeper) bound(ctx context.Context, now time.Time) error {
	gone, err := k.db.BoundQuarantine(ctx, views.QuarantineBounds{
		Before: now.Add(-time.Duration(k.bounds.Retain)), MaxMessages: k.bounds.MaxMessages, MaxBytes: k.bounds.MaxBytes,
	})
	k.letGo.WithLabelValues("no").Add(float64(gone.Waiting))
	k.letGo.WithLabelValues("yes").Add(float64(gone.Arrivals - gone.Waiting))
	return err
}

// keep works through the log's quarantine under one lease.
func (k *keeper) keep(ctx context.Context, epoch int64) error {
	seq, err := k.db.Checkpoint(ctx, quarantineConsumer, 0)
	if err != nil {
		return err
	}
	reader, err := k.log.ReadQuarantine(ctx, seq)
	if err != nil {
		return err
	}
	defer reader.Close()
	for added := 0; ; {
		refused, err := k.gather(ctx, reader)
		if err != nil {
			return err
		}
		err = k.db.InTx(ctx, func(tx *postgres.DB) error {
			if err := tx.AdvanceCheckpoint(ctx, quarantineConsumer, 0, epoch, reader.Seq()); err != nil {
				return err
			}
			return tx.AddQuarantined(ctx, refused)
		})
		if err != nil {
			return fenced(err)
		}
		if err := k.log.TrimQuarantine(ctx, reader.Seq()); err != nil {
			k.logger.Warn("quarantine not trimmed from the log", zap.Error(err))
		}
		if added += len(refused); added >= boundEvery {
			added = 0
			if err := k.bound(ctx, time.Now()); err != nil && ctx.Err() == nil {
				k.logger.Warn("quarantine not bounded", zap.Error(err))
			}
		}
	}
}

// gather waits for a refused message and takes what else is there.
func (k *keeper) gather(ctx context.Context, reader *stream.QuarantineReader) ([]ingest.Quarantined, error) {
	var refused []ingest.Quarantined
	for len(refused) == 0 || reader.Pending() > 0 && len(refused) < keepRound {
		record, err := reader.Next(ctx)
		if err != nil {
			return nil, err
		}
		q, err := ingest.DecodeQuarantined(record.Payload)
		if err != nil {
			return nil, fmt.Errorf("decode quarantine record %d: %w", record.Seq, err)
		}
		refused = append(refused, q...)
	}
	return refused, nil
}
