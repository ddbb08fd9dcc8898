package partition

import (
	"context"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets/recalls"
)

// RulesConsumer names the workers in leases and checkpoints.
const RulesConsumer = "rules"

// GroupOptions say what a group works with. All fields but Worker are
// required.
type GroupOptions struct {
	Holder     *Holder
	Partitions int
	Log        Log
	Store      Store
	Committer  Committer
	Current    func() *Declarations    // never nil
	Inhibitors func() *Inhibitors      // at present; nil while that is not known
	Unheard    func() []rules.Shortage // of all partitions together, as they were looked for last
	Logger     *zap.Logger
	Metrics    *Metrics
	Worker     WorkerOptions
}

// Group works through every partition that it can lease.
type Group struct {
	opts      GroupOptions
	working   atomic.Int64
	positions []atomic.Uint64 // by partition
}

// NewGroup returns a group; nothing runs before [Group.Run].
func NewGroup(opts GroupOptions) *Group {
	opts.Worker.setDefaults()
	return &Group{opts: opts, positions: make([]atomic.Uint64, opts.Partitions)}
}

// Run holds leases and works until ctx ends. It returns when every worker has
// left its last snapshot and its lease.
func (g *Group) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for p := range g.opts.Partitions {
		wg.Go(func() {
			g.opts.Holder.Hold(ctx, RulesConsumer, p, func(ctx context.Context, epoch int64) error {
				return g.newWorker(p, epoch).Run(ctx)
			})
		})
	}
	wg.Wait()
	return nil
}

// Working returns how many partitions of this node are recovered and worked
// through now.
func (g *Group) Working() int { return int(g.working.Load()) }

// Position returns the position in the log up to which this node has worked
// through a partition, effects committed; 0 when it has not.
func (g *Group) Position(p int) uint64 { return g.positions[p].Load() }

func (g *Group) newWorker(p int, epoch int64) *Worker {
	decl := g.opts.Current()
	return &Worker{
		partition: p, epoch: epoch,
		log: g.opts.Log, store: g.opts.Store, committer: g.opts.Committer, current: g.opts.Current,
		inhibitors: g.opts.Inhibitors, unheard: g.opts.Unheard,
		owns:    func(s rules.Subject) bool { return g.opts.Log.PartitionOf(devices.ID(s.ID)) == p },
		working: &g.working, position: &g.positions[p],
		logger: g.opts.Logger, metrics: g.opts.Metrics, opts: g.opts.Worker,
		engine:  rules.NewEngine(decl.Rules),
		watcher: recalls.NewWatcher(decl.Watch),
		decl:    decl,
	}
}
