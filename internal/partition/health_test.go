package partition

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets/recalls"
)

func failure(version int, at time.Time, count int64) []rules.Failure {
	return []rules.Failure{{Rule: "warm", Version: version, Device: "fridge-1", At: at, Reason: "a sentence", Cause: "index out of range", Count: count}}
}

func short(reason string) []rules.Shortage {
	return []rules.Shortage{{Rule: "warm", Version: 1, Device: "fridge-1", Reason: reason}}
}

// setOf is rule warm in a version and a mode.
func setOf(t *testing.T, version int, mode rules.Mode) *rules.Set {
	t.Helper()
	set, err := rules.Compile([]rules.Rule{{ID: "warm", Version: version, When: "temperature > 8", Mode: mode}}, devices.NewDirectory(1,
		[]*devices.Model{{ID: "FR", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature"}}}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestTheHealthOfARuleChanges walks from state to state; each step says what is
// to be written down.
func TestTheHealthOfARuleChanges(t *testing.T) {
	t.Parallel()
	at := func(minutes float64) time.Time { return midnight.Add(time.Duration(minutes * float64(time.Minute))) }
	w := newWard(nil)
	steps := []struct {
		name string
		at   time.Time
		do   func(now time.Time)
		want []string // "before after count"
	}{
		{"nothing is wrong", at(0), func(now time.Time) { w.check(nil, now) }, nil},
		{"a window is too short", at(1), func(now time.Time) { w.check(short("a"), now) }, []string{"ok degraded 0"}},
		{"it still is", at(2), func(now time.Time) { w.check(short("b"), now) }, nil},
		{"it fails", at(3), func(now time.Time) { w.note(failure(1, now, 2)) }, []string{"degraded error 2"}},
		{"it fails again at once", at(3.1), func(now time.Time) { w.note(failure(1, now, 1)) }, nil},
		{"the count is written down after a while", at(4), func(time.Time) {}, []string{"error error 3"}},
		{"to fail is worse than to be short", at(5), func(now time.Time) { w.check(short("a"), now) }, nil},
		{"it has not failed for less than an hour", at(63), func(now time.Time) { w.check(nil, now) }, nil},
		{"it has not failed for an hour", at(63.2), func(now time.Time) { w.check(nil, now) }, []string{"error ok 0"}},
		{"it fails anew", at(70), func(now time.Time) { w.note(failure(1, now, 1)) }, []string{"ok error 1"}},
		{"a new version has not failed", at(71), func(time.Time) { w.keep(setOf(t, 2, rules.Live)) }, []string{"error ok 0"}},
		{"until it does", at(72), func(now time.Time) { w.note(failure(2, now, 1)) }, []string{"ok error 1"}},
		{"the same version goes on", at(73), func(time.Time) { w.keep(setOf(t, 2, rules.Live)) }, nil},
		{"a rule that is off cannot fail", at(74), func(time.Time) { w.keep(setOf(t, 2, rules.Off)) }, []string{"error ok 0"}},
		{"a window is too short once more", at(75), func(now time.Time) { w.check(short("a"), now) }, []string{"ok degraded 0"}},
		{"and no longer", at(76), func(now time.Time) { w.check(nil, now) }, []string{"degraded ok 0"}},
	}
	for _, s := range steps {
		s.do(s.at)
		var got []string
		for _, c := range w.changes(s.at) {
			got = append(got, string(c.Before)+" "+string(c.State)+" "+string(rune('0'+c.Count)))
		}
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", s.name, diff)
		}
	}
}

func TestAFailureKeepsItsBeginningAndItsLastReason(t *testing.T) {
	t.Parallel()
	known := rules.Health{Rule: "warm", Version: 1, State: rules.Failing, Reason: "old", Since: midnight, At: midnight, Device: "fridge-9", Count: 7}
	w := newWard([]rules.Health{known}) // as after a restart
	if got := w.changes(midnight.Add(time.Minute)); got != nil {
		t.Errorf("what was written down before is written again: %+v", got)
	}
	later := midnight.Add(2 * time.Minute)
	w.note(failure(1, later, 1))
	want := []HealthChange{{Before: rules.Failing, Health: rules.Health{
		Rule: "warm", Version: 1, State: rules.Failing, Reason: "a sentence", Since: midnight, At: later, Device: "fridge-1", Count: 8}, Cause: "index out of range"}}
	if diff := cmp.Diff(want, w.changes(later)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestAnIdleRuleIsDegradedUntilItHasADevice follows a rule through a worker, a
// restart and a change of the declarations.
func TestAnIdleRuleIsDegradedUntilItHasADevice(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	declared := func(version int64, tags map[string]string) *Declarations {
		set, err := rules.Compile([]rules.Rule{
			{ID: "warm", Version: 1, When: "temperature > 8", AppliesTo: rules.Selector{Tags: map[string]string{"room": "lab"}}},
		}, devices.NewDirectory(version,
			[]*devices.Model{{ID: "FR", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}}}},
			[]*devices.Device{{ID: "fridge-1", Model: "FR", Tags: tags}}))
		if err != nil {
			t.Fatal(err)
		}
		return &Declarations{Version: version, Rules: set, Watch: recalls.NewWatch(nil, nil)}
	}
	worker := func(decl *Declarations) *Worker {
		w := newWorker(t, log, l, "temperature > 8")
		w.current = func() *Declarations { return decl }
		return w
	}
	state := func() rules.HealthState {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.health["warm"].State
	}
	first := worker(declared(1, nil))
	stop := run(t, first)
	l.awaitThat(t, "the rule to be degraded", func([]string) bool { return state() == rules.Degraded })
	_ = stop()
	if n := testutil.ToFloat64(first.metrics.health.WithLabelValues("warm", "degraded")); n != 0 {
		t.Errorf("a worker that has left still tells of %v partitions", n)
	}

	l.mu.Lock()
	written := l.written
	l.mu.Unlock()
	again := worker(declared(1, nil))
	if err := again.recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.tendHealth()
	if n := testutil.ToFloat64(again.metrics.health.WithLabelValues("warm", "degraded")); n != 1 || len(again.round.Health) != 0 || written != 1 {
		t.Errorf("after a restart the metric says %v, %+v is written again, %d lines before", n, again.round.Health, written)
	}
	again.reader.Close()

	stop = run(t, worker(declared(2, map[string]string{"room": "lab"})))
	l.awaitThat(t, "the rule to be well", func([]string) bool { return state() == "" })
	_ = stop()
}

// TestWhatWasFoundOfAnOlderVersionDoesNotCount: unheard metrics are looked for
// now and then, and a rule may have changed since.
func TestWhatWasFoundOfAnOlderVersionDoesNotCount(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	w := newWorker(t, log, l, "temperature > 8")
	if err := w.recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer w.reader.Close()
	found := []rules.Shortage{{Rule: "warm", Version: 1, Reason: "no door"}, {Rule: "gone", Version: 1, Reason: "no door"}}
	w.unheard = func() []rules.Shortage { return found }
	if diff := cmp.Diff(found[:1], w.shortages()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	w.decl = &Declarations{Version: 2, Rules: setOf(t, 2, rules.Live)}
	for _, s := range w.shortages() {
		if s.Reason == "no door" {
			t.Errorf("version 1 counts for version 2: %+v", s)
		}
	}
	w.decl, w.partition = &Declarations{Version: 1, Rules: setOf(t, 1, rules.Live)}, 1
	if got := w.shortages(); len(got) != 0 {
		t.Errorf("another partition says it as well: %+v", got)
	}
}
