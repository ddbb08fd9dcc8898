package partition

import (
	"context"

	"go.uber.org/zap"
)

// saving is a snapshot on its way into the database beside the rounds: there may
// be tens of megabytes of it, and no alarm waits for that.
type saving struct {
	state []byte
	stop  context.CancelFunc
	over  ending // when it is reached err may be read
	err   error  // why it is not saved
}

// addSnapshot has the engine's state committed with the round: something has
// changed it that is in no log.
func (w *Worker) addSnapshot() {
	w.dropSnapshot()
	w.round.Snapshot = w.snapshot(nil)
}

// takeSnapshot takes the engine's state when that is due and the one before is
// saved. There must be no round under way.
func (w *Worker) takeSnapshot() {
	due := w.sinceReports >= w.opts.SnapshotReports ||
		w.sinceReports > 0 && w.opts.Now().Sub(w.snapshotAt) >= w.opts.SnapshotEvery
	if !due || w.saving != nil && !w.saving.over.reached() {
		return
	}
	var memory []byte
	if s := w.saving; s != nil && s.err == nil {
		memory = s.state[:0]
	}
	w.saving = nil
	w.taken = w.snapshot(memory)
}

// snapshot returns the engine's state, in memory if that is large enough.
func (w *Worker) snapshot(memory []byte) *Snapshot {
	w.snapshotAt, w.sinceReports = w.opts.Now(), 0
	return &Snapshot{Seq: w.seq, Version: w.decl.Version, State: w.engine.Snapshot(memory)}
}

// saveTaken begins to save the snapshot that is taken, if one is. Everything
// decided before it must be committed. One that cannot be saved is not tried
// again: the next will do.
func (w *Worker) saveTaken(ctx context.Context) {
	if w.taken == nil {
		return
	}
	taken := *w.taken
	ctx, stop := context.WithCancel(ctx)
	s := &saving{state: taken.State, stop: stop, over: make(ending)}
	w.taken, w.saving = nil, s
	go func() {
		defer close(s.over)
		defer stop()
		if s.err = w.committer.SaveSnapshot(ctx, w.partition, w.epoch, taken); s.err != nil && ctx.Err() == nil {
			w.logger.Warn("snapshot not saved, a restart would replay more",
				zap.Int("partition", w.partition), zap.Uint64("seq", taken.Seq), zap.Error(s.err))
		}
	}()
}

// dropSnapshot forgets the snapshot that is taken and stops the one that is
// being saved: neither may come after what is committed next.
func (w *Worker) dropSnapshot() {
	w.taken = nil
	if w.saving != nil {
		w.saving.stop()
		<-w.saving.over
	}
}
