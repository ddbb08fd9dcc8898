package app

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"telltale/devices"
	"telltale/internal/partition"
	"telltale/internal/postgres"
	"telltale/rules"
	"telltale/tickets/recalls"
)

// declarations holds what is declared, at its newest version, for everybody
// who works by it. Readers get an immutable view without a lock.
type declarations struct {
	db     *postgres.DB
	node   string
	logger *zap.Logger

	view atomic.Pointer[view]
}

// view is everything made from the declarations of one version.
type view struct {
	directory *devices.Directory
	rules     map[string]*rules.Rule
	work      *partition.Declarations
}

// load reads the newest version and makes the view of it.
func (d *declarations) load(ctx context.Context) error {
	declared, err := d.db.LoadDeclarations(ctx)
	if err != nil {
		return err
	}
	set, err := rules.Compile(declared.Rules, declared.Directory)
	if err != nil {
		return fmt.Errorf("compile rules of version %d: %w", declared.Version, err)
	}
	byID := make(map[string]*rules.Rule, len(declared.Rules))
	for i := range declared.Rules {
		byID[declared.Rules[i].ID] = &declared.Rules[i]
	}
	d.view.Store(&view{
		directory: declared.Directory,
		rules:     byID,
		work: &partition.Declarations{
			Version: declared.Version,
			Rules:   set.WithMaintenance(declared.Maintenance),
			Watch:   recalls.NewWatch(declared.Shipments, declared.Profiles),
		},
	})
	d.logger.Info("declarations loaded", zap.Int64("version", declared.Version),
		zap.Int("devices", declared.Directory.Len()), zap.Int("rules", len(declared.Rules)),
		zap.Int("shipments", len(declared.Shipments)))
	return nil
}

// follow loads each new version as it is announced, until ctx ends. A version
// that cannot be loaded leaves the one before in force.
func (d *declarations) follow(ctx context.Context) error {
	seen := d.Directory().Version()
	for ctx.Err() == nil {
		version, err := d.db.WaitDeclarations(ctx, seen)
		if err == nil {
			err = d.load(ctx)
			seen = version
		}
		if err == nil {
			err = d.heartbeat(ctx)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		d.logger.Error("declarations not followed, will be tried again", zap.Error(err))
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	return nil
}

// heartbeatEvery is how often a node says which version it works by, when
// that does not change.
const heartbeatEvery = 5 * time.Second

// announce says which version this node works by, so that whoever declares
// something can wait until it counts.
func (d *declarations) announce(ctx context.Context) error {
	ticker := time.NewTicker(heartbeatEvery)
	defer ticker.Stop()
	for {
		if err := d.heartbeat(ctx); err != nil && ctx.Err() == nil {
			d.logger.Warn("node not announced", zap.Error(err))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if err := d.db.NodeLeft(last, d.node); err != nil {
				// As after a kill: who declares something waits until the last heartbeat is old.
				d.logger.Warn("end of node not announced", zap.Error(err))
			}
			return nil
		}
	}
}

func (d *declarations) heartbeat(ctx context.Context) error {
	return d.db.NodeHeartbeat(ctx, d.node, d.Directory().Version())
}

// Directory returns the devices and models that are declared.
func (d *declarations) Directory() *devices.Directory { return d.view.Load().directory }

// work returns what rule workers decide by.
func (d *declarations) work() *partition.Declarations { return d.view.Load().work }

// Rule returns a rule as it is declared now.
func (d *declarations) Rule(id string, _ int) (*rules.Rule, bool) {
	r, ok := d.view.Load().rules[id]
	return r, ok
}
