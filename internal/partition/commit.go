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

// underway is a round on its way into the database. The worker gathers the next
// one meanwhile; there is never a second under way, so rounds are committed in
// the order they were decided.
type underway struct {
	round Effects
	wait  context.Context    // ends with it
	stop  context.CancelFunc // gives it up

	over ending    // when it is reached these may be read
	at   time.Time // when it ended
	err  error     // why it is not committed
}

// ending is closed when something has ended.
type ending chan struct{}

func (e ending) reached() bool {
	select {
	case <-e:
		return true
	default:
		return false
	}
}

// send sets the round under way, and begins another. What was sent before must
// be settled. When ctx ends, a try that has begun may still end well, and
// there is no other.
func (w *Worker) send(ctx context.Context) {
	w.round.Partition, w.round.Epoch, w.round.Seq = w.partition, w.epoch, w.seq
	w.round.Due = mergeDue(w.round.Due)
	wait, end := context.WithCancel(ctx)
	try, stop := context.WithCancel(context.WithoutCancel(ctx))
	u := &underway{round: w.round, wait: wait, stop: stop, over: make(ending)}
	w.underway = u
	w.round, w.reports, w.waiting = Effects{}, 0, time.Time{}
	go func() {
		u.err = w.commit(ctx, try, &u.round)
		u.at = w.opts.Now()
		close(u.over)
		end()
	}()
}

// settle waits for what is under way to be committed, and tells of it. What
// failed stays under way, so that nothing is sent after it.
func (w *Worker) settle(ctx context.Context) error {
	u := w.underway
	select {
	case <-u.over:
	case <-ctx.Done():
		return ctx.Err()
	}
	if u.err != nil {
		return u.err
	}
	u.stop()
	w.underway = nil
	w.metrics.observe(&u.round, u.at)
	w.tell(u.round.Transitions)
	w.tellHealth(u.round.Health)
	w.position.Store(u.round.Seq)
	w.saveTaken(ctx)
	return nil
}

// giveUp stops what is under way, if anything is: the worker ends.
func (w *Worker) giveUp() {
	w.dropSnapshot()
	if w.underway == nil {
		return
	}
	w.underway.stop()
	<-w.underway.over
	w.underway = nil
}

// flush has everything committed that is decided.
func (w *Worker) flush(ctx context.Context) error {
	if w.underway != nil {
		if err := w.settle(ctx); err != nil {
			return err
		}
	}
	if w.round.empty() {
		return nil
	}
	w.send(ctx)
	return w.settle(ctx)
}

// commit commits a round, trying until ctx ends while the database is away: the
// engine has already moved on, so the effects must not get lost. It runs beside
// the worker and touches nothing of it that changes.
func (w *Worker) commit(ctx, try context.Context, round *Effects) error {
	pause := firstRetry
	for {
		round.Now = w.opts.Now()
		err := w.committer.Commit(try, *round)
		if err == nil || errors.Is(err, ErrFenced) || ctx.Err() != nil {
			return err
		}
		w.metrics.retries.Inc()
		w.logger.Warn("effects wait for the database",
			zap.Int("partition", round.Partition), zap.Uint64("seq", round.Seq),
			zap.Int("transitions", len(round.Transitions)), zap.Duration("retry_in", pause), zap.Error(err))
		select {
		case <-time.After(pause):
			pause = min(2*pause, lastRetry)
		case <-ctx.Done():
			return err
		}
	}
}

// tell logs what was decided, once it is written down.
func (w *Worker) tell(transitions []rules.Transition) {
	for i := range transitions {
		t := &transitions[i]
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
