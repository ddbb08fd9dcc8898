package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/postgres"
)

// replayer gives refused messages to the pipeline again, when somebody asked
// for it and when their device was declared. Every node has one; the database
// lets one at a time do a round.
type replayer struct {
	db       *postgres.DB
	pipeline *ingest.Pipeline
	logger   *zap.Logger
}

// Distance and size of the rounds. Each is one transaction and one sync of the
// log.
const (
	replayEvery = 2 * time.Second
	replayRound = 500
)

// run looks for work until ctx ends.
func (r *replayer) run(ctx context.Context) error {
	ticker := time.NewTicker(replayEvery)
	defer ticker.Stop()
	for {
		if err := r.step(ctx); err != nil && ctx.Err() == nil {
			r.logger.Warn("refused messages not replayed, will be tried again", zap.Error(err))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *replayer) step(ctx context.Context) error {
	if n, err := r.db.RequestClaimedReplays(ctx, time.Now()); err != nil {
		return err
	} else if n > 0 {
		r.logger.Info("devices declared that had sent before", zap.Int("devices", n))
	}
	return r.Work(ctx)
}

// Work is [console.Replayer]'s: it does what replays there are, unless another
// node is at it.
func (r *replayer) Work(ctx context.Context) error {
	for {
		n, more, err := r.db.ReplayRound(ctx, replayRound, time.Now(), func(messages []ingest.Quarantined) ([]ingest.Verdict, error) {
			return r.pipeline.Replay(ctx, messages)
		})
		if n > 0 {
			r.logger.Info("refused messages replayed", zap.Int("messages", n))
		}
		if err != nil || !more {
			return err
		}
	}
}

// Judge is [console.Replayer]'s.
func (r *replayer) Judge(q ingest.Quarantined) ingest.Verdict { return r.pipeline.Judge(q) }

// Preview is [console.Replayer]'s.
func (r *replayer) Preview(q ingest.Quarantined) ([]devices.Report, error) {
	return r.pipeline.Preview(q)
}
