package partition

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest/stream"
	"telltale/rules"
	"telltale/tickets/recalls"
)

// ledger is a database of one partition in memory: what it commits stays, and
// it can be away, or another node's.
type ledger struct {
	mu        sync.Mutex
	away      int // commits that fail before one succeeds
	fenced    bool
	committed []string // "raised fridge-1 10:10", "point S-1 10:10", "due S-1"
	seq       uint64
	snapshot  Snapshot
	cohorts   []byte      // of the worker's partition
	others    [][]byte    // of other partitions
	inhibited []Inhibited // all there ever were, for a snapshot may be taken away
	open      []rules.OpenAlarm
	health    map[string]rules.Health // those that are not well
	written   int                     // health, lines
	commits   int
	repeated  int           // transitions
	changed   chan struct{} // capacity 1: something was committed or refused
}

func newLedger() *ledger { return &ledger{changed: make(chan struct{}, 1)} }

var errAway = errors.New("database is away")

func (l *ledger) Commit(_ context.Context, e Effects) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		select {
		case l.changed <- struct{}{}:
		default:
		}
	}()
	if l.fenced {
		return fmt.Errorf("commit: %w", ErrFenced)
	}
	if l.away > 0 {
		l.away--
		return errAway
	}
	l.commits++
	for _, t := range e.Transitions {
		if t.Change == rules.Repeated {
			l.repeated++
		} else {
			l.committed = append(l.committed, fmt.Sprintf("%s %s %s", t.Change, t.Key.Subject.ID, t.At.UTC().Format("15:04")))
		}
	}
	for _, p := range e.Points {
		l.committed = append(l.committed, fmt.Sprintf("point %s %s", p.Shipment, p.ObservedAt.UTC().Format("15:04")))
	}
	for _, due := range e.Due {
		l.committed = append(l.committed, "due "+due.Shipment)
	}
	l.seq = e.Seq
	if e.Inhibited != nil {
		l.inhibited = append(l.inhibited, *e.Inhibited)
	}
	if e.Snapshot != nil {
		l.snapshot = *e.Snapshot
	}
	for _, c := range e.Health {
		l.written++
		if l.health == nil {
			l.health = make(map[string]rules.Health)
		}
		if l.health[c.Rule] = c.Health; c.State == rules.Healthy {
			delete(l.health, c.Rule)
		}
	}
	if e.Cohorts != nil {
		l.cohorts = e.Cohorts
	}
	return nil
}

func (l *ledger) SaveSnapshot(_ context.Context, _ int, _ int64, s Snapshot) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fenced {
		return fmt.Errorf("save: %w", ErrFenced)
	}
	s.State = bytes.Clone(s.State) // its memory serves again
	l.snapshot = s
	return nil
}

func (l *ledger) RuleCheckpoint(context.Context, int) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq, nil
}

func (l *ledger) RuleSnapshot(context.Context, int) (Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.snapshot, nil
}

func (l *ledger) SharedCohorts(context.Context, int) ([][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.others, nil
}

func (l *ledger) Inhibited(_ context.Context, _ int, since uint64) ([]Inhibited, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.inhibited), func(i Inhibited) bool { return i.Seq < since }), nil
}

func (l *ledger) RuleHealth(context.Context, int) ([]rules.Health, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.health)), nil
}

func (l *ledger) OpenAlarms(context.Context) ([]rules.OpenAlarm, error) { return l.open, nil }

func (l *ledger) saved() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.snapshot
}

func (l *ledger) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.committed)
}

// await waits until the ledger holds n lines, or fails the test.
func (l *ledger) await(t *testing.T, n int) {
	t.Helper()
	l.awaitThat(t, fmt.Sprintf("%d effects", n), func(lines []string) bool { return len(lines) >= n })
}

// awaitLine waits until the ledger holds a line.
func (l *ledger) awaitLine(t *testing.T, line string) {
	t.Helper()
	l.awaitThat(t, line, func(lines []string) bool { return slices.Contains(lines, line) })
}

func (l *ledger) awaitThat(t *testing.T, what string, holds func(lines []string) bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !holds(l.lines()) {
		select {
		case <-l.changed:
		case <-deadline:
			t.Fatalf("waited in vain for %s, got %q", what, l.lines())
		}
	}
}

func newWorker(t *testing.T, log *stream.Log, l *ledger, when string) *Worker {
	t.Helper()
	directory := devices.NewDirectory(1,
		[]*devices.Model{{ID: "FR", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}},
			Lateness: time.Hour}},
		[]*devices.Device{{ID: "fridge-1", Model: "FR"}})
	set, err := rules.Compile([]rules.Rule{{ID: "warm", Version: 1, When: when, For: 10 * time.Minute, Mode: rules.Live}}, directory)
	if err != nil {
		t.Fatal(err)
	}
	decl := &Declarations{Version: 1, Rules: set, Watch: recalls.NewWatch(nil, nil)}
	group := NewGroup(GroupOptions{
		Holder: nil, Partitions: 1, Log: log, Store: l, Committer: l, Logger: zap.NewNop(),
		Current: func() *Declarations { return decl }, Metrics: NewMetrics(prometheus.NewRegistry()),
		Inhibitors: func() *Inhibitors { return nil },
		Unheard:    func() []rules.Shortage { return nil },
	})
	return group.newWorker(0, 1)
}

func openLog(t *testing.T) *stream.Log {
	t.Helper()
	log, err := stream.Open(t.Context(), stream.Options{Dir: t.TempDir(), Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

var midnight = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// say appends one temperature a minute, each in a batch of its own.
func say(t *testing.T, log *stream.Log, from int, temperatures ...float64) {
	t.Helper()
	for i, celsius := range temperatures {
		at := midnight.Add(time.Duration(from+i) * time.Minute)
		report := devices.Report{
			Device: "fridge-1", ObservedAt: at, ReceivedAt: at,
			Readings: []devices.Reading{{Metric: "temperature", Value: devices.Number(celsius)}},
		}
		if err := log.Append(t.Context(), at, []devices.Report{report}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func repeat(celsius float64, n int) []float64 { return slices.Repeat([]float64{celsius}, n) }

// run runs a worker and returns what stops it and waits.
func run(t *testing.T, w *Worker) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() error { cancel(); return <-ended }
}

func TestEffectsWaitForTheDatabaseAndHappenOnce(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	l.away = 3
	stop := run(t, newWorker(t, log, l, "temperature > 8"))
	say(t, log, 0, append(repeat(9, 12), 5)...)
	l.await(t, 2)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
	if diff := cmp.Diff([]string{"raised fridge-1 00:10", "cleared fridge-1 00:12"}, l.lines()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestARestartInTheMiddleOfADelayGoesOnWithIt(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"stopped", "killed"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			log, l := openLog(t), newLedger()
			say(t, log, 0, append(repeat(9, 15), repeat(5, 5)...)...) // raised 00:10, cleared 00:15
			stop := run(t, newWorker(t, log, l, "temperature > 8"))
			l.await(t, 2)
			if err := stop(); !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
			if kind == "killed" { // nothing was left but what was committed on the way
				l.snapshot = Snapshot{}
			}
			say(t, log, 20, repeat(9, 6)...) // five minutes pending while nobody works
			stop = run(t, newWorker(t, log, l, "temperature > 8"))
			say(t, log, 26, repeat(9, 6)...)
			l.await(t, 3)
			_ = stop()
			want := []string{"raised fridge-1 00:10", "cleared fridge-1 00:15", "raised fridge-1 00:30"}
			if diff := cmp.Diff(want, l.lines()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The reading that is missing before the restart comes after it.
func TestALateReadingAmendsWhatWasDecidedBeforeARestart(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"stopped", "killed"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			log, l := openLog(t), newLedger()
			stop := run(t, newWorker(t, log, l, "temperature > 8"))
			say(t, log, 0, repeat(9, 5)...)
			say(t, log, 6, repeat(9, 6)...)
			l.awaitLine(t, "raised fridge-1 00:10")
			_ = stop()
			if kind == "killed" {
				l.snapshot = Snapshot{}
			}
			stop = run(t, newWorker(t, log, l, "temperature > 8"))
			say(t, log, 12, repeat(9, 5)...)
			say(t, log, 5, 4)
			l.awaitLine(t, "amended fridge-1 00:16")
			_ = stop()
		})
	}
}

func TestAWorkerWithoutItsLeaseCommitsNothingAndStops(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	l.fenced = true
	w := newWorker(t, log, l, "temperature > 8")
	ended := make(chan error, 1)
	go func() { ended <- w.Run(t.Context()) }()
	say(t, log, 0, repeat(9, 12)...)
	select {
	case err := <-ended:
		if !errors.Is(err, ErrFenced) {
			t.Errorf("Run = %v, want ErrFenced", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the worker goes on although it was told that its lease is lost")
	}
	if lines := l.lines(); len(lines) != 0 {
		t.Errorf("committed %q", lines)
	}
}

func TestSilenceIsNoticedThroughATickInTheLog(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, `silent("15m")`)
	w.opts.Now = func() time.Time { return midnight.Add(16 * time.Minute) }
	say(t, log, 0, 5)
	for minute := range 40 { // the log is never silent for long, or that would be our own outage
		if err := log.AppendTick(t.Context(), 0, midnight.Add(time.Duration(minute+1)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	stop := run(t, w)
	l.await(t, 1)
	_ = stop()
	if got := l.lines()[0]; got != "raised fridge-1 00:25" { // silent for 15 min at 00:15, held for ten
		t.Errorf("got %q", got)
	}
}
