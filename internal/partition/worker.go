package partition

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest/stream"
	"telltale/rules"
	"telltale/tickets/recalls"
)

// ErrFenced says that the worker's lease went to another node.
var ErrFenced = errors.New("partition: lease lost")

// Declarations is what a worker decides by, at one version.
type Declarations struct {
	Version int64
	Rules   *rules.Set
	Watch   *recalls.Watch
}

// Log is where a worker reads.
type Log interface {
	Read(ctx context.Context, partition int, after uint64) (*stream.Reader, error)
	AppendTick(ctx context.Context, partition int, at time.Time) error
	PartitionOf(id devices.ID) int
}

// WorkerOptions say how a worker behaves. Zero values mean the defaults.
type WorkerOptions struct {
	// MaxRound and MaxEffects bound the reports gathered into one transaction
	// and what follows from them. Who is behind gathers much: a transaction
	// costs much the same for little and for much, and nothing is decided while
	// it lasts. Defaults: 32,768 and 4,096.
	MaxRound   int
	MaxEffects int

	// SnapshotEvery and SnapshotReports say how often the engine's state is
	// saved: after that time, or that many reports, whichever comes first,
	// and only if something happened. They bound how much a restart replays:
	// a worker decides on 300,000 reports a second. Defaults: 30 s, 600,000.
	SnapshotEvery   time.Duration
	SnapshotReports int

	// CohortsEvery says how often a worker whose rules compare devices looks
	// at what other partitions know of theirs. Default 15 s.
	CohortsEvery time.Duration

	// HealthEvery is how often a worker looks for rules that see less than
	// they ask for. Default 30 s.
	HealthEvery time.Duration

	// Now is the clock. Default time.Now.
	Now func() time.Time
}

const (
	defaultMaxRound        = 32768
	defaultMaxEffects      = 4096
	defaultSnapshotEvery   = 30 * time.Second
	defaultSnapshotReports = 600_000
	defaultCohortsEvery    = 15 * time.Second
	defaultHealthEvery     = 30 * time.Second

	// recordsWait is how long what is only recorded waits for something to be
	// committed with: a transaction for each repetition of an alarm would make
	// the next alarm wait for it.
	recordsWait = 500 * time.Millisecond

	// idleWait is how long a worker waits for a message before it looks at
	// its timers and at the declarations.
	idleWait = 250 * time.Millisecond

	// tickPatience is how long a worker waits for its own tick to come back
	// through the log before it appends another.
	tickPatience = 5 * time.Second
)

func (o *WorkerOptions) setDefaults() {
	if o.MaxRound == 0 {
		o.MaxRound = defaultMaxRound
	}
	if o.MaxEffects == 0 {
		o.MaxEffects = defaultMaxEffects
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = defaultSnapshotEvery
	}
	if o.SnapshotReports == 0 {
		o.SnapshotReports = defaultSnapshotReports
	}
	if o.CohortsEvery == 0 {
		o.CohortsEvery = defaultCohortsEvery
	}
	if o.HealthEvery == 0 {
		o.HealthEvery = defaultHealthEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Worker works through one partition under one lease. It belongs to the
// goroutine that calls Run.
type Worker struct {
	partition int
	epoch     int64

	log        Log
	store      Store
	committer  Committer
	current    func() *Declarations
	inhibitors func() *Inhibitors
	unheard    func() []rules.Shortage
	owns       func(rules.Subject) bool // whether the subject's device is of this partition
	working    *atomic.Int64            // of the group: how many are recovered
	position   *atomic.Uint64           // of the group: what is committed, or had no effect
	logger     *zap.Logger
	opts       WorkerOptions
	metrics    *Metrics

	engine  *rules.Engine
	watcher *recalls.Watcher
	decl    *Declarations

	seen      *Inhibitors   // what the engine was last told of other partitions ...
	seenUnder *Declarations // ... by which rules
	told      []Inhibited   // in the former life, since the snapshot; empty but in a replay

	reader   *stream.Reader
	seq      uint64    // worked through, effects in round or committed
	round    Effects   // gathered, not yet committed
	reports  int       // in round
	underway *underway // the round before, not known to be committed yet; nil: there is none
	waiting  time.Time // since when the round waits for something to be committed with; zero: it does not

	tickedAt time.Time // when the last tick was appended; zero: it came back

	snapshotAt   time.Time
	sinceReports int       // reports since the last snapshot
	taken        *Snapshot // waits until everything decided before it is committed; nil: none does
	saving       *saving   // the last that was saved beside the rounds; nil: none was

	ward         *ward         // how the rules fare
	checkedAt    time.Time     // when shortages were last looked for ...
	checkedUnder *Declarations // ... by which rules

	exchangedAt time.Time // when cohorts were last compared with other partitions
	shared      []byte    // what they were told last
	used        [][]byte  // what they told last
}

// Run recovers the partition's state and works until ctx ends, the lease is
// lost (an error wrapping [ErrFenced]) or the log fails. On a regular end it
// leaves a snapshot, so that the next start has nothing to replay.
func (w *Worker) Run(ctx context.Context) error {
	defer w.giveUp()
	if err := w.recover(ctx); err != nil {
		return fmt.Errorf("recover partition %d: %w", w.partition, err)
	}
	defer w.reader.Close()
	defer w.leaveHealth()
	w.working.Add(1)
	defer w.working.Add(-1)
	for {
		err := w.step(ctx)
		if ctx.Err() != nil {
			return w.leave(ctx)
		}
		if err != nil {
			return fmt.Errorf("partition %d: %w", w.partition, err)
		}
	}
}

// step gathers, decides, and sends off what was decided as soon as the round
// before it is committed.
func (w *Worker) step(ctx context.Context) error {
	w.keepUp()
	w.exchangeCohorts(ctx)
	w.lookAround()
	if err := w.gather(ctx); err != nil {
		return err
	}
	if w.underway != nil {
		if !w.underway.over.reached() && !w.full() {
			return nil
		}
		if err := w.settle(ctx); err != nil {
			return err
		}
	}
	w.tendHealth()
	w.takeSnapshot()
	switch {
	case w.round.empty():
		w.reports = 0
		w.position.Store(w.seq)
		w.saveTaken(ctx)
	case !w.mayWait():
		w.send(ctx)
	}
	return nil
}

// mayWait reports whether the round may be committed later, with more.
func (w *Worker) mayWait() bool {
	if !w.round.onlyRecords() || w.full() {
		return false
	}
	now := w.opts.Now()
	if w.waiting.IsZero() {
		w.waiting = now
	}
	return now.Sub(w.waiting) < recordsWait
}

// keepUp goes over to the newest declarations. It is called before every
// message: what was let into the log knew its device to be declared, so the
// engine must know it as well. The state after the change is saved at once, so
// that no replay ever spans a change of the rules.
func (w *Worker) keepUp() {
	decl := w.current()
	if decl == w.decl {
		return
	}
	at := w.opts.Now()
	w.round.Transitions = append(w.round.Transitions, w.engine.Use(decl.Rules, at)...)
	w.watcher.Use(decl.Watch)
	w.decl = decl
	w.addSnapshot()
}

// gather waits for a batch and takes what else is there, until the round is
// full or the one before it is committed.
func (w *Worker) gather(ctx context.Context) error {
	waitFor := ctx
	if w.underway != nil {
		waitFor = w.underway.wait
	}
	waitCtx, cancel := context.WithTimeout(waitFor, w.wait())
	defer cancel()
	message, err := w.reader.Next(waitCtx)
	if err != nil && ctx.Err() == nil && errors.Is(err, waitCtx.Err()) {
		return w.tick(ctx)
	}
	for {
		if err != nil {
			return err
		}
		w.keepUp()
		w.decide(message)
		if w.full() || w.reader.Pending() == 0 || w.underway != nil && w.underway.over.reached() {
			return nil
		}
		message, err = w.reader.Next(ctx)
	}
}

// full reports whether the round is to be committed before more is decided.
func (w *Worker) full() bool {
	return w.reports >= w.opts.MaxRound || w.round.size() >= w.opts.MaxEffects
}

// wait is how long the worker may sleep: until its next timer, at most
// idleWait.
func (w *Worker) wait() time.Duration {
	deadline, ok := w.engine.NextDeadline()
	if !ok {
		return idleWait
	}
	return min(idleWait, max(time.Millisecond, deadline.Sub(w.opts.Now())))
}

// tick puts the time into the log when a timer of the engine is due and no
// batch has said so. The tick takes effect when it comes back as a batch.
func (w *Worker) tick(ctx context.Context) error {
	now := w.opts.Now()
	deadline, ok := w.engine.NextDeadline()
	if !ok || now.Before(deadline) || now.Sub(w.tickedAt) < tickPatience {
		return nil
	}
	if err := w.log.AppendTick(ctx, w.partition, now); err != nil {
		// The log is away or full; the timer is still due at the next try.
		w.logger.Warn("tick not appended", zap.Int("partition", w.partition), zap.Error(err))
		return nil
	}
	w.tickedAt = now
	return nil
}

// decide runs one batch through engine and watcher and adds what follows from
// it to the round.
func (w *Worker) decide(message stream.Message) {
	w.tickedAt = time.Time{}
	trace := func(i int) string { return w.cause(&message, i) }
	transitions := w.engine.Apply(message.Reports, message.AppendedAt, trace)
	w.round.Transitions = append(w.round.Transitions, transitions...)
	for i := range message.Reports {
		points, due := w.watcher.Observe(&message.Reports[i])
		w.round.Points = append(w.round.Points, points...)
		for _, shipment := range due {
			w.round.Due = append(w.round.Due, Due{Shipment: shipment, Trace: trace(i)})
		}
	}
	w.metrics.reports.Add(float64(len(message.Reports)))
	w.seq = message.Seq
	w.reports += len(message.Reports)
	w.sinceReports += max(1, len(message.Reports))
}

// cause notes a report of a batch as the cause of something, or the time of the
// batch (i < 0), and returns its trace.
func (w *Worker) cause(message *stream.Message, i int) string {
	c := Cause{Trace: stream.TraceOf(w.partition, message.Seq, i), StoredAt: message.AppendedAt, DecidedAt: w.opts.Now()}
	if i >= 0 {
		c.Device, c.ReceivedAt = message.Reports[i].Device, message.Reports[i].ReceivedAt
	}
	if w.round.Causes == nil {
		w.round.Causes = make(map[string]Cause)
	}
	w.round.Causes[c.Trace] = c
	return c.Trace
}

// leave has what is decided committed and a last snapshot, within a short time
// of its own: the caller's context has ended.
func (w *Worker) leave(ctx context.Context) error {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	w.addSnapshot()
	if err := w.flush(last); err != nil {
		// Nothing is lost: the log still holds what was not committed.
		w.logger.Warn("last commit left to the next start", zap.Int("partition", w.partition), zap.Error(err))
	}
	return ctx.Err()
}
