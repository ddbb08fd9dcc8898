package rules

import (
	"testing"
	"time"

	"telltale/devices"
)

func quiet() Rule { return Rule{ID: "quiet", Version: 1, When: `silent("15m")`} }

func TestSilenceIsRaisedWhenItsTimeHasComeAndEndsWithTheNextWord(t *testing.T) {
	t.Parallel()
	s := newStory(t, quiet())
	s.report(0, map[string]any{"temperature": 4})
	s.report(3, map[string]any{"temperature": 4})
	s.tick(17.9)
	s.want()
	s.tick(30)
	s.report(40, map[string]any{"temperature": 4})
	s.want(change{"quiet", "raised", 18}, change{"quiet", "cleared", 40})
	if got := s.got[0].Explanation[0]; got != "nothing was heard for 15 min at 10:18:00 UTC (rule quiet v1)" {
		t.Error(got)
	}
	if got := s.got[1].Explanation[0]; got != "the device was heard again at 10:40:00 UTC" {
		t.Error(got)
	}
}

func TestSilenceWithAnOnDelayIsRaisedByTimeAlone(t *testing.T) {
	t.Parallel()
	rule := quiet()
	rule.For, rule.ClearFor = 5*time.Minute, 2*time.Minute
	s := newStory(t, rule)
	s.report(0, map[string]any{"temperature": 4})
	s.tick(30)
	s.report(30, map[string]any{"temperature": 4})
	s.tick(40)
	s.want(change{"quiet", "raised", 20}, change{"quiet", "cleared", 32})
}

func TestASkewedDeviceClockDoesSilenceNoHarm(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-26 * time.Hour, 3 * time.Hour} {
		s := newStory(t, quiet())
		r := reportOf(fridgeID, minute(0).Add(skew), map[string]any{"temperature": 4})
		r.ReceivedAt = minute(0)
		s.apply(0, r)
		s.tick(14)
		s.want()
		s.tick(16)
		if len(s.got) != 1 || s.got[0].RaisedAt != minute(15).Add(skew) {
			t.Errorf("skew %s: %+v", skew, s.got)
		}
	}
}

func TestHistoryReplayedFastIsNeverSilent(t *testing.T) {
	t.Parallel()
	s := newStory(t, quiet())
	for n := range 100 {
		r := reportOf(fridgeID, minute(float64(20*n)), map[string]any{"temperature": 4})
		r.ReceivedAt = minute(5000)
		s.apply(5000, r)
	}
	s.want()
}

func TestLateAndRepeatedWordsAreStillASignOfLife(t *testing.T) {
	t.Parallel()
	s := newStory(t, quiet())
	same := reportOf(fridgeID, minute(0), map[string]any{"temperature": 4})
	for n := range 5 {
		same.ReceivedAt = minute(float64(10 * n))
		s.tick(float64(10*n) - 0.1)
		s.apply(float64(10*n), same)
	}
	s.want()
	if n := s.engine.Stats().Duplicates; n != 4 {
		t.Errorf("%d duplicates", n)
	}
}

func TestALastWillIsNoSignOfLifeAndAGreetingIs(t *testing.T) {
	t.Parallel()
	s := newStory(t, quiet())
	s.report(0, map[string]any{"temperature": 4})
	s.tick(10)
	s.apply(10, devices.Report{Device: fridgeID, ObservedAt: minute(10), ReceivedAt: minute(10), Presence: devices.Offline})
	s.tick(20)
	s.apply(20, devices.Report{Device: fridgeID, ObservedAt: minute(20), ReceivedAt: minute(20), Presence: devices.Online})
	s.want(change{"quiet", "raised", 15}, change{"quiet", "cleared", 20})
}

func TestADeviceThatBuffersEndsItsSilenceWhenItIsHeardNotWhenItObserved(t *testing.T) {
	t.Parallel()
	s := newStory(t, quiet(), Rule{ID: "warm", When: "temperature > 8", For: 5 * time.Minute})
	s.report(0, map[string]any{"temperature": 9})
	s.tick(60)
	var backlog []devices.Report
	for n := 1; n <= 60; n++ {
		r := reportOf(fridgeID, minute(float64(n)), map[string]any{"temperature": 9})
		r.ReceivedAt = minute(60)
		backlog = append(backlog, r)
	}
	s.apply(60, backlog...)
	s.want(change{"quiet", "raised", 15}, change{"quiet", "cleared", 60}, change{"warm", "raised", 5})
}

// Our own outage must not look like the silence of everybody.
func TestAfterAnOutageOfOursEachDeviceHasItsGraceAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t, quiet())
	s.report(0, map[string]any{"temperature": 4})
	s.apply(0, reportOf("fridge-2", minute(0), map[string]any{"temperature": 4}))
	s.tick(16) // both are silent
	if len(s.got) != 2 {
		t.Fatalf("transitions %v", changes(s.got))
	}
	s.report(17, map[string]any{"temperature": 4}) // fridge-1 is back
	s.got = nil

	s.report(120, map[string]any{"temperature": 4}) // nothing was in the log for an hour and more
	s.tick(134)
	s.want() // fridge-2's alarm is neither ended nor raised again
	if state, _ := s.engine.State("fridge-2", "quiet"); !state.Raised() {
		t.Errorf("state %+v", state)
	}
	s.tick(136)
	s.want(change{"quiet", "raised", 135})
}

func TestASilenceThatWasBeingTimedDuringAnOutageIsTimedAnew(t *testing.T) {
	t.Parallel()
	rule := quiet()
	rule.For = 10 * time.Minute
	s := newStory(t, rule)
	s.report(0, map[string]any{"temperature": 4})
	s.apply(0, reportOf("fridge-2", minute(0), map[string]any{"temperature": 4}))
	s.tick(16)                                      // pending on both since minute 15
	s.report(120, map[string]any{"temperature": 4}) // an outage of ours
	s.tick(144)
	s.want()
	s.tick(150)
	if len(s.got) != 2 || s.got[0].PendingSince != minute(135) || s.got[0].RaisedAt != minute(145) {
		t.Errorf("transitions %+v", s.got)
	}
}

func TestAnEngineWithoutTimedRulesAsksForNoTicks(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8", For: time.Hour, ClearFor: time.Hour})
	s.report(0, map[string]any{"temperature": 9})
	if deadline, ok := s.engine.NextDeadline(); ok {
		t.Errorf("deadline %v", deadline)
	}
}

func TestAnEngineWithRulesAboutSilenceHasAHeartbeat(t *testing.T) {
	t.Parallel()
	s := newStory(t, quiet())
	if _, ok := s.engine.NextDeadline(); ok {
		t.Error("an engine that has seen nothing waits for something")
	}
	s.report(0, map[string]any{"temperature": 4})
	if deadline, ok := s.engine.NextDeadline(); !ok || deadline != minute(1) {
		t.Errorf("deadline %v, %v", deadline, ok)
	}
	for n := 1; n < 60; n++ { // reports keep it from ever being early or late
		s.report(float64(n), map[string]any{"temperature": 4})
		if deadline, ok := s.engine.NextDeadline(); !ok || deadline != minute(float64(n+1)) {
			t.Fatalf("minute %d: deadline %v, %v", n, deadline, ok)
		}
	}
}

func TestSeveralSilencesInOneConditionEachHaveTheirTime(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "r", When: `silent("30m") or fault("E21") and silent("10m")`})
	s.engine.set.models["FR-200"].stale = 0 // faults stay known
	s.report(0, map[string]any{"faults": []string{"E21"}})
	s.tick(20)
	s.report(20, map[string]any{"faults": []string{}})
	s.tick(60)
	s.want(change{"r", "raised", 10}, change{"r", "cleared", 20}, change{"r", "raised", 50})
}

func TestManyDevicesFallSilentInOrderOfTime(t *testing.T) {
	t.Parallel()
	var ids []devices.ID
	for i := range 50 {
		ids = append(ids, devices.ID("d"+string(rune('a'+i%26))+string(rune('a'+i/26))))
	}
	set, err := Compile([]Rule{quiet()}, directoryOf(ids...))
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, engine: NewEngine(set)}
	for i, id := range ids {
		r := reportOf(id, minute(float64(i*7%10)), map[string]any{"temperature": 4})
		s.engine.Apply([]devices.Report{r}, minute(9), nil)
	}
	got := s.engine.Tick(minute(10))
	if len(got) != 0 {
		t.Fatalf("too early: %v", changes(got))
	}
	s.tick(30)
	if len(s.got) != 50 {
		t.Fatalf("%d of 50 alarms", len(s.got))
	}
	for i := 1; i < len(s.got); i++ {
		a, b := s.got[i-1], s.got[i]
		if a.At.After(b.At) || a.At.Equal(b.At) && a.Key.Subject.ID >= b.Key.Subject.ID {
			t.Errorf("%v %s before %v %s", a.At, a.Key, b.At, b.Key)
		}
	}
}
