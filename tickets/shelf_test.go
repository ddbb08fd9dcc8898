package tickets_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"telltale/rules"
	"telltale/tickets"
)

// count returns how many events of a type were told.
func (s *shop) count(t testing.TB, kind string) int {
	t.Helper()
	n := 0
	for _, told := range s.told(t) {
		if told == kind {
			n++
		}
	}
	return n
}

func (s *shop) shelve(t testing.TB, id string, d time.Duration) {
	t.Helper()
	if _, err := s.desk.ShelveAlarm(t.Context(), id, "ana", s.clock.Add(d), "Being cleaned."); err != nil {
		t.Fatal(err)
	}
}

// tend lets the clock run to a time after noon and looks at the shelves.
func (s *shop) tend(t testing.TB, after time.Duration) int {
	t.Helper()
	s.clock = noon.Add(after)
	n, err := s.desk.TendShelves(t.Context(), s.clock)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAShelfIsAnnouncedBeforeItEndsAndWhenItDoes(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(2), noon)
	s.handle(t, first)
	s.shelve(t, first.AlarmID, 8*time.Hour)
	up := then(first, rules.Escalated, 30*time.Minute)
	up.Severity = rules.Critical
	s.handle(t, up)
	if n := s.tend(t, 6*time.Hour); n != 0 {
		t.Errorf("%d alarms changed long before the end", n)
	}
	for range 2 {
		s.tend(t, 7*time.Hour)
	}
	if n := s.count(t, tickets.EventAlarmShelfEnding); n != 1 {
		t.Errorf("reminded %d times", n)
	}
	if ticket := s.ticket(t); ticket.Priority != tickets.High || !says(ticket, tickets.EntryShelved, "The shelf of ana ends at 2026-03-01 20:00:00 UTC, and the condition still holds.") {
		t.Errorf("%+v", ticket)
	}
	for range 2 {
		s.tend(t, 8*time.Hour)
	}
	a, ticket := s.alarm(t), s.ticket(t)
	if n := s.count(t, tickets.EventAlarmUnshelved); n != 1 || a.Shelved(s.clock) || !a.UnshelvedAt.Equal(s.clock) || a.ShelvedBy != "ana" {
		t.Errorf("told %d times; %+v", n, a)
	}
	if ticket.Priority != tickets.Urgent || !says(ticket, tickets.EntryUnshelved, "The time on the shelf is over. The condition still holds, severity critical.") {
		t.Errorf("what happened on the shelf does not count: %+v", ticket)
	}
}

func TestAShortShelfIsAnnouncedInItsLastQuarter(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("quiet", fridge(1), noon) // an alarm without a ticket
	s.handle(t, first)
	s.shelve(t, first.AlarmID, 40*time.Minute)
	if n := s.tend(t, 29*time.Minute); n != 0 {
		t.Error("too early")
	}
	if n := s.tend(t, 30*time.Minute); n != 1 {
		t.Error("too late")
	}
	if n := s.tend(t, 40*time.Minute); n != 1 || s.count(t, tickets.EventAlarmUnshelved) != 1 {
		t.Errorf("told %v", s.told(t))
	}
}

func TestAPersonTakesAnAlarmOffTheShelf(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	if _, err := s.desk.UnshelveAlarm(t.Context(), first.AlarmID, "bob"); !errors.Is(err, tickets.ErrConflict) {
		t.Errorf("what is not shelved: %v", err)
	}
	s.shelve(t, first.AlarmID, time.Hour)
	a, err := s.desk.UnshelveAlarm(t.Context(), first.AlarmID, "bob")
	if err != nil || a.Shelved(s.clock) {
		t.Fatalf("%+v, %v", a, err)
	}
	if !says(s.ticket(t), tickets.EntryUnshelved, "Taken off the shelf before its time.") || s.count(t, tickets.EventAlarmUnshelved) != 1 {
		t.Errorf("%+v", s.ticket(t).Timeline)
	}
	s.tend(t, 2*time.Hour)
	if s.count(t, tickets.EventAlarmUnshelved) != 1 {
		t.Error("told again when its time was over")
	}
	s.shelve(t, first.AlarmID, time.Hour) // and once more
	if n := s.tend(t, 4*time.Hour); n != 1 {
		t.Error("the second shelf did not end")
	}
}

func TestShelvedAlarmsAreListed(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first, second := raised("warm", fridge(1), noon), raised("warm", fridge(2), noon)
	s.handle(t, first, second)
	s.shelve(t, first.AlarmID, time.Hour)
	for shelved, want := range map[bool]string{true: first.AlarmID, false: second.AlarmID} {
		list, err := s.db.ListAlarms(t.Context(), tickets.AlarmQuery{Shelved: &shelved, Now: s.clock})
		if err != nil || len(list) != 1 || list[0].ID != want {
			t.Errorf("shelved %v: %+v, %v", shelved, list, err)
		}
	}
	yes := true
	list, err := s.db.ListAlarms(t.Context(), tickets.AlarmQuery{Shelved: &yes, Now: s.clock.Add(time.Hour)})
	if err != nil || len(list) != 0 {
		t.Errorf("when its time is over: %+v, %v", list, err)
	}
}

func TestAShelfEndsWithTheCondition(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	s.shelve(t, first.AlarmID, 5*time.Hour)
	s.handle(t, then(first, rules.Cleared, time.Minute))
	if !slices.Contains(s.told(t), tickets.EventAlarmCleared) || s.alarm(t).UnshelvedAt.IsZero() {
		t.Errorf("%+v", s.alarm(t))
	}
	second := again(first, time.Hour)
	s.handle(t, second)
	if a := s.alarm(t); !a.Active() || a.Shelved(s.clock) || s.count(t, tickets.EventAlarmRaised) != 2 {
		t.Errorf("the next one is still shelved: %+v", a)
	}
}

func TestAnotherRaiseOnTheShelfIsQuiet(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	s.shelve(t, first.AlarmID, 5*time.Hour)
	s.handle(t, raised("warm", fridge(1), noon.Add(time.Hour))) // its end was never heard of
	if s.count(t, tickets.EventAlarmRaised) != 1 || s.alarm(t).Occurrences != 2 {
		t.Errorf("told %v", s.told(t))
	}
	if !says(s.ticket(t), tickets.EntryJoined, "Nobody is told, because the alarm is shelved.") {
		t.Errorf("%+v", s.ticket(t).Timeline)
	}
}
