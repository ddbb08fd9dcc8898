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
			Rules:   set,
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

func (d *declarations) Directory() *devices.Directory { return d.view.Load().directory }
func (d *declarations) work() *partition.Declarations { return d.view.Load().work }
func (d *declarations) Rule(id string, _ int) (*rules.Rule, bool) {
	r, ok := d.view.Load().rules[id]
	return r, ok
}
