package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"telltale/devices"
)

// sabotage makes the condition of a rule fail while broken says so.
func (s *story) sabotage(rule string, broken func(f *frame) bool) {
	s.t.Helper()
	for _, mp := range s.engine.set.models {
		for _, r := range mp.rules {
			if r.rule.ID != rule {
				continue
			}
			works := r.raises
			r.raises = func(f *frame) truth {
				if broken(f) {
					var none []int
					return truth(none[f.now%7]) // as a mistake of ours would
				}
				return works(f)
			}
		}
	}
}

func always(*frame) bool { return true }

// between says that something is broken from one minute of the story to before
// another.
func between(from, to float64) func(*frame) bool {
	return func(f *frame) bool { return f.now >= minute(from).UnixNano() && f.now < minute(to).UnixNano() }
}

func TestARuleThatFailsDisturbsNoOther(t *testing.T) {
	t.Parallel()
	var all []Rule
	for n := range 130 { // over more than two words of marks
		all = append(all, Rule{ID: fmt.Sprintf("r%03d", n), Version: 2, When: "temperature > 8"})
	}
	s := newStory(t, all...)
	for _, id := range []string{"r000", "r063", "r064", "r100", "r129"} {
		s.sabotage(id, always)
	}
	s.series(0, 9, 9)
	raised := map[string]bool{}
	for _, one := range s.got {
		if one.Change == Raised {
			raised[one.Key.Rule] = true
		}
	}
	if len(raised) != 125 || raised["r063"] || !raised["r001"] || !raised["r128"] {
		t.Errorf("%d rules raised, want the 125 that work", len(raised))
	}
	failures := s.engine.TakeFailures()
	if len(failures) != 5 {
		t.Fatalf("failures %+v", failures)
	}
	want := Failure{Rule: "r000", Version: 2, Device: fridgeID, At: minute(1), Count: 2}
	got := failures[0]
	if got.Reason != `Whether "when" holds could not be worked out: a mistake in the gateway, not in the rule.` || !strings.Contains(got.Cause, "index out of range") {
		t.Errorf("reason %q, cause %q", got.Reason, got.Cause)
	}
	got.Reason, got.Cause = "", ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if again := s.engine.TakeFailures(); again != nil {
		t.Errorf("taken twice: %+v", again)
	}
}

func TestAFailureIsAsIfTheConditionWereUnknown(t *testing.T) {
	t.Parallel()
	warm := Rule{ID: "warm", When: "temperature > 8", For: 5 * time.Minute, ClearWhen: "temperature < 7", ClearFor: 3 * time.Minute,
		Escalate: []Escalation{{When: "temperature > 8", For: 8 * time.Minute, Severity: Critical}}}
	s := newStory(t, warm)
	s.sabotage("warm", between(3, 4))
	s.series(0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9)
	s.want(change{"warm", "raised", 9}) // pending starts again behind the failure

	s = newStory(t, warm)
	s.sabotage("warm", between(8, 9))
	s.series(0, 9, 9, 9, 9, 9, 9, 6, 6, 6, 6, 6, 6, 6)
	s.want(change{"warm", "raised", 5}, change{"warm", "cleared", 12}) // so does the off-delay; the alarm stays
}

// An alarm whose raise cannot be explained is raised all the same.
func TestADecisionStandsThatCannotBePutIntoWords(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", Version: 1, When: `avg(temperature, "2m") > 8`, ClearWhen: "temperature < 7"})
	for _, mp := range s.engine.set.models {
		mp.rules[0].binder = nil // only words need it
	}
	s.series(0, 9, 9, 9, 6, 6)
	s.want(change{"warm", "raised", 1}, change{"warm", "cleared", 4})
	says(t, s.last(Raised), "what it saw cannot be told")
	failures := s.engine.TakeFailures()
	if len(failures) != 1 || failures[0].Rule != "warm" || !strings.Contains(failures[0].Reason, "could not be put into words") {
		t.Errorf("failures %+v", failures)
	}
}

func TestARuleThatFailsWhileTimePassesDisturbsNoOther(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "a-quiet", When: `silent("5m")`}, Rule{ID: "b-quiet", When: `silent("5m")`})
	s.sabotage("a-quiet", always)
	s.series(0, 4)
	s.tick(6)
	s.want(change{"b-quiet", "raised", 5})
	if failures := s.engine.TakeFailures(); len(failures) != 1 || failures[0].Rule != "a-quiet" {
		t.Errorf("failures %+v", failures)
	}
}

func TestARuleThatFailsInAGapDisturbsNoOther(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "a", When: "temperature > 8", For: 5 * time.Minute}, Rule{ID: "b", When: "temperature > 8", For: 5 * time.Minute})
	s.series(0, 9, 9)
	s.sabotage("a", between(6, 7))
	for n := 6; n < 13; n++ {
		s.report(float64(n), map[string]any{"temperature": 9})
	}
	s.want(change{"b", "raised", 11}, change{"a", "raised", 12})
}

func TestATrackedConditionThatFailsIsUnknown(t *testing.T) {
	t.Parallel()
	s := newStory(t,
		Rule{ID: "a", When: `time_where(temperature > 8, "1h") >= 120`},
		Rule{ID: "b", When: `time_where(temperature > 7, "1h") >= 120`},
		Rule{ID: "c", When: "temperature > 8", ClearWhen: `time_where(temperature > 8, "1h") < 60`})
	for _, mp := range s.engine.set.models {
		for i := range mp.trackers {
			if strings.Contains(mp.trackers[i].name, "> 8") {
				mp.trackers[i].holds = func(*frame) truth { panic("sensor table is gone") }
			}
		}
	}
	s.series(0, 9, 9, 9, 9)
	s.want(change{"c", "raised", 0}, change{"b", "raised", 2})
	var failed []string
	for _, f := range s.engine.TakeFailures() {
		failed = append(failed, fmt.Sprintf("%s %d %s", f.Rule, f.Count, f.Cause))
	}
	if diff := cmp.Diff([]string{"a 4 sensor table is gone", "c 4 sensor table is gone"}, failed); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A replay fails as the first run did, and comes to the same state.
func TestAReplayFailsAsTheFirstRunDid(t *testing.T) {
	t.Parallel()
	play := func() (*story, []Failure) {
		s := newStory(t, Rule{ID: "a", When: "temperature > 8", For: 3 * time.Minute}, Rule{ID: "b", When: "temperature > 8"})
		s.sabotage("a", func(f *frame) bool { return f.slots[s.engine.set.models["FR-200"].layout["temperature"]].number == 11 })
		s.series(0, 9, 9, 11, 9, 9, 9, 9, 11, 4)
		return s, s.engine.TakeFailures()
	}
	first, failed := play()
	again, failedAgain := play()
	if diff := cmp.Diff(failed, failedAgain); diff != "" || len(failed) != 1 || failed[0].Count != 2 {
		t.Errorf("failures %+v (-first +again)\n%s", failed, diff)
	}
	if string(first.engine.Snapshot(nil)) != string(again.engine.Snapshot(nil)) {
		t.Error("the states differ")
	}
	first.want(change{"b", "raised", 0}, change{"a", "raised", 6}, change{"a", "cleared", 8}, change{"b", "cleared", 8})
}

// A late report is counted for what it fails in itself, and what failed before
// it not again, however often the device is taken back.
func TestWhatFailedBeforeALateReportIsNotCountedAgain(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, Rule{ID: "a", When: `time_where(temperature > 8, "1h") > 60`}, Rule{ID: "b", When: "temperature > 8"})
	s.sabotage("a", always)
	layout := s.engine.set.models["FR-200"].layout
	s.sabotage("b", func(f *frame) bool { return f.slots[layout["temperature"]].number == 11 })
	count := func() map[string]int64 {
		all := map[string]int64{}
		for _, f := range s.engine.TakeFailures() {
			all[f.Rule] = f.Count
		}
		return all
	}
	for n, celsius := range []float64{9, 11, 9, 11, 9} {
		s.warm(float64(n), float64(n), celsius)
	}
	if diff := cmp.Diff(map[string]int64{"a": 5, "b": 2}, count()); diff != "" {
		t.Fatalf("in order (-want +got)\n%s", diff)
	}
	for n, celsius := range []float64{9, 11} {
		s.warm(float64(n)+1.5, 5, celsius)
		if diff := cmp.Diff(map[string]int64{"a": 1, "b": int64(n)}, count(), cmpopts.IgnoreMapEntries(func(_ string, n int64) bool { return n == 0 })); diff != "" {
			t.Errorf("of a late report (-want +got)\n%s", diff)
		}
	}
	for n := 6; n < 300; n += 20 { // checkpoints move on; the first late one is known already
		s.warm(float64(n), float64(n), 11)
		s.warm(float64(n)-5, float64(n), 11)
	}
	if diff := cmp.Diff(map[string]int64{"a": 29, "b": 29}, count()); diff != "" {
		t.Errorf("over hours (-want +got)\n%s", diff)
	}
	if n := len(s.engine.devices[fridgeID].journal.failed); n > 30 {
		t.Errorf("%d failures are remembered of a journal of at most two hours", n)
	}
}

func TestNoFailureCostsNoAllocation(t *testing.T) {
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8"}, Rule{ID: "long", When: `time_where(temperature > 8, "1h") > 60`})
	s.series(0, 4, 4, 4)
	reports := []devices.Report{reportOf(fridgeID, minute(3), map[string]any{"temperature": 4})}
	n := 3.0
	allocations := testing.AllocsPerRun(100, func() {
		n++
		reports[0].ObservedAt, reports[0].ReceivedAt = minute(n), minute(n)
		s.engine.Apply(reports, minute(n), nil)
	})
	if allocations > 0 {
		t.Errorf("%v allocations for a report", allocations)
	}
}

// People are told which part of a rule failed, and the log has why.
func TestAFailureNamesThePartOfTheRule(t *testing.T) {
	t.Parallel()
	broken := func(*frame) truth { panic("sensor table is gone") }
	for name, c := range map[string]struct {
		sabotage func(r *bound)
		want     string
	}{
		"the condition":        {func(r *bound) { r.raises = broken }, `Whether "when" holds`},
		"the end":              {func(r *bound) { r.clears = broken }, `Whether "clear_when" holds`},
		"a step of the ladder": {func(r *bound) { r.ladder[1].raises = broken }, `Whether "step 2 of escalate" holds`},
		"the end of a step":    {func(r *bound) { r.ladder[0].clears = broken }, `Whether "step 1 of escalate" holds`},
		"no condition": {func(r *bound) {
			asked := 0
			r.raises = func(f *frame) truth {
				if asked++; asked == 1 {
					return broken(f)
				}
				return yes
			}
		}, "What it decided could not be carried out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, Rule{ID: "warm", When: "temperature > 8", ClearWhen: "temperature < 7", Escalate: []Escalation{
				{When: "temperature > 9", ClearWhen: "temperature < 8", Severity: Major}, {When: "temperature > 12", Severity: Critical}}})
			s.series(0, 10)
			for _, mp := range s.engine.set.models {
				c.sabotage(mp.rules[0])
			}
			s.series(1, 10)
			failures := s.engine.TakeFailures()
			if len(failures) != 1 || !strings.HasPrefix(failures[0].Reason, c.want) || failures[0].Cause == "" {
				t.Errorf("failures %+v", failures)
			}
		})
	}
}
