package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// untilOpen is a rule that an open door holds back.
func untilOpen(hold time.Duration) []Rule {
	return []Rule{{ID: "door", When: "door_open"},
		{ID: "warm", Version: 3, When: "temperature > 8", For: hold, Severity: Major, InhibitedBy: []Inhibitor{{Rule: "door"}}}}
}

// behindDoor reports a temperature while the door is open or not.
func (s *story) behindDoor(n float64, celsius float64, open bool) {
	s.t.Helper()
	s.report(n, map[string]any{"temperature": celsius, "door_open": open})
}

func TestWhatIsHeldBackIsReleasedWhenItsConditionEnds(t *testing.T) {
	t.Parallel()
	s := newStory(t, untilOpen(2*time.Minute)...)
	for n, celsius := range []float64{9, 9, 9, 9, 4} {
		s.behindDoor(float64(n), celsius, true)
	}
	suppressed := s.last(Suppressed)
	want := Transition{
		AlarmID: suppressed.AlarmID, Key: suppressed.Key, Change: Released, At: minute(4), RaisedAt: minute(2), PendingSince: start,
		Severity: Major, Occurrences: 4, RuleVersion: 3, Mode: Live, Explanation: []string{"No longer held back: its condition ended."},
		Evidence: Evidence{Held: []Suppression{{By: "door", Why: "while door was active", From: minute(2)}}},
	}
	if diff := cmp.Diff(want, s.last(Released)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatIsHeldBackIsReleasedAsWhatItIsRaisedAs(t *testing.T) {
	t.Parallel()
	s := newStory(t, untilOpen(0)...)
	for n, open := range []bool{true, true, false} {
		s.behindDoor(float64(n), 9, open)
	}
	raise, release := s.last(Raised), s.last(Released)
	if release.AlarmID != s.last(Suppressed).AlarmID || release.Becomes != raise.AlarmID || !release.At.Equal(raise.At) {
		t.Errorf("released %+v, raised %+v", release, raise)
	}
	says(t, release, "No longer held back: it was raised.")
}

func TestWhatIsHeldBackEndsWithAGapAndWithAFailure(t *testing.T) {
	t.Parallel()
	s := newStory(t, untilOpen(0)...)
	s.behindDoor(0, 9, true)
	s.behindDoor(10, 9, true) // three minutes are too many
	says(t, s.last(Released), "whether its condition holds was not known any more.")

	s = newStory(t, untilOpen(0)...)
	s.sabotage("warm", between(1, 2))
	s.behindDoor(0, 9, true)
	s.behindDoor(1, 9, true)
	says(t, s.last(Released), "the rule failed.")
	if state, _ := s.engine.State(fridgeID, "warm"); state.HeldBackBy != "" {
		t.Errorf("%+v", state)
	}
}

func TestWhatIsHeldBackEndsWithItsRule(t *testing.T) {
	t.Parallel()
	s := newStory(t, untilOpen(0)...)
	s.behindDoor(0, 9, true)
	held := s.last(Suppressed)
	got := s.engine.Use(compile(t, untilOpen(0)[:1]...), minute(1))
	if len(got) != 1 || got[0].Change != Released || got[0].AlarmID != held.AlarmID || len(got[0].Evidence.Held) != 1 {
		t.Fatalf("%+v", got)
	}
	says(t, got[0], "No longer held back: the rule was removed.")

	// After a crash, the rules having changed, only the database knows of it.
	same := OpenAlarm{AlarmID: held.AlarmID, Held: true, Key: held.Key, Mode: Live, RaisedAt: start, PendingSince: start, Occurrences: 1}
	releases := func(e *Engine) (ids []string) {
		for _, one := range e.Reconcile([]OpenAlarm{same}) {
			if one.Change == Released {
				ids = append(ids, one.AlarmID)
			}
		}
		return ids
	}
	if got := releases(s.engine); len(got) != 1 || got[0] != held.AlarmID {
		t.Errorf("released %v", got)
	}
	s = newStory(t, untilOpen(0)...)
	s.behindDoor(0, 9, true)
	if got := releases(s.engine); got != nil {
		t.Errorf("released although it is held back: %v", got)
	}
}

// lateBehindDoor is a story whose reports may be late.
func lateBehindDoor(t *testing.T) *story {
	t.Helper()
	return newPatientStory(t, untilOpen(0)...)
}

func TestALateReportMovesTheEndOfWhatWasHeldBack(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		s := lateBehindDoor(t)
		for n, celsius := range []float64{9, 9, 9, 4, 4} {
			s.behindDoor(float64(n), celsius, true)
		}
		if restart {
			s.engine = restored(t, s.engine, s.engine.Set())
		}
		first := s.last(Released)
		s.apply(5, late(1.5, 4), late(1.75, 4))
		moved := s.last(Released)
		if moved.AlarmID == first.AlarmID && moved.Revision == 0 {
			t.Fatalf("%+v moved to %+v", first, moved)
		}
		var ends []float64
		for _, one := range s.got {
			if one.Change == Released {
				ends = append(ends, one.At.Sub(start).Minutes())
			}
		}
		if diff := cmp.Diff([]float64{3, 1.5, 3}, ends); diff != "" {
			t.Errorf("restarted %v: released at (-want +got)\n%s", restart, diff)
		}
	}
}

func TestALateReportShowsThatNothingHadToBeHeldBack(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, untilOpen(2*time.Minute)...)
	for n := range 4 {
		s.behindDoor(float64(n), 9, true)
	}
	held := s.last(Suppressed)
	s.apply(4, late(1.5, 4))
	if got := s.last(Released); got.AlarmID != held.AlarmID || got.Becomes != "" || got.Revision != 1 {
		t.Errorf("%+v", got)
	}
	says(t, s.last(Released), "No longer held back: a report observed at 10:01:30 UTC arrived late.")
}

func TestALateReportShowsThatAnAlarmIsStillHeldBack(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, Rule{ID: "door", When: "door_open"},
		Rule{ID: "warm", When: "count_where(temperature > 8, 3) >= 2", InhibitedBy: []Inhibitor{{Rule: "door"}}})
	for n, celsius := range []float64{9, 9, 9, 4, 4} {
		s.behindDoor(float64(n), celsius, true)
	}
	held := s.last(Suppressed)
	if s.last(Released).AlarmID != held.AlarmID {
		t.Fatalf("%+v", s.got)
	}
	s.apply(5, late(3.5, 9), late(3.75, 9))
	again := s.last(Suppressed)
	if again.AlarmID != held.AlarmID || again.Revision != 1 || len(again.Evidence.Held) != 1 {
		t.Errorf("%+v after %+v", again, held)
	}
	says(t, again, "Held back after all: 2 reports observed")
	s.behindDoor(6, 4, true)
	s.behindDoor(7, 4, true)
	s.behindDoor(8, 4, true)
	if got := s.last(Released); got.AlarmID != held.AlarmID || got.Revision != 1 {
		t.Errorf("%+v", got)
	}
}
