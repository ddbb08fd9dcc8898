package rules

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
)

// event is one call of an engine: reports at a log time, or none.
type event struct {
	at      time.Time
	reports []devices.Report
}

// drawEvents makes up a history of two devices: reports with any of the
// metrics, now and then late, doubled, skewed or buffered, and stretches of
// silence, some of them long enough to be an outage of ours.
func drawEvents(t *rapid.T) []event {
	now := start
	observed := map[devices.ID]time.Time{}
	var events []event
	for range rapid.IntRange(1, 60).Draw(t, "events") {
		now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 30, 60, 60, 60, 90, 200, 400, 2000}).Draw(t, "seconds")) * time.Second)
		e := event{at: now}
		for range rapid.IntRange(0, 4).Draw(t, "reports") {
			id := rapid.SampledFrom([]devices.ID{fridgeID, "fridge-2", "nobody"}).Draw(t, "device")
			at := now
			switch rapid.IntRange(0, 9).Draw(t, "when") {
			case 0: // late
				at = now.Add(-time.Duration(rapid.IntRange(1, 600).Draw(t, "late")) * time.Second)
			case 1: // again
				if last, ok := observed[id]; ok {
					at = last
				}
			}
			r := drawReport(t, id, at)
			r.ReceivedAt = now
			observed[id] = at
			e.reports = append(e.reports, r)
		}
		events = append(events, e)
	}
	return events
}

func drawReport(t *rapid.T, id devices.ID, at time.Time) devices.Report {
	values := map[string]any{}
	if rapid.Bool().Draw(t, "has temperature") {
		values["temperature"] = rapid.SampledFrom([]float64{4, 6.9, 7.5, 8, 8.1, 9}).Draw(t, "temperature")
	}
	if rapid.IntRange(0, 3).Draw(t, "has door") == 0 {
		values["door_open"] = rapid.Bool().Draw(t, "door")
	}
	if rapid.IntRange(0, 3).Draw(t, "has humidity") == 0 {
		values["humidity"] = rapid.SampledFrom([]float64{40, 85}).Draw(t, "humidity")
	}
	if rapid.IntRange(0, 3).Draw(t, "has mode") == 0 {
		values["mode"] = rapid.SampledFrom([]string{"eco", "defrost"}).Draw(t, "mode")
	}
	if rapid.IntRange(0, 4).Draw(t, "has faults") == 0 {
		values["faults"] = rapid.SampledFrom([][]string{{}, {"E21"}, {"E9", "E21"}}).Draw(t, "faults")
	}
	r := reportOf(id, at, values)
	r.Presence = rapid.SampledFrom([]devices.Presence{0, 0, 0, 0, devices.Online, devices.Offline}).Draw(t, "presence")
	return r
}

func runEvents(e *Engine, events []event) []Transition {
	var all []Transition
	for _, one := range events {
		all = append(all, e.Apply(one.reports, one.at, nil)...)
	}
	return all
}

// forBothSets tries what must hold of an engine that takes nothing back, and
// of one that does.
func forBothSets(t *testing.T, try func(t *testing.T, set *Set)) {
	for name, set := range map[string]*Set{
		"late reports are dropped": mixedSet(t),
		"late reports amend":       patient(t, 5*time.Minute, mixedRules()...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			try(t, set)
		})
	}
}

func mixedSet(t testing.TB) *Set { return compile(t, mixedRules()...) }

// checkLife follows the alarms through transitions and finds two open ones,
// orphans, and times or counts that run backwards.
func checkLife(open map[string]Transition, transitions []Transition) error {
	for _, t := range transitions {
		place := t.Key.String() + string(t.Mode)
		before, isOpen := open[place]
		falls := t.Change == Deescalated
		mine := isOpen && before.AlarmID == t.AlarmID
		switch over := !t.ClearedAt.IsZero(); {
		case t.At.Before(t.RaisedAt) || t.RaisedAt.Before(t.PendingSince) || over && t.ClearedAt.Before(t.RaisedAt) || t.Occurrences < 1:
			return fmt.Errorf("%s: times run backwards: %+v", place, t)
		case t.Change == Suppressed:
			if isOpen && !t.At.Before(before.RaisedAt) || t.Reopens != "" { // late readings may tell of what was before
				return fmt.Errorf("%s suppressed, and there is %+v: %+v", place, before, t)
			}
			continue
		case t.Change == Released:
			if t.Reopens != "" || len(t.Evidence.Held) == 0 {
				return fmt.Errorf("%s released from nothing: %+v", place, t)
			}
			continue
		case (t.Before != nil) != (t.Change == Amended || t.Change == Withdrawn):
			return fmt.Errorf("%s: what was before is misplaced: %+v", place, t)
		case t.Before != nil && mine != t.Before.ClearedAt.IsZero():
			return fmt.Errorf("%s: %s of what was not told: %+v after %+v", place, t.Change, t, before)
		case t.Change == Withdrawn, t.Change == Amended && over:
			if mine {
				delete(open, place)
			}
			continue
		case t.Reopens != "" && (t.Change != Raised || t.Reopens == t.AlarmID):
			return fmt.Errorf("%s: %s reopens %s", place, t.Change, t.Reopens)
		case t.Change == Raised && over:
			continue
		case t.Change == Amended && isOpen && !mine:
			return fmt.Errorf("%s holds again beside another: %+v and %+v", place, t, before)
		case t.Change == Amended:
		case falls != (isOpen && t.Severity < before.Severity):
			return fmt.Errorf("%s: severity %s after %s by %s", place, t.Severity, before.Severity, t.Change)
		case t.Change == Escalated && t.Severity <= before.Severity:
			return fmt.Errorf("%s: escalated to %s from %s", place, t.Severity, before.Severity)
		case isOpen && t.Chattering != before.Chattering:
			return fmt.Errorf("%s: chattering changed by %s", place, t.Change)
		case t.Change == Raised && isOpen:
			return fmt.Errorf("%s raised twice: %+v after %+v", place, t, before)
		case t.Change != Raised && !isOpen:
			return fmt.Errorf("%s: %s of an alarm that is not open", place, t.Change)
		case t.Change != Raised && (t.AlarmID != before.AlarmID || t.RaisedAt != before.RaisedAt || t.Revision != before.Revision):
			return fmt.Errorf("%s: %s names alarm %s, open is %s", place, t.Change, t.AlarmID, before.AlarmID)
		case t.Change == Repeated && t.Occurrences < before.Occurrences:
			return fmt.Errorf("%s: %+v after %+v", place, t, before)
		}
		if t.Change == Cleared {
			delete(open, place)
			continue
		}
		if t.Change == Escalated || t.Change == Deescalated {
			t.Occurrences = before.Occurrences // said in passing: only Repeated counts, and a second run may find fewer
		}
		open[place] = t
	}
	return nil
}

func TestNoHistoryMakesTwoOpenAlarmsOrAnOrphan(t *testing.T) {
	t.Parallel()
	forBothSets(t, func(t *testing.T, set *Set) {
		rapid.Check(t, func(t *rapid.T) {
			e := NewEngine(set)
			open := map[string]Transition{}
			for _, one := range drawEvents(t) {
				if err := checkLife(open, e.Apply(one.reports, one.at, nil)); err != nil {
					t.Fatal(err)
				}
				for _, o := range open {
					if s, ok := e.State(devices.ID(o.Key.Subject.ID), o.Key.Rule); !ok || !s.Raised() || s.Since != o.RaisedAt {
						t.Fatalf("%s is open, and the engine says %+v", o.Key, s)
					}
				}
			}
		})
	})
}

func TestASnapshotAtAnyPointContinuesTheSame(t *testing.T) {
	t.Parallel()
	forBothSets(t, func(t *testing.T, set *Set) {
		rapid.Check(t, func(t *rapid.T) {
			events := drawEvents(t)
			want := NewEngine(set)
			got := NewEngine(set)
			for i, one := range events {
				if rapid.Bool().Draw(t, "restart") {
					got = restored(t, got, set)
				}
				if diff := cmp.Diff(want.Apply(one.reports, one.at, nil), got.Apply(one.reports, one.at, nil)); diff != "" {
					t.Fatalf("event %d differs (-without restart +with):\n%s", i, diff)
				}
				wantDeadline, _ := want.NextDeadline()
				if gotDeadline, _ := got.NextDeadline(); gotDeadline != wantDeadline {
					t.Fatalf("event %d: deadline %v, want %v", i, gotDeadline, wantDeadline)
				}
			}
			if !bytes.Equal(want.Snapshot(nil), got.Snapshot(nil)) {
				t.Fatal("states differ at the end")
			}
		})
	})
}

func TestAReplayGivesTheSameTransitions(t *testing.T) {
	t.Parallel()
	forBothSets(t, func(t *testing.T, set *Set) {
		rapid.Check(t, func(t *rapid.T) {
			events := drawEvents(t)
			cut := rapid.IntRange(0, len(events)).Draw(t, "snapshot after")
			first := NewEngine(set)
			before := runEvents(first, events[:cut])
			state := first.Snapshot(nil)
			want := append(before, runEvents(first, events[cut:])...)

			again := NewEngine(set)
			if err := again.Restore(state); err != nil {
				t.Fatal(err)
			}
			got := append(before[:len(before):len(before)], runEvents(again, events[cut:])...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("replay differs (-want +got):\n%s", diff)
			}
		})
	})
}

func TestGoingOverToTheSameRulesChangesNothing(t *testing.T) {
	t.Parallel()
	set, same := patient(t, 5*time.Minute, mixedRules()...), patient(t, 5*time.Minute, mixedRules()...)
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		want, got := NewEngine(set), NewEngine(set)
		for i, one := range events {
			if changed := got.Use(same, one.at); len(changed) != 0 {
				t.Fatalf("event %d: %+v", i, changed)
			}
			if diff := cmp.Diff(want.Apply(one.reports, one.at, nil), got.Apply(one.reports, one.at, nil)); diff != "" {
				t.Fatalf("event %d differs (-want +got):\n%s", i, diff)
			}
		}
	})
}

// life lists what happened to each alarm, apart from counts.
func life(transitions []Transition) map[string][]change {
	byAlarm := map[string][]change{}
	for _, one := range transitions {
		if one.Change != Repeated {
			byAlarm[one.AlarmID] = append(byAlarm[one.AlarmID], changes([]Transition{one})...)
		}
	}
	return byAlarm
}

func TestDuplicatesChangeNothing(t *testing.T) {
	t.Parallel()
	forBothSets(t, func(t *testing.T, set *Set) {
		rapid.Check(t, func(t *rapid.T) {
			events := drawEvents(t)
			want, got := NewEngine(set), NewEngine(set)
			for i, one := range events {
				doubled := one
				doubled.reports = nil
				for _, r := range one.reports {
					for range rapid.IntRange(1, 3).Draw(t, "copies") {
						doubled.reports = append(doubled.reports, r)
					}
				}
				if diff := cmp.Diff(want.Apply(one.reports, one.at, nil), got.Apply(doubled.reports, doubled.at, nil)); diff != "" {
					t.Fatalf("event %d differs (-once +several times):\n%s", i, diff)
				}
			}
			if !bytes.Equal(want.Snapshot(nil), got.Snapshot(nil)) {
				t.Fatal("states differ at the end")
			}
		})
	})
}

// untimed are rules whose alarms do not depend on when anybody looks. Silence
// does: a word that arrives in the same call as its deadline counts. So do
// escalations: a tick cannot know that a buffered report will end the alarm
// at a time that has passed.
func untimed() []Rule {
	all := slices.DeleteFunc(mixedRules(), func(r Rule) bool { return r.ID == "quiet" })
	for i := range all {
		all[i].Escalate = nil
	}
	return all
}

func TestHowReportsArePackedDoesNotMatter(t *testing.T) {
	t.Parallel()
	set := compile(t, untimed()...)
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		whole, single := NewEngine(set), NewEngine(set)
		for i, one := range events {
			want := whole.Apply(one.reports, one.at, nil)
			var got []Transition
			for _, r := range one.reports {
				got = append(got, single.Apply([]devices.Report{r}, one.at, nil)...)
			}
			got = append(got, single.Tick(one.at)...)
			if diff := cmp.Diff(life(want), life(got)); diff != "" {
				t.Fatalf("event %d differs (-one call +several):\n%s", i, diff)
			}
		}
	})
}

// A tick too many must not change what happens: the gateway appends one when
// it is idle, and how often depends on its load.
func TestTicksTooManyChangeNothing(t *testing.T) {
	t.Parallel()
	set := compile(t, untimed()...)
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		without, with := NewEngine(set), NewEngine(set)
		var want, got []Transition
		before := events[0].at
		for _, one := range events {
			for range rapid.IntRange(0, 3).Draw(t, "ticks") {
				gap := one.at.Sub(before)
				before = before.Add(time.Duration(rapid.Int64Range(0, int64(gap)).Draw(t, "tick")))
				got = append(got, with.Tick(before)...)
			}
			before = one.at
			want = append(want, without.Apply(one.reports, one.at, nil)...)
			got = append(got, with.Apply(one.reports, one.at, nil)...)
		}
		if diff := cmp.Diff(life(want), life(got)); diff != "" {
			t.Fatalf("alarms differ (-without ticks +with):\n%s", diff)
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"temperature > 8", "not temperature > 8 and (door_open or humidity % 7 == 2)", `mode in ["eco", 'x'] or fault("E21")`,
		"1 < temperature < 2 < humidity", `silent("15m") and abs(raw - other) >= max(1, 2, temperature)`, "((((", "a.b?.c[1:2]", "let x = 1; x",
		`raw == "x" or raw == other`, "`raw`", "1e999 > temperature", "temperature > 8\n\t// why\n and true", "!door_open && -temperature**2",
		`count(temperature, "10m") > 3`, `time_where(avg(raw, "1m") > 2 or door_open, "24h") / 60 >= delta(raw, "2h") + rate(raw, "1h")`, "count(raw, # > 1)", `since(mode == "x" or temperature > degF(46)) > h(2)`, `anomaly(temperature) > 0.9 and abs(cohort_z(raw, "24h")) >= 3`, `count_where(door_open, 3) >= 2 or starts(raw == "x", "1h") > 1`, "K(3) < rate(temperature, \"1h\") <= degF(-4)", "if a { b } else { c }", `metric("temperature") == 1`,
	} {
		f.Add(seed, 9.0, "eco", true)
	}
	f.Fuzz(func(t *testing.T, condition string, number float64, text string, known bool) {
		set, err := Compile([]Rule{{ID: "r", When: condition}}, directoryOf(fridgeID))
		if err != nil {
			return
		}
		values := map[string]any{"raw": number}
		if known {
			values["temperature"], values["faults"], values["mode"] = number, []string{text}, text
		}
		e := NewEngine(set)
		got := e.Apply([]devices.Report{reportOf(fridgeID, minute(0), values)}, minute(0), nil)
		got = append(got, e.Tick(minute(20))...)
		again := restored(t, e, set)
		if !bytes.Equal(e.Snapshot(nil), again.Snapshot(nil)) {
			t.Error("the snapshot is not the state")
		}
		if err := checkLife(map[string]Transition{}, got); err != nil {
			t.Error(err)
		}
		for _, one := range got {
			if one.Change == Raised && (len(one.Explanation) == 0 || one.Explanation[0] == "") {
				t.Errorf("raised without a reason: %+v", one)
			}
		}
	})
}
