package partition

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"telltale/rules"
)

// Pauses between tries to commit while the database is away.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// commit commits the round, trying for ever while the database is away: the
// engine has already moved on, so the effects must not get lost, and reading
// further would only pile up more of them.
func (w *Worker) commit(ctx context.Context) error {
	pause := firstRetry
	for {
		err := w.commitOnce(ctx)
		if err == nil || errors.Is(err, ErrFenced) || ctx.Err() != nil {
			return err
		}
		w.metrics.retries.Inc()
		w.logger.Warn("effects wait for the database",
			zap.Int("partition", w.partition), zap.Uint64("seq", w.seq),
			zap.Int("transitions", len(w.round.Transitions)), zap.Duration("retry_in", pause), zap.Error(err))
		select {
		case <-time.After(pause):
			pause = min(2*pause, lastRetry)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *Worker) commitOnce(ctx context.Context) error {
	w.waiting = time.Time{}
	if w.round.empty() {
		w.reports = 0
		return nil
	}
	w.round.Partition, w.round.Epoch, w.round.Seq = w.partition, w.epoch, w.seq
	w.round.Now = w.opts.Now()
	w.round.Due = mergeDue(w.round.Due)

	if err := w.committer.Commit(ctx, w.round); err != nil {
		return err
	}
	w.metrics.observe(&w.round, w.opts.Now())
	w.tell()
	w.tellHealth()
	w.round, w.reports = Effects{}, 0
	return nil
}

// tell logs what was decided, once it is written down.
func (w *Worker) tell() {
	for i := range w.round.Transitions {
		t := &w.round.Transitions[i]
		level := zap.InfoLevel
		if t.Change == rules.Repeated {
			level = zap.DebugLevel
		}
		if entry := w.logger.Check(level, "alarm "+t.Change.String()); entry != nil {
			entry.Write(zap.String("alarm_id", t.AlarmID), zap.String("rule", t.Key.Rule), zap.String("subject", t.Key.Subject.ID),
				zap.Stringer("severity", t.Severity), zap.String("mode", string(t.Mode)), zap.Time("at", t.At), zap.String("trace", t.Trace))
		}
	}
}
