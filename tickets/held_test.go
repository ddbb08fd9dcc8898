package tickets_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets"
)

var doorOpen = rules.Suppression{By: "door", Why: "while door was active", From: noon}

// suppressed is an alarm that would have been raised, but for what is named.
func suppressed(rule string, device devices.ID, by ...rules.Suppression) rules.Transition {
	t := raised(rule, device, noon)
	t.AlarmID, t.Change = "H-"+t.AlarmID, rules.Suppressed
	average := 9.4
	t.Evidence = rules.Evidence{Computed: []rules.Computed{{Call: `avg(temperature, "10m")`, Value: &average, Unit: "Cel"}}, Held: by}
	t.Explanation = append(t.Explanation, "Held back "+by[len(by)-1].Why+".")
	return t
}

// released is its end.
func released(t rules.Transition, after time.Duration, becomes string) rules.Transition {
	t.Change, t.At, t.Becomes = rules.Released, t.RaisedAt.Add(after), becomes
	t.Values, t.Faults, t.Evidence.Computed = nil, nil, nil
	t.Explanation = []string{"No longer held back: its condition ended."}
	return t
}

// heldBack returns everything that was held back, the latest first.
func (s *shop) heldBack(t testing.TB) []*tickets.HeldAlarm {
	t.Helper()
	all, err := s.db.HeldAlarms(t.Context(), tickets.HeldQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatWasHeldBackIsKeptWithItsReasons(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	works := rules.Suppression{By: "works", Why: "by the maintenance works", From: noon.Add(time.Minute)}
	first := suppressed("warm", fridge(1), doorOpen)
	more := suppressed("warm", fridge(1), doorOpen, works)
	more.Occurrences = 5
	end := times(released(more, 20*time.Minute, ""), 12)
	s.handle(t, first)
	s.clock = noon.Add(time.Hour)
	s.handle(t, more)

	want := tickets.HeldAlarm{
		ID: first.AlarmID, Key: first.Key, RuleVersion: 3, Mode: rules.Live, Severity: rules.Major,
		PendingSince: noon.Add(-10 * time.Minute), HeldSince: noon, Occurrences: 5, Values: first.Values, Faults: first.Faults,
		Explanation: []string{"temperature was 9.4, above 8.", "It had been for 10 minutes.", "Held back while door was active.", "Held back by the maintenance works."},
		Evidence:    more.Evidence, Trace: first.Trace, KnownAt: noon,
	}
	if diff := cmp.Diff([]*tickets.HeldAlarm{&want}, s.heldBack(t)); diff != "" {
		t.Fatalf("while it is held back (-want +got)\n%s", diff)
	}
	s.handle(t, end)
	want.EndedAt, want.Why, want.Occurrences = noon.Add(20*time.Minute), "No longer held back: its condition ended.", 12
	if diff := cmp.Diff([]*tickets.HeldAlarm{&want}, s.heldBack(t)); diff != "" {
		t.Errorf("afterwards (-want +got)\n%s", diff)
	}
	if len(s.alarms(t))+len(s.tickets(t))+len(s.told(t)) != 0 {
		t.Error(s.everything(t))
	}
	s.repeat(t, first, more, end)
}

func TestWhatWasHeldBackAndRaisedNamesItsAlarm(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	open := raised("latched", fridge(1), noon.Add(-time.Hour))
	held, raise := suppressed("latched", fridge(1), doorOpen), raised("latched", fridge(1), noon.Add(time.Hour))
	end := released(held, time.Hour, raise.AlarmID)
	s.handle(t, open, then(open, rules.Cleared, time.Minute), held)
	s.handle(t, raise, end) // the latched alarm takes it in
	if all := s.heldBack(t); len(all) != 1 || all[0].AlarmID != open.AlarmID || !all[0].EndedAt.Equal(raise.RaisedAt) {
		t.Errorf("%+v", all)
	}
	s.repeat(t, held, raise, end)
}

// What late readings say of it counts more than what was said before.
func TestLateReadingsChangeWhatWasHeldBack(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	held := suppressed("warm", fridge(1), doorOpen)
	end := released(held, 20*time.Minute, "")
	again := held
	again.Revision, again.Explanation = 1, []string{"Held back after all: a report arrived late."}
	later := released(again, 30*time.Minute, "")
	s.handle(t, held, end, again)
	if all := s.heldBack(t); len(all) != 1 || !all[0].EndedAt.IsZero() || all[0].Why != "" || all[0].Revision != 1 {
		t.Errorf("held back again: %+v", all)
	}
	s.repeat(t, held, end, again)
	s.handle(t, later)
	s.handle(t, end)
	if all := s.heldBack(t); !all[0].EndedAt.Equal(later.At) || all[0].Evidence.Held == nil {
		t.Errorf("released at %s", all[0].EndedAt)
	}
}

func TestARuleOnTrialIsHeldBackOnRecordAsWell(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	held := suppressed("shadow", fridge(1), doorOpen)
	held.Mode = rules.Shadow
	s.handle(t, held, released(raised("warm", fridge(1), noon), time.Minute, "")) // and the end of what nobody knows is no error
	if all := s.heldBack(t); len(all) != 1 || all[0].View().Mode != "shadow" {
		t.Errorf("%+v", all)
	}
}

func TestAnEngineIsToldWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	s := openShop(t, 2)
	held := suppressed("warm", fridge(1), doorOpen)
	over := suppressed("warm", fridge(2), doorOpen)
	s.handle(t, held, over, released(over, time.Minute, ""), raised("warm", fridge(2), noon))
	open, err := s.db.OpenAlarms(t.Context())
	if err != nil || len(open) != 2 {
		t.Fatalf("%+v, %v", open, err)
	}
	for _, o := range open {
		if o.Held != (o.AlarmID == held.AlarmID) {
			t.Errorf("%+v", o)
		}
	}
}

func TestWhatWasHeldBackIsForgottenWithTheReadings(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	var story []rules.Transition
	for n := range 3 {
		one := suppressed("warm", fridge(n+1), doorOpen)
		story = append(story, one)
		if n > 0 {
			story = append(story, released(one, time.Duration(n)*time.Hour, ""))
		}
	}
	s.handle(t, story...)
	if n, err := s.db.PruneHeldAlarms(t.Context(), noon.Add(90*time.Minute)); n != 1 || err != nil {
		t.Errorf("%d forgotten, %v", n, err)
	}
	var left []string
	for _, h := range s.heldBack(t) {
		left = append(left, h.Key.Subject.ID)
	}
	if len(left) != 2 {
		t.Errorf("left are %v, want the one that stands and the one that ended later", left)
	}
}
