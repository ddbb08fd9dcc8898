package partition

import (
	"testing"
	"time"

	"telltale/rules"
	"telltale/tickets/recalls"
)

func TestRepetitionsShareACommit(t *testing.T) {
	t.Parallel()
	const repetitions = 300
	log, l := openLog(t), newLedger()
	began := time.Now()
	stop := run(t, newWorker(t, log, l, "temperature > 8"))
	say(t, log, 0, repeat(9, 11)...)
	l.await(t, 1) // raised, although only repetitions follow
	say(t, log, 11, repeat(9, repetitions)...)
	l.awaitThat(t, "every repetition", func([]string) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.repeated == repetitions
	})
	_ = stop()
	if most := 5 + int(time.Since(began)/recordsWait); l.commits > most {
		t.Errorf("%d commits for an alarm and %d repetitions, want at most %d", l.commits, repetitions, most)
	}
}

func TestOnlyRecordsWait(t *testing.T) {
	t.Parallel()
	repeated, cleared := rules.Transition{Change: rules.Repeated}, rules.Transition{Change: rules.Cleared}
	for name, tt := range map[string]struct {
		effects Effects
		want    bool
	}{
		"repetitions":          {Effects{Transitions: []rules.Transition{repeated, repeated}}, true},
		"points of a shipment": {Effects{Points: make([]recalls.TracePoint, 1)}, true},
		"the end of an alarm":  {Effects{Transitions: []rules.Transition{repeated, cleared}}, false},
		"a shipment to judge":  {Effects{Points: make([]recalls.TracePoint, 1), Due: []Due{{Shipment: "S-1"}}}, false},
		"a snapshot":           {Effects{Transitions: []rules.Transition{repeated}, Snapshot: &Snapshot{}}, false},
		"a rule's health":      {Effects{Health: make([]HealthChange, 1)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := midnight
			w := Worker{round: tt.effects, opts: WorkerOptions{MaxRound: 10, MaxEffects: 3, Now: func() time.Time { return now }}}
			if got := w.mayWait(); got != tt.want {
				t.Fatalf("may wait: %t, want %t", got, tt.want)
			}
			now = now.Add(recordsWait)
			if w.mayWait() {
				t.Errorf("waits for longer than %s", recordsWait)
			}
			full := Worker{round: tt.effects, reports: 10, opts: w.opts}
			if full.mayWait() {
				t.Error("a round of many reports waits")
			}
			full = Worker{round: tt.effects, opts: w.opts}
			full.round.Points = make([]recalls.TracePoint, 3)
			if full.mayWait() {
				t.Error("a round of much to write waits")
			}
		})
	}
}
