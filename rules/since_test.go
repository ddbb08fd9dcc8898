package rules

import (
	"testing"
)

func TestADefrostIsWaitedOutBeforeATemperatureCounts(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", Version: 1, When: `temperature > 8 and since(door_open) > 600`})
	for n := range 40 {
		s.report(float64(n), map[string]any{"temperature": 9, "door_open": n >= 5 && n < 10})
	}
	// The door is last seen open at minute 9, so it was open until minute 10.
	s.want(change{"warm", "raised", 21})
	if got, want := s.got[0].Explanation[0], "temperature 9 > 8 and since(door_open != 0) 11 min > 600 at 10:21:00 UTC (rule warm v1)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBeforeAConditionEverHeldItsAbsenceCountsFromWhenItWasFirstKnown(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: `temperature > 8 and since(mode == "defrost") >= 300`})
	s.report(0, map[string]any{"temperature": 9}) // nothing is known of the mode
	for n := 1; n < 10; n++ {
		s.report(float64(n), map[string]any{"temperature": 9, "mode": "cool"})
	}
	s.want(change{"warm", "raised", 6})
}

func TestSinceSurvivesARestartAtAnyMoment(t *testing.T) {
	t.Parallel()
	rules := []Rule{
		{ID: "warm", When: `temperature > 8 and since(door_open) > 600`},
		{ID: "open", When: `time_where(door_open, "1h") > 120`},
	}
	plain, restarted := newStory(t, rules...), newStory(t, rules...)
	for n := range 60 {
		report := map[string]any{"temperature": 9, "door_open": n%23 < 4}
		plain.report(float64(n), report)
		restarted.report(float64(n), report)
		restarted.engine = restored(t, restarted.engine, compile(t, rules...))
	}
	if len(plain.got) == 0 {
		t.Fatal("nothing happened")
	}
	if len(plain.got) != len(restarted.got) {
		t.Fatalf("%d transitions, with restarts %d", len(plain.got), len(restarted.got))
	}
	for i := range plain.got {
		if a, b := plain.got[i], restarted.got[i]; a.AlarmID != b.AlarmID || a.Change != b.Change || !a.At.Equal(b.At) {
			t.Errorf("transition %d is %v, with restarts %v", i, a, b)
		}
	}
}
