package app

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"telltale/ingest"
	"telltale/ingest/stream"
	"telltale/internal/postgres"
	"telltale/internal/views"
)

// quarantineConsumer names the keeper in leases and checkpoints.
const quarantineConsumer = "quarantine"

// keeper moves refused messages from the log to the database, where people
// see them, and gives them back to the pipeline when somebody asks.
type keeper struct {
	log      *stream.Log
	db       *postgres.DB
	pipeline *ingest.Pipeline
	logger   *zap.Logger
}

// keepRound bounds the messages of one transaction.
const keepRound = 200

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
	for {
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

// Replay gives a refused message to the pipeline again, as it came then. It
// returns when the message is safe: in the log, or in quarantine once more.
func (k *keeper) Replay(ctx context.Context, q ingest.Quarantined) error {
	done := make(chan error, 1)
	// Submit, for it has no patience to lose: the message is old already.
	k.pipeline.Submit(ctx, ingest.Message{
		Topic: q.Topic, ClientID: q.ClientID, Payload: q.Payload, QoS: 1, ReceivedAt: q.ReceivedAt, Replayed: true,
	}, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Distance and size of the rounds in which requested replays are taken.
const (
	replayEvery = 2 * time.Second
	replayRound = 200
)

// replayRequested replays what commands beside the gateway ask for.
func (k *keeper) replayRequested(ctx context.Context) error {
	ticker := time.NewTicker(replayEvery)
	defer ticker.Stop()
	for {
		n, err := k.db.TakeReplays(ctx, replayRound, time.Now(), func(r views.RefusedRow) error {
			return k.Replay(ctx, r.Quarantined)
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			k.logger.Warn("requested replays not taken", zap.Error(err))
		case n > 0:
			k.logger.Info("refused messages replayed", zap.Int("messages", n))
			continue // there may be more
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}
