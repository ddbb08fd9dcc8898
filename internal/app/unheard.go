package app

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"telltale/internal/partition"
	"telltale/internal/postgres"
	"telltale/rules"
)

// unheardEvery is how often rules are looked for whose metrics do not come. It
// is about days, and looks at every device.
const unheardEvery = 10 * time.Minute

// unheard follows which rules wait for metrics that do not come. That takes the
// devices of all partitions together, so the database is asked and no engine.
type unheard struct {
	db     *postgres.DB
	rules  func() *partition.Declarations
	now    func() time.Time
	logger *zap.Logger

	latest atomic.Pointer[[]rules.Shortage]
}

// found returns them as they were looked for last; none before that.
func (u *unheard) found() []rules.Shortage {
	if latest := u.latest.Load(); latest != nil {
		return *latest
	}
	return nil
}

// follow looks for them until ctx ends. While the database is away what was
// found stays.
func (u *unheard) follow(ctx context.Context) error {
	ticker := time.NewTicker(unheardEvery)
	defer ticker.Stop()
	for {
		if err := u.look(ctx); err != nil && ctx.Err() == nil {
			u.logger.Warn("metrics that do not come not looked for, will be tried again", zap.Error(err))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look looks for them once.
func (u *unheard) look(ctx context.Context) error {
	set := u.rules().Rules
	var short []rules.Shortage
	if metrics, tags := set.AsksFor(); len(metrics) > 0 {
		heard, err := u.db.Heard(ctx, metrics, tags)
		if err != nil {
			return err
		}
		since, err := u.db.RulesSince(ctx)
		if err != nil {
			return err
		}
		short = set.Unheard(heard, since, u.now())
	}
	u.latest.Store(&short)
	return nil
}
