package partition

import (
	"context"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"telltale/rules"
)

// recover brings the engine to where the committed effects are: the last
// snapshot, then the log up to the checkpoint without effects, then the
// alarms that are open in the database.
func (w *Worker) recover(ctx context.Context) error {
	started := w.opts.Now()
	checkpoint, err := w.store.RuleCheckpoint(ctx, w.partition)
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	snapshot, err := w.store.RuleSnapshot(ctx, w.partition)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	w.decl = w.current()
	w.engine.Use(w.decl.Rules, started)
	w.watcher.Use(w.decl.Watch)
	if snapshot.Seq > 0 || len(snapshot.State) > 0 {
		if err := w.engine.Restore(snapshot.State); err != nil {
			return fmt.Errorf("restore snapshot: %w", err)
		}
	}
	if err := w.inhibitedSoFar(ctx, snapshot); err != nil {
		return fmt.Errorf("read what was inhibited: %w", err)
	}
	if w.reader, err = w.log.Read(ctx, w.partition, snapshot.Seq); err != nil {
		return err
	}
	w.seq = snapshot.Seq
	if err := w.replay(ctx, checkpoint); err != nil {
		w.reader.Close()
		return fmt.Errorf("replay from %d to %d: %w", snapshot.Seq, checkpoint, err)
	}
	if err := w.readHealth(ctx); err != nil {
		w.reader.Close()
		return err
	}
	if err := w.reconcile(ctx, snapshot.Version != w.decl.Version); err != nil {
		w.reader.Close()
		return err
	}
	w.logger.Info("partition recovered", zap.Int("partition", w.partition), zap.Int64("epoch", w.epoch),
		zap.Uint64("snapshot", snapshot.Seq), zap.Uint64("checkpoint", checkpoint),
		zap.Duration("took", w.opts.Now().Sub(started)))
	return nil
}

// replay runs the log through engine and watcher up to the checkpoint and
// forgets the effects: they are committed already.
func (w *Worker) replay(ctx context.Context, checkpoint uint64) error {
	for w.seq < checkpoint {
		message, err := w.reader.Next(ctx)
		if err != nil {
			return err
		}
		w.tellAgain(message.Seq)
		w.decide(message)
		w.round = Effects{}
	}
	w.tellAgain(math.MaxUint64)
	w.reports = 0
	return nil
}

// reconcile makes engine and database agree on which alarms are open. They
// differ only when the rules changed between a crash and this start.
func (w *Worker) reconcile(ctx context.Context, rulesChanged bool) error {
	open, err := w.store.OpenAlarms(ctx)
	if err != nil {
		return fmt.Errorf("read open alarms: %w", err)
	}
	mine := make([]rules.OpenAlarm, 0, len(open))
	for _, alarm := range open {
		if w.owns(alarm.Key.Subject) {
			mine = append(mine, alarm)
		}
	}
	w.round.Transitions = w.engine.Reconcile(mine)
	w.snapshotAt = w.opts.Now().Add(-time.Duration(w.partition) * time.Second) // spread the snapshots of the partitions
	if rulesChanged {
		w.addSnapshot()
	}
	return w.flush(ctx)
}
