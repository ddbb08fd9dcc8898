package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"telltale/ingest/history"
)

// Devices that are not heard count as late only while they are listened to;
// see devices.Listening. Every so often a node notes that it listens. A longer
// break than the grace, by all nodes, means that nobody did: a restart that
// takes less makes no difference to anybody.
const (
	listenEvery    = 5 * time.Second
	listeningGrace = 30 * time.Second
)

// listener notes up to when everything that devices said is stored.
type listener struct {
	ready  func() error                                  // why no messages come in
	ends   func(context.Context) (map[int]uint64, error) // of the log's partitions
	stored func(context.Context) (map[int]uint64, error) // up to where their presence is stored
	note   func(ctx context.Context, until time.Time) error
	logger *zap.Logger

	heardAt time.Time // when the log ended at heard; zero: not looked at
	heard   map[int]uint64
}

func (a *App) newListener() *listener {
	return &listener{
		ready: a.door.Ready,
		ends:  a.logEnds,
		stored: func(ctx context.Context) (map[int]uint64, error) {
			return a.db.Checkpoints(ctx, history.PresenceConsumer)
		},
		note: func(ctx context.Context, until time.Time) error {
			return a.db.KeepListening(ctx, until, listeningGrace)
		},
		logger: a.logger.Named("presence"),
	}
}

func (a *App) logEnds(ctx context.Context) (map[int]uint64, error) {
	ends := make(map[int]uint64, a.log.Partitions())
	for p := range a.log.Partitions() {
		end, err := a.log.End(ctx, p)
		if err != nil {
			return nil, err
		}
		ends[p] = end
	}
	return ends, nil
}

// run notes until ctx ends.
func (l *listener) run(ctx context.Context) error {
	ticker := time.NewTicker(listenEvery)
	defer ticker.Stop()
	for {
		if err := l.step(ctx, time.Now()); err != nil && ctx.Err() == nil {
			l.logger.Warn("listening not noted", zap.Error(err))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// step looks whether what the log held at an earlier step is stored by now: it
// is noted as listened to until then, and the next step waits for what the log
// holds now. While the door is shut, or the database behind, the silence is
// ours and nothing is noted.
func (l *listener) step(ctx context.Context, now time.Time) error {
	if l.ready() != nil {
		l.heardAt = time.Time{}
		return nil
	}
	if !l.heardAt.IsZero() {
		stored, err := l.stored(ctx)
		if err != nil {
			return err
		}
		for p, end := range l.heard {
			if stored[p] < end {
				return nil
			}
		}
		if err := l.note(ctx, l.heardAt); err != nil {
			return err
		}
	}
	ends, err := l.ends(ctx)
	if err != nil {
		return err
	}
	l.heard, l.heardAt = ends, now
	return nil
}
