package rules

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
)

func mixedRules() []Rule {
	return []Rule{
		{ID: "warm", Version: 1, When: "temperature > 8", For: 3 * time.Minute, ClearWhen: "temperature < 7", ClearFor: 2 * time.Minute, Severity: Minor,
			Escalate: []Escalation{{After: 10 * time.Minute, Severity: Critical}}, InhibitedBy: []Inhibitor{{Rule: "door"}}},
		{ID: "door", Version: 1, When: "door_open"},
		{ID: "fan", Version: 4, When: `fault("E21")`, For: 2 * time.Minute},
		{ID: "quiet", Version: 1, When: `silent("5m")`, For: time.Minute},
		{ID: "average", Version: 1, When: `avg(temperature, "5m") > 7.8 or max(temperature, "2m") > 8.9`},
		{ID: "budget", Version: 1, When: `time_where(temperature > 8 or fault("E21"), "20m") > 120`, ClearWhen: `time_where(temperature > 8 or fault("E21"), "20m") < 60`},
		{ID: "rare", Version: 1, When: `count(humidity, "10m") < 2 or stddev(temperature, "10m") > 1.5`},
		{ID: "change", Version: 1, When: `delta(temperature, "5m") > 2 or rate(temperature, "6m") > 30`},
		{ID: "learnt", Version: 1, When: `anomaly(temperature) > 0.9 or cohort_z(humidity, "1h") > 3`},
		{ID: "ladder", Version: 1, When: "temperature > 7", Severity: Info, ReopenWithin: 10 * time.Minute,
			Escalate: []Escalation{
				{When: "temperature > 8", For: time.Minute, ClearWhen: "temperature < 7.5", ClearFor: time.Minute, Severity: Major},
				{After: 15 * time.Minute, Severity: Minor}, {When: "door_open", Severity: Critical},
			}},
		{ID: "flap", Version: 2, When: "humidity > 80", ReopenWithin: time.Hour,
			Chattering: Chattering{Times: 2, Within: 20 * time.Minute, Quiet: 5 * time.Minute}},
		{ID: "defrost", Version: 1, When: `mode == "defrost" or humidity > 80`, Mode: Shadow},
	}
}

// restored returns an engine that has taken over another's state.
func restored(t rapid.TB, e *Engine, set *Set) *Engine {
	t.Helper()
	fresh := NewEngine(set)
	if err := fresh.Restore(e.Snapshot(nil)); err != nil {
		t.Fatal(err)
	}
	return fresh
}

func TestASnapshotIsTheWholeStateAndTheSameEveryTime(t *testing.T) {
	t.Parallel()
	s := newStory(t, mixedRules()...)
	s.report(0, map[string]any{"temperature": 9, "humidity": -3.5, "mode": "defrost", "door_open": true, "faults": []string{"E21", "E9"}})
	s.apply(0, reportOf("fridge-2", minute(0), map[string]any{"raw": "x", "temperature": 9}))
	s.report(2, map[string]any{"temperature": 9, "door_open": true})
	s.apply(3, reportOf("fridge-2", minute(3), map[string]any{"temperature": 9}))
	s.report(4, map[string]any{"temperature": 9.5, "door_open": true, "faults": []string{"E21"}})
	s.tick(7)

	state := s.engine.Snapshot([]byte("kept"))
	if !bytes.HasPrefix(state, []byte("kept")) {
		t.Error("Snapshot did not append")
	}
	state = state[len("kept"):]
	again := restored(t, s.engine, s.engine.Set())
	if !bytes.Equal(state, again.Snapshot(nil)) {
		t.Error("a restored engine has another snapshot")
	}
	for _, id := range []devices.ID{fridgeID, "fridge-2"} {
		for _, rule := range s.engine.Set().Rules() {
			want, _ := s.engine.State(id, rule.ID)
			got, _ := again.State(id, rule.ID)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s on %s differs (-want +got):\n%s", rule.ID, id, diff)
			}
		}
	}
	wantDeadline, _ := s.engine.NextDeadline()
	if got, _ := again.NextDeadline(); got != wantDeadline {
		t.Errorf("deadline %v, want %v", got, wantDeadline)
	}
}

func TestADamagedSnapshotIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, mixedRules()...)
	s.report(0, map[string]any{"temperature": 9, "mode": "defrost", "faults": []string{"E21"}, "door_open": true})
	s.report(3, map[string]any{"temperature": 9, "door_open": false})
	state := s.engine.Snapshot(nil)
	for n := range state {
		if err := s.engine.Restore(state[:n]); err == nil {
			t.Fatalf("accepted the first %d of %d bytes", n, len(state))
		}
	}
	if err := s.engine.Restore(append(bytes.Clone(state), 0)); err == nil {
		t.Error("accepted a byte too many")
	}
	future := bytes.Clone(state)
	future[0] = 99
	if err := s.engine.Restore(future); err == nil || err.Error() != "restore engine: unknown snapshot format 99" {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(state, s.engine.Snapshot(nil)) {
		t.Error("the engine has changed")
	}
}

// The journal goes with the snapshot as long as the rules decide the same.
func TestAChangeOfRulesEndsHowFarADeviceIsTakenBack(t *testing.T) {
	t.Parallel()
	rule := tooWarm
	for name, alter := range map[string]func(*Rule){
		"nothing":     func(*Rule) {},
		"the title":   func(r *Rule) { r.Title, r.Version = "Warm", 3 },
		"a delay":     func(r *Rule) { r.For = time.Minute },
		"escalations": func(r *Rule) { r.Escalate = []Escalation{{After: time.Hour, Severity: Critical}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newPatientStory(t, rule)
			for n := range 13 {
				s.warm(float64(n), float64(n), 9)
			}
			changed := rule
			alter(&changed)
			s.engine.Use(patient(t, time.Hour, changed), minute(13))
			s.warm(5.5, 13, 4)
			want := []change{{"warm", "raised", 10}}
			if name == "nothing" || name == "the title" {
				want = append(want, change{"warm", "withdrawn", 12})
			}
			s.want(want...)
		})
	}
}

func TestStateSurvivesAChangeThatDoesNotTouchTheConditions(t *testing.T) {
	t.Parallel()
	rule := Rule{ID: "warm", Version: 1, When: "temperature > 8", For: 5 * time.Minute}
	s := newStory(t, rule)
	s.series(0, 9, 9, 9)
	rule.Version, rule.Title, rule.Ticket.Team, rule.Severity = 2, "Too warm", "cold", Critical
	if got := s.engine.Use(compile(t, rule, Rule{ID: "other", When: "humidity > 3"}), minute(2)); len(got) != 0 {
		t.Errorf("transitions %+v", got)
	}
	s.series(3, 9, 9, 9)
	s.want(change{"warm", "raised", 5})
	if s.got[0].RuleVersion != 2 || s.got[0].Severity != Critical || s.got[0].PendingSince != start {
		t.Errorf("raise %+v", s.got[0])
	}
}

func TestAChangedConditionKeepsTheAlarmAndStartsWhatIsPendingAgain(t *testing.T) {
	t.Parallel()
	rule := Rule{ID: "warm", When: "temperature > 8", For: 5 * time.Minute}
	s := newStory(t, rule)
	s.series(0, 9, 9, 9)
	rule.When = "temperature > 8.5"
	s.engine.Use(compile(t, rule), minute(2.5))
	s.series(3, 9, 9, 9, 9, 9, 9)
	s.want(change{"warm", "raised", 8})

	rule.When = "temperature > 10"
	if got := s.engine.Use(compile(t, rule), minute(8.5)); len(got) != 0 {
		t.Errorf("transitions %+v", got)
	}
	s.series(9, 9)
	s.want(change{"warm", "raised", 8}, change{"warm", "cleared", 9})
	if s.got[0].AlarmID != s.got[len(s.got)-1].AlarmID {
		t.Error("the end names another alarm")
	}
}

func TestWhatTheEngineOpenedItClosesWhenTheRuleGoes(t *testing.T) {
	t.Parallel()
	warm := Rule{ID: "warm", Version: 3, When: "temperature > 8", Severity: Major}
	with := func(change func(*Rule)) []Rule {
		r := warm
		change(&r)
		return []Rule{r}
	}
	plain := directoryOf(fridgeID)
	for _, c := range []struct {
		name      string
		rules     []Rule
		directory *devices.Directory
		want      string
	}{
		{"removed", nil, plain, "Cleared because the rule was removed."},
		{"switched off", with(func(r *Rule) { r.Mode = Off }), plain, "Cleared because the rule was switched off."},
		{"put on trial", with(func(r *Rule) { r.Mode = Shadow }), plain, "Cleared because the rule went from live to shadow."},
		{"narrowed by tags", with(func(r *Rule) { r.AppliesTo.Tags = map[string]string{"a": "b"} }), plain, "Cleared because the rule no longer applies to the device."},
		{"device removed", []Rule{warm}, directoryOf("fridge-2"), "Cleared because the device is no longer declared."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, warm)
			s.report(0, map[string]any{"temperature": 9})
			set, err := Compile(c.rules, c.directory)
			if err != nil {
				t.Fatal(err)
			}
			got := s.engine.Use(set, minute(7))
			want := []Transition{{
				AlarmID: s.got[0].AlarmID, Key: s.got[0].Key, Change: Cleared, At: minute(7), RaisedAt: start, PendingSince: start,
				Severity: Major, Occurrences: 1, RuleVersion: 3, Mode: Live, Explanation: []string{c.want},
			}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("transitions differ (-want +got):\n%s", diff)
			}
			s.series(8, 9) // a rule on trial may raise its own alarm; nothing else may
			for _, one := range s.got[1:] {
				if one.Mode != Shadow {
					t.Errorf("unexpected %+v", one)
				}
			}
		})
	}
}

func TestReconcileRaisesWhatTheDatabaseLostAndTakesOverWhatItAlreadyHas(t *testing.T) {
	t.Parallel()
	rules := []Rule{
		{ID: "warm", Version: 2, When: "temperature > 8", Severity: Minor, Escalate: []Escalation{{After: time.Hour, Severity: Major}, {After: 2 * time.Hour, Severity: Critical}}},
		{ID: "door", When: "door_open"},
	}
	s := newStory(t, rules...)
	s.report(0, map[string]any{"temperature": 9})
	raise := s.got[0]
	key := func(rule, device string) Key { return Key{rule, Subject{subjectDevice, device}} }
	same := OpenAlarm{AlarmID: raise.AlarmID, Key: raise.Key, Mode: Live, RaisedAt: start, PendingSince: start, Occurrences: 1}
	if got := s.engine.Reconcile([]OpenAlarm{same}); len(got) != 0 {
		t.Errorf("agreement led to %+v", got)
	}

	got := s.engine.Reconcile([]OpenAlarm{
		{AlarmID: "old-1", Key: key("warm", "fridge-2"), Mode: Live, RaisedAt: minute(-90), PendingSince: minute(-95), Severity: Major, Occurrences: 7},
		{AlarmID: "old-2", Key: key("gone", "fridge-1"), Mode: Live, RuleVersion: 5, RaisedAt: minute(-50), PendingSince: minute(-50), Severity: Minor, Occurrences: 1},
		{AlarmID: "old-3", Key: key("warm", "fridge-9"), Mode: Live, RaisedAt: minute(-40), PendingSince: minute(-40), Occurrences: 1},
		{AlarmID: "old-4", Key: Key{"warm", Subject{"site", "Warsaw"}}, Mode: Live},
	})
	type line struct{ ID, What, Why string }
	var lines []line
	for _, one := range got {
		lines = append(lines, line{one.AlarmID, one.Change.String(), one.Explanation[len(one.Explanation)-1]})
	}
	want := []line{
		{raise.AlarmID, "raised", "Found active at a restart and not in the database, so it was raised again."},
		{"old-2", "cleared", "Cleared because the rule was removed."},
		{"old-3", "cleared", "Cleared because the device is no longer declared."},
	}
	byID := func(a, b line) bool { return a.ID < b.ID }
	if diff := cmp.Diff(sorted(want, byID), sorted(lines, byID)); diff != "" {
		t.Errorf("transitions differ (-want +got):\n%s", diff)
	}

	s.got = nil
	s.apply(31, reportOf("fridge-2", minute(31), map[string]any{"temperature": 9})) // two hours after the raise
	s.apply(32, reportOf("fridge-2", minute(32), map[string]any{"temperature": 4}))
	s.want(change{"warm", "escalated", 30}, change{"warm", "cleared", 32})
	if last := s.got[len(s.got)-1]; last.AlarmID != "old-1" || last.Occurrences != 8 {
		t.Errorf("end %+v", last)
	}
}

// An alarm that is taken over chatters on: it ends when it has been quiet, and
// its raise counts for the next one.
func TestReconcileKeepsChattering(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", Version: 1, When: "temperature > 8",
		Chattering: Chattering{Times: 1, Within: 30 * time.Minute, Quiet: 10 * time.Minute}})
	key := Key{"warm", Subject{subjectDevice, string(fridgeID)}}
	open := OpenAlarm{AlarmID: "old", Key: key, Mode: Live, RaisedAt: minute(-5), PendingSince: minute(-5), Occurrences: 4, Chattering: true}
	if got := s.engine.Reconcile([]OpenAlarm{open}); len(got) != 0 {
		t.Errorf("taken over with %+v", got)
	}
	for n := range 12 {
		s.report(float64(n), map[string]any{"temperature": 4})
	}
	s.report(13, map[string]any{"temperature": 9})
	s.want(change{"warm", "cleared", 10}, change{"warm", "raised", 13})
	if cleared, again := s.last(Cleared), s.last(Raised); !cleared.Chattering || !again.Chattering {
		t.Errorf("%+v, then %+v", cleared, again)
	}

	gone := open
	gone.Key.Rule = "gone"
	if got := s.engine.Reconcile([]OpenAlarm{gone}); !slices.ContainsFunc(got, func(t Transition) bool { return t.Change == Cleared && t.Chattering }) {
		t.Errorf("%+v", got)
	}
}

func sorted[T any](all []T, less func(a, b T) bool) []T {
	for i := range all {
		for j := i; j > 0 && less(all[j], all[j-1]); j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	return all
}

func FuzzRestore(f *testing.F) {
	set := patient(f, time.Hour, mixedRules()...)
	e := NewEngine(set)
	e.Apply([]devices.Report{
		reportOf(fridgeID, minute(0), map[string]any{"temperature": 9, "mode": "defrost", "door_open": true, "faults": []string{"E21"}}),
		reportOf(fridgeID, minute(3), map[string]any{"temperature": 9}),
		reportOf("fridge-2", minute(3), map[string]any{"humidity": 90}),
	}, minute(3), nil)
	f.Add(e.Snapshot(nil))
	f.Add(NewEngine(set).Snapshot(nil))
	f.Fuzz(func(t *testing.T, state []byte) {
		e := NewEngine(set)
		if err := e.Restore(state); err != nil {
			return
		}
		e.NextDeadline()
		again := NewEngine(set)
		if err := again.Restore(e.Snapshot(nil)); err != nil {
			t.Fatalf("own snapshot: %v", err)
		}
		e.Apply([]devices.Report{reportOf(fridgeID, minute(5), map[string]any{"temperature": 9})}, minute(5), nil)
		e.Apply([]devices.Report{reportOf(fridgeID, minute(1), map[string]any{"temperature": 4})}, minute(6), nil)
	})
}
