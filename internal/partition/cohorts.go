package partition

import (
	"bytes"
	"context"
	"slices"

	"go.uber.org/zap"
)

// exchangeCohorts tells other partitions what their rules need to know of this
// one's devices, and takes over what they know of theirs. Like a change of the
// rules that is in no log, so the state after it is saved at once and no
// replay ever spans it. It does nothing while no rule compares devices.
func (w *Worker) exchangeCohorts(ctx context.Context) {
	now := w.opts.Now()
	if now.Sub(w.exchangedAt) < w.opts.CohortsEvery {
		return
	}
	own := w.engine.ShareCohorts(nil)
	if own == nil {
		return
	}
	w.exchangedAt = now
	if !bytes.Equal(own, w.shared) {
		w.shared, w.round.Cohorts = own, own
	}
	others, err := w.store.SharedCohorts(ctx, w.partition)
	if err == nil && !slices.EqualFunc(others, w.used, bytes.Equal) {
		err = w.engine.UseCohorts(others)
		w.used = others
		w.addSnapshot()
	}
	if err != nil {
		// Devices are compared with what was known before, or with those of
		// this partition alone, until the next try.
		w.logger.Warn("cohorts of other partitions not read", zap.Int("partition", w.partition), zap.Error(err))
	}
}
