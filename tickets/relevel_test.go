package tickets_test

import (
	"slices"
	"testing"
	"time"

	"telltale/rules"
	"telltale/tickets"
)

// at is a change of severity of the alarm that t raised.
func at(t rules.Transition, severity rules.Severity, after time.Duration) rules.Transition {
	change := rules.Escalated
	if severity < rules.Critical {
		change = rules.Deescalated
	}
	t = then(t, change, after)
	t.Severity = severity
	return t
}

func TestSeverityAndPriorityFallWithTheLadder(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(2), noon)
	all := []rules.Transition{
		first, at(first, rules.Critical, 10*time.Minute), at(first, rules.Major, 20*time.Minute),
		at(first, rules.Critical, 30*time.Minute), at(first, rules.Major, 40*time.Minute),
	}
	s.handle(t, all[:2]...)
	if got := s.ticket(t).Priority; got != tickets.Urgent {
		t.Errorf("priority %s of a critical alarm", got)
	}
	s.handle(t, all[2:]...)
	ticket := s.ticket(t)
	if ticket.Priority != tickets.High || s.alarm(t).Severity != rules.Major {
		t.Errorf("priority %s, severity %s", ticket.Priority, s.alarm(t).Severity)
	}
	if !says(ticket, tickets.EntryEscalated, "Severity fell from critical to major at 2026-03-01 12:20:00 UTC.") ||
		!says(ticket, tickets.EntryPriority, "Priority lowered from urgent to high: severity major.") {
		t.Errorf("timeline %+v", ticket.Timeline)
	}
	if told := s.told(t); !slices.Contains(told, tickets.EventAlarmDeescalated) {
		t.Errorf("told %v", told)
	}

	s.repeat(t, all...)
}

func TestAPriorityThatAPersonHasSetStays(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(2), noon)
	s.handle(t, first, at(first, rules.Critical, 10*time.Minute))
	urgent := tickets.Urgent
	low := tickets.Low
	for _, p := range []*tickets.Priority{&low, &urgent} {
		if _, err := s.desk.Update(t.Context(), s.ticket(t).ID, "ana", tickets.Patch{Priority: p}); err != nil {
			t.Fatal(err)
		}
	}
	s.handle(t, at(first, rules.Major, 20*time.Minute))
	if ticket := s.ticket(t); ticket.Priority != tickets.Urgent || !says(ticket, tickets.EntryPriority, "Priority stays urgent, because ana set it.") {
		t.Errorf("%+v", ticket)
	}
}

func TestAnAlarmLatchesFromASeverityOn(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	s.rules["warm"].Latch, s.rules["warm"].LatchFrom = true, rules.Critical
	first := raised("warm", fridge(1), noon)
	s.handle(t, first, then(first, rules.Cleared, time.Minute))
	if a := s.alarm(t); a.Latched || a.Open() {
		t.Errorf("a major alarm latched: %+v", a)
	}

	second := raised("warm", fridge(3), noon)
	s.handle(t, second, at(second, rules.Critical, 10*time.Minute), at(second, rules.Major, 20*time.Minute), then(second, rules.Cleared, time.Hour))
	a, err := s.db.Alarm(t.Context(), second.AlarmID)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Latched || !a.Open() || a.Active() {
		t.Errorf("an alarm that was critical once is %+v", a)
	}
	if _, err := s.desk.AcknowledgeAlarm(t.Context(), a.ID, "ana", "Seen."); err != nil {
		t.Fatal(err)
	}
	for _, ticket := range s.tickets(t) {
		if ticket.Status != tickets.Solved {
			t.Errorf("%s is %s", ticket.ID, ticket.Status)
		}
	}
}

func TestWhatIsSuppressedOpensNothing(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, then(first, rules.Suppressed, 0))
	if len(s.alarms(t))+len(s.tickets(t))+len(s.told(t)) != 0 {
		t.Error(s.everything(t))
	}
}

func TestAChatteringAlarmIsMarked(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	first.Chattering = true
	s.handle(t, first)
	if a := s.alarm(t); !a.Chattering || !a.View().Chattering {
		t.Errorf("%+v", a)
	}
}
