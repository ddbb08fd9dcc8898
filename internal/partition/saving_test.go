package partition

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
)

// shelf is a database in which a snapshot is being saved until a test says how
// that ends.
type shelf struct {
	Committer
	t     *testing.T
	began chan Snapshot
	end   chan error // nil: it is saved
}

func (s *shelf) SaveSnapshot(ctx context.Context, partition int, epoch int64, snapshot Snapshot) error {
	select {
	case s.began <- snapshot:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-s.end:
		if err != nil {
			return err
		}
		return s.Committer.SaveSnapshot(ctx, partition, epoch, snapshot)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await waits until a snapshot is being saved.
func (s *shelf) await() Snapshot {
	s.t.Helper()
	select {
	case snapshot := <-s.began:
		return snapshot
	case <-time.After(30 * time.Second):
		s.t.Fatal("no snapshot is being saved")
		return Snapshot{}
	}
}

// shelved gives a worker's database a shelf, for a snapshot after every so many
// reports.
func shelved(t *testing.T, w *Worker, reports int) *shelf {
	s := &shelf{Committer: w.committer, t: t, began: make(chan Snapshot), end: make(chan error)}
	w.committer, w.opts.SnapshotReports = s, reports
	return s
}

func TestNoAlarmWaitsForASnapshot(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	s, p := shelved(t, w, 5), follow(w)
	stop := run(t, w)
	say(t, log, 0, repeat(9, 6)...)
	taken := s.await()
	say(t, log, 6, append(repeat(9, 6), repeat(5, 6)...)...)
	l.await(t, 2) // raised and cleared, while it is being saved
	p.await(t, log)
	if got := l.saved(); got.Seq != 0 {
		t.Errorf("saved already, at %d", got.Seq)
	}
	s.end <- nil
	later := s.await() // was due all the time
	if got := l.saved(); got.Seq != taken.Seq {
		t.Errorf("saved at %d, want %d", got.Seq, taken.Seq)
	}
	if later.Seq != 18 {
		t.Errorf("the next is at %d, want that of the last message", later.Seq)
	}
	_ = stop()
}

func TestASnapshotIsSavedWhenAllBeforeItIsCommitted(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	g := gated(t, w, l)
	s, p := shelved(t, w, 11), follow(w) // the eleventh raises the alarm
	stop := run(t, w)
	say(t, log, 0, repeat(9, 11)...)
	g.await()
	say(t, log, 11, repeat(9, 30)...)
	p.await(t, log)
	select {
	case early := <-s.began:
		t.Errorf("saved at %d while its round is not committed", early.Seq)
	default:
	}
	g.end <- nil
	if got := s.await(); got.Seq != 11 {
		t.Errorf("a snapshot at %d, want that after the alarm, 11", got.Seq)
	}
	g.pass()
	_ = stop()
}

func TestASnapshotAndAReplayComeToTheSame(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	s, p := shelved(t, w, 5), follow(w)
	stop := run(t, w)
	say(t, log, 0, repeat(9, 6)...)
	s.await()
	say(t, log, 6, append(repeat(9, 6), repeat(5, 6)...)...)
	l.await(t, 2)
	p.await(t, log)
	s.end <- nil
	s.await() // and the first is saved
	early := l.saved()
	_ = stop()
	last := l.saved()
	if early.Seq == 0 || last.Seq != 18 || early.Seq >= last.Seq {
		t.Fatalf("snapshots at %d and %d", early.Seq, last.Seq)
	}
	for name, from := range map[string]Snapshot{"none": {}, "the early one": early} {
		l.snapshot = from // as after a kill
		again := newWorker(t, log, l, "temperature > 8")
		if err := again.recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		again.reader.Close()
		if !bytes.Equal(again.engine.Snapshot(nil), last.State) {
			t.Errorf("from %s: a replay comes to another state", name)
		}
	}
}

func TestAChangeOfTheRulesIsSavedPastASnapshotOnItsWay(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	s := shelved(t, w, 5)
	changed := make(chan *Declarations, 1)
	current := w.current()
	w.current = func() *Declarations {
		select {
		case current = <-changed:
		default:
		}
		return current
	}
	stop := run(t, w)
	say(t, log, 0, repeat(9, 6)...)
	s.await()
	changed <- &Declarations{Version: 2, Rules: current.Rules, Watch: current.Watch}
	l.awaitThat(t, "a snapshot under the new rules", func([]string) bool { return l.saved().Version == 2 })
	select {
	case s.end <- nil:
		t.Error("the other one is still being saved")
	default:
	}
	_ = stop()
}

func TestASnapshotThatIsNotSavedIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	s := shelved(t, w, 5)
	stop := run(t, w)
	say(t, log, 0, repeat(9, 6)...)
	s.await()
	s.end <- errAway
	say(t, log, 6, repeat(9, 6)...)
	s.await()
	s.end <- nil
	l.await(t, 1)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
	if got := l.lines(); len(got) != 1 || got[0] != "raised fridge-1 00:10" {
		t.Errorf("committed %q", got)
	}
}

// Who failed to save a snapshot may still read it.
func TestTheMemoryOfASavedSnapshotServesAgain(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"saved": nil, "not saved": errAway} {
		w := newWorker(t, openLog(t), newLedger(), "temperature > 8")
		if err := w.recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer w.reader.Close()
		memory := make([]byte, 1<<20)
		w.saving = &saving{state: memory, over: make(ending), err: err}
		w.sinceReports = w.opts.SnapshotReports
		if w.takeSnapshot(); w.taken != nil {
			t.Fatalf("%s: another is taken while one is being saved", name)
		}
		close(w.saving.over)
		if w.takeSnapshot(); w.taken == nil {
			t.Fatalf("%s: no other is taken", name)
		}
		if again := &w.taken.State[0] == &memory[0]; again != (err == nil) {
			t.Errorf("%s: its memory serves again: %t", name, again)
		}
	}
}
