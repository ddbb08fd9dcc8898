package app

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"telltale/internal/partition"
	"telltale/internal/postgres"
	"telltale/rules"
)

// aroundEvery is how often the alarms that hold others back at their site or
// gateway are read. It is how much sooner than the others they must be raised.
const aroundEvery = 500 * time.Millisecond

// around follows the alarms that hold others back beyond their own device, for
// the workers of all partitions of this node.
type around struct {
	db     *postgres.DB
	rules  func() *partition.Declarations
	logger *zap.Logger

	latest atomic.Pointer[partition.Inhibitors]
}

// now returns them as they were read last; nil before that.
func (a *around) now() *partition.Inhibitors { return a.latest.Load() }

// follow reads them until ctx ends. While the database is away they stay as
// they are.
func (a *around) follow(ctx context.Context) error {
	ticker := time.NewTicker(aroundEvery)
	defer ticker.Stop()
	away := false
	for {
		err := a.read(ctx)
		if err != nil && !away && ctx.Err() == nil {
			a.logger.Warn("inhibiting alarms not read, will be tried again", zap.Error(err))
		}
		away = err != nil
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// read reads them once. A pointer that stays the same says that nothing has
// changed.
func (a *around) read(ctx context.Context) error {
	var alarms []rules.OpenAlarm
	if wide := a.rules().Rules.WideRules(); len(wide) > 0 {
		var err error
		if alarms, err = a.db.InhibitingAlarms(ctx, wide); err != nil {
			return err
		}
	}
	if before := a.latest.Load(); before == nil || !slices.Equal(before.Alarms, alarms) {
		a.latest.Store(&partition.Inhibitors{Alarms: alarms})
	}
	return nil
}
