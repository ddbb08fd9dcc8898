package partition

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/ingest/stream"
)

// gate is a database whose transactions last until a test lets them end. Those
// that decide nothing do not.
type gate struct {
	*ledger
	t     *testing.T
	open  atomic.Int32
	began chan Effects
	end   chan error // nil: it commits
}

// gated gives a worker a database with a gate.
func gated(t *testing.T, w *Worker, l *ledger) *gate {
	g := &gate{ledger: l, t: t, began: make(chan Effects), end: make(chan error)}
	w.committer = g
	return g
}

func (g *gate) Commit(ctx context.Context, e Effects) error {
	if g.open.Add(1) > 1 {
		g.t.Error("two transactions at once")
	}
	defer g.open.Add(-1)
	if len(e.Transitions) == 0 { // a last snapshot
		return g.ledger.Commit(ctx, e)
	}
	select {
	case g.began <- e:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-g.end:
		if err != nil {
			return err
		}
		return g.ledger.Commit(ctx, e)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await waits for a transaction to begin.
func (g *gate) await() Effects {
	g.t.Helper()
	select {
	case e := <-g.began:
		return e
	case <-time.After(30 * time.Second):
		g.t.Fatal("no transaction begins")
		return Effects{}
	}
}

// pass lets all transactions that follow end well.
func (g *gate) pass() {
	go func() {
		for {
			select {
			case <-g.began:
				g.end <- nil
			case <-g.t.Context().Done():
				return
			}
		}
	}()
}

// progress tells how far a worker is, before each of its steps.
type progress struct{ seq chan uint64 }

func follow(w *Worker) *progress {
	p := &progress{make(chan uint64, 1)}
	inhibitors := w.inhibitors
	w.inhibitors = func() *Inhibitors {
		select {
		case <-p.seq:
		default:
		}
		p.seq <- w.seq
		return inhibitors()
	}
	return p
}

// await waits until everything that the log holds is decided.
func (p *progress) await(t *testing.T, log *stream.Log) {
	t.Helper()
	at, err := log.End(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	for {
		select {
		case seq := <-p.seq:
			if seq >= at {
				return
			}
		case <-deadline:
			t.Fatalf("not decided up to %d", at)
		}
	}
}

func changes(e Effects) string {
	text := ""
	for _, t := range e.Transitions {
		text += fmt.Sprintf("%s %s;", t.Change, t.At.UTC().Format("15:04"))
	}
	return text
}

// committing is a worker in whose first transaction an alarm is raised; it is
// under way.
type committing struct {
	*Worker
	log      *stream.Log
	gate     *gate
	progress *progress
	stop     func() error
	first    Effects
}

func startCommitting(t *testing.T) *committing {
	t.Helper()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	c := &committing{Worker: w, log: log, gate: gated(t, w, l), progress: follow(w)}
	c.stop = run(t, w)
	say(t, log, 0, repeat(9, 11)...)
	c.first = c.gate.await()
	return c
}

func TestTheNextRoundIsDecidedWhileOneIsCommitted(t *testing.T) {
	t.Parallel()
	w := startCommitting(t)
	log, g, p, l := w.log, w.gate, w.progress, w.gate.ledger
	if got := changes(w.first); got != "raised 00:10;" {
		t.Errorf("first %s", got)
	}
	say(t, log, 11, append(repeat(5, 2), repeat(9, 11)...)...)
	p.await(t, log)
	if lines := l.lines(); len(lines) != 0 {
		t.Errorf("committed already: %q", lines)
	}
	g.end <- nil
	if got := changes(g.await()); got != "cleared 00:11;raised 00:23;" {
		t.Errorf("then %s", got)
	}
	g.end <- nil
	l.await(t, 3)
	_ = w.stop()
	if w.position.Load() != l.seq || l.snapshot.Seq != l.seq {
		t.Errorf("position %d and snapshot %d, want %d", w.position.Load(), l.snapshot.Seq, l.seq)
	}
}

func TestADatabaseThatTakesLongHoldsTheWorkerBack(t *testing.T) {
	t.Parallel()
	const most, repetitions = 3, 20
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	w.opts.MaxEffects = most
	g := gated(t, w, l)
	stop := run(t, w)
	say(t, log, 0, repeat(9, 11+repetitions)...)
	for sent := 0; sent < 1+repetitions; {
		e := g.await()
		if e.size() > most {
			t.Errorf("a round of %d effects, want at most %d", e.size(), most)
		}
		sent += e.size()
		g.end <- nil
	}
	_ = stop()
}

func TestAWorkerThatStopsLeavesWhatIsUnderWayInOrder(t *testing.T) {
	t.Parallel()
	want := []string{"raised fridge-1 00:10", "cleared fridge-1 00:11"}
	for name, ends := range map[string]error{"committed": nil, "database away": errAway} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, l := openLog(t), newLedger()
			w := newWorker(t, log, l, "temperature > 8")
			g, p := gated(t, w, l), follow(w)
			stop := run(t, w)
			say(t, log, 0, append(repeat(9, 11), 5)...)
			g.await()
			p.await(t, log)
			ended := make(chan error, 1)
			go func() { ended <- stop() }()
			if ends == nil {
				g.end <- nil
				g.await()
			}
			g.end <- ends
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
			if lines := l.lines(); ends == nil && !cmp.Equal(want, lines) || ends != nil && len(lines) != 0 {
				t.Errorf("left %q", lines)
			}
			stop = run(t, newWorker(t, log, l, "temperature > 8"))
			l.await(t, 2)
			_ = stop()
			if diff := cmp.Diff(want, l.lines()); diff != "" {
				t.Errorf("after the next start (-want +got)\n%s", diff)
			}
		})
	}
}

// The last try fails just when the worker is told to stop: what was decided
// after it must not be committed without it.
func TestNothingIsCommittedPastARoundThatFailed(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	g := gated(t, w, l)
	if err := w.recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer w.reader.Close()
	say(t, log, 0, repeat(9, 11)...)
	ctx, cancel := context.WithCancel(t.Context())
	for w.underway == nil {
		if err := w.step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	g.await()
	cancel()
	g.end <- errAway
	<-w.underway.over
	say(t, log, 11, 5)
	for w.round.empty() { // of the end of the alarm
		message, err := w.reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.decide(message)
	}
	if err := w.settle(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("settle = %v", err)
	}
	w.committer = l // the database is back
	_ = w.leave(ctx)
	w.giveUp()
	if lines := l.lines(); len(lines) != 0 || l.seq != 0 {
		t.Errorf("committed %q up to %d", lines, l.seq)
	}
	stop := run(t, newWorker(t, log, l, "temperature > 8"))
	l.await(t, 2)
	_ = stop()
	if diff := cmp.Diff([]string{"raised fridge-1 00:10", "cleared fridge-1 00:11"}, l.lines()); diff != "" {
		t.Errorf("after the next start (-want +got)\n%s", diff)
	}
}

// Whether the try that failed has committed is not known: the round is sent
// again as it was, without what was decided meanwhile.
func TestARoundIsTriedAgainAsItWas(t *testing.T) {
	t.Parallel()
	w := startCommitting(t)
	g, first := w.gate, w.first
	say(t, w.log, 11, 5)
	w.progress.await(t, w.log)
	g.end <- errAway
	again := g.await()
	if again.Seq != first.Seq || changes(again) != changes(first) {
		t.Errorf("sent %s up to %d, then %s up to %d", changes(first), first.Seq, changes(again), again.Seq)
	}
	g.end <- nil
	if got := changes(g.await()); got != "cleared 00:11;" {
		t.Errorf("then %s", got)
	}
	g.end <- nil
	_ = w.stop()
}

func TestALeaseThatIsLostStopsAWorkerThatGathers(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	g, p := gated(t, w, l), follow(w)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(t.Context()) }()
	say(t, log, 0, repeat(9, 11)...)
	g.await()
	say(t, log, 11, 5)
	p.await(t, log)
	g.end <- ErrFenced
	if err := <-ended; !errors.Is(err, ErrFenced) {
		t.Errorf("Run = %v, want ErrFenced", err)
	}
	if lines := l.lines(); len(lines) != 0 {
		t.Errorf("committed %q", lines)
	}
}

// What holds alarms back elsewhere changes twice while a transaction lasts, and
// a reading is judged under each.
func TestAReplayHearsOfAllThatWasToldWhileARoundWasCommitted(t *testing.T) {
	t.Parallel()
	log, l, e := openLog(t), newLedger(), new(elsewhere)
	e.say()
	w := newSiteWorker(t, log, l, e)
	g, p := gated(t, w, l), follow(w)
	stop := run(t, w)
	say(t, log, 0, 9)
	g.await()
	e.say("meter-1")
	p.await(t, log)
	say(t, log, 1, 4, 9)
	p.await(t, log)
	e.say("meter-2")
	p.await(t, log)
	say(t, log, 3, 9)
	p.await(t, log)
	g.end <- nil
	g.pass()
	l.awaitInhibited(t, 2)
	say(t, log, 4, 9)
	l.awaitThat(t, "the second alarm", func(lines []string) bool { return strings.Contains(strings.Join(lines[1:], ""), "raised") })
	_ = stop()

	first := l.snapshot
	l.snapshot = Snapshot{} // as after a kill
	again := newSiteWorker(t, log, l, e)
	if err := again.recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.reader.Close()
	if got := again.engine.Snapshot(nil); !bytes.Equal(got, first.State) {
		t.Errorf("the replay came to another state than %q did", l.lines())
	}
}
