package partition

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/stream"
	"telltale/rules"
	"telltale/tickets/recalls"
)

// elsewhere is the alarms of other partitions as a test wants them.
type elsewhere struct{ atomic.Pointer[Inhibitors] }

func (e *elsewhere) say(devices ...string) {
	var all Inhibitors
	for _, id := range devices {
		all.Alarms = append(all.Alarms, rules.OpenAlarm{
			Key: rules.Key{Rule: "power-lost", Subject: rules.Subject{Type: "device", ID: id}}, Mode: rules.Live,
		})
	}
	e.Store(&all)
}

// newSiteWorker returns a worker of fridge-1, whose alarm the power meter of
// its site holds back; the meter is of another partition.
func newSiteWorker(t *testing.T, log *stream.Log, l *ledger, e *elsewhere) *Worker {
	t.Helper()
	w := newWorker(t, log, l, "temperature > 8")
	directory := devices.NewDirectory(1, []*devices.Model{
		{ID: "FR", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}}},
		{ID: "PM", Metrics: map[string]devices.Metric{"volts": {Name: "volts", Unit: "V"}}},
	}, []*devices.Device{
		{ID: "fridge-1", Model: "FR", Site: "Warsaw"}, {ID: "meter-1", Model: "PM", Site: "Warsaw"}, {ID: "meter-2", Model: "PM", Site: "Gdansk"},
	})
	set, err := rules.Compile([]rules.Rule{
		{ID: "power-lost", When: "volts < 100", AppliesTo: rules.Selector{Models: []string{"PM"}}},
		{ID: "warm", Version: 1, When: "temperature > 8", AppliesTo: rules.Selector{Models: []string{"FR"}},
			InhibitedBy: []rules.Inhibitor{{Rule: "power-lost", Scope: rules.SameSite}}},
	}, directory)
	if err != nil {
		t.Fatal(err)
	}
	decl := &Declarations{Version: 1, Rules: set, Watch: recalls.NewWatch(nil, nil)}
	w.current = func() *Declarations { return decl }
	w.owns = func(s rules.Subject) bool { return s.ID == "fridge-1" }
	w.inhibitors = e.Load
	return w
}

// What a replay decides must not depend on what holds alarms back now.
func TestAReplayIsInhibitedAsTheFirstRunWas(t *testing.T) {
	t.Parallel()
	log, l, e := openLog(t), newLedger(), new(elsewhere)
	e.say("meter-1", "meter-2", "fridge-1") // the last is its own, and not counted
	stop := run(t, newSiteWorker(t, log, l, e))
	say(t, log, 0, 9)
	l.awaitLine(t, "suppressed fridge-1 00:00")
	e.say("meter-2")
	l.awaitInhibited(t, 2)
	say(t, log, 3, 9)
	l.awaitLine(t, "raised fridge-1 00:03")
	_ = stop()

	l.mu.Lock()
	first := l.snapshot
	l.snapshot = Snapshot{} // as after a kill
	l.mu.Unlock()
	e.say("meter-1")
	w := newSiteWorker(t, log, l, e)
	if err := w.recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.reader.Close()
	// Only in the database of this test is the alarm not open, so that it is
	// raised once more; the states must be the same all the same.
	if got := w.engine.Snapshot(nil); !bytes.Equal(got, first.State) {
		t.Error("the replay came to another state")
	}
	want := []string{"suppressed fridge-1 00:00", "raised fridge-1 00:03"}
	if diff := cmp.Diff(want, l.lines()[:2]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Before anybody knows what is going on elsewhere, what was known stays.
func TestWhatIsNotKnownYetSetsNobodyFree(t *testing.T) {
	t.Parallel()
	log, l, e := openLog(t), newLedger(), new(elsewhere)
	e.say("meter-1")
	stop := run(t, newSiteWorker(t, log, l, e))
	say(t, log, 0, 9)
	l.awaitLine(t, "suppressed fridge-1 00:00")
	_ = stop()

	stop = run(t, newSiteWorker(t, log, l, new(elsewhere)))
	say(t, log, 1, 9, 9, 4, 9)
	l.awaitLine(t, "suppressed fridge-1 00:04")
	_ = stop()
	want := []string{"suppressed fridge-1 00:00", "released fridge-1 00:03", "suppressed fridge-1 00:04"}
	if diff := cmp.Diff(want, l.lines()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// awaitInhibited waits until the engine was told n times.
func (l *ledger) awaitInhibited(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		l.mu.Lock()
		got := len(l.inhibited)
		l.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-l.changed:
		case <-deadline:
			t.Fatalf("told %d times, want %d", got, n)
		}
	}
}
