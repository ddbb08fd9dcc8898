package tickets_test

import (
	"testing"
	"time"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets"
)

// again is a raise that goes on with an earlier alarm.
func again(earlier rules.Transition, after time.Duration) rules.Transition {
	t := raised(earlier.Key.Rule, devices.ID(earlier.Key.Subject.ID), earlier.RaisedAt.Add(after))
	t.Reopens = earlier.AlarmID
	return t
}

func TestARaiseWithinTheTimeGoesOnWithAlarmAndTicket(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	first.Severity = rules.Critical
	s.handle(t, first)
	if _, err := s.desk.AcknowledgeAlarm(t.Context(), first.AlarmID, "ana", "Seen."); err != nil {
		t.Fatal(err)
	}
	second, third := again(first, time.Hour), rules.Transition{}
	third = again(second, time.Hour)
	third.Occurrences = 5
	all := []rules.Transition{
		first, then(first, rules.Cleared, time.Minute), second, then(second, rules.Cleared, time.Minute),
		third, times(then(third, rules.Repeated, time.Minute), 7), then(third, rules.Cleared, 10*time.Minute),
	}
	s.handle(t, all[:3]...)
	a, ticket := s.alarm(t), s.ticket(t)
	if a.ID != first.AlarmID || a.RaiseID != second.AlarmID || !a.Active() || a.Occurrences != 2 || !a.RaisedAt.Equal(noon) {
		t.Errorf("alarm %+v", a)
	}
	if !a.AcknowledgedAt.IsZero() || a.Severity != rules.Major {
		t.Errorf("the new raise is acknowledged, or as grave as the old one: %+v", a)
	}
	if ticket.Status != tickets.Open || !says(ticket, tickets.EntryJoined, "It had ended at 2026-03-01 12:01:00 UTC, 59 min before, so the same alarm goes on.") {
		t.Errorf("ticket %+v", ticket)
	}
	s.handle(t, all[3:]...)
	if a, ticket := s.alarm(t), s.ticket(t); a.Occurrences != 9 || a.Active() || ticket.Status != tickets.Solved || ticket.Occurrences != 9 {
		t.Errorf("alarm %+v, ticket %+v", a, ticket)
	}

	s.repeat(t, all...)
}

func TestARaiseThatCannotGoOnIsNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, s *shop, first rules.Transition) rules.Transition
	}{
		{"its ticket was closed for good", func(t *testing.T, s *shop, first rules.Transition) rules.Transition {
			if _, err := s.desk.Close(t.Context(), s.ticket(t).ID, "ana"); err != nil {
				t.Fatal(err)
			}
			return again(first, time.Hour)
		}},
		{"the device has another owner", func(t *testing.T, s *shop, first rules.Transition) rules.Transition {
			return again(first, 2*time.Hour)
		}},
		{"the alarm is not known", func(t *testing.T, s *shop, first rules.Transition) rules.Transition {
			second := again(first, time.Hour)
			second.Reopens = "never"
			return second
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, 3)
			first := raised("warm", fridge(2), noon.Add(-90*time.Minute)) // sold at noon
			s.handle(t, first, then(first, rules.Cleared, time.Minute))
			s.handle(t, c.prepare(t, s, first))
			if a, b := len(s.alarms(t)), len(s.tickets(t)); a != 2 || b != 2 {
				t.Errorf("%d alarms, %d tickets; want 2 and 2", a, b)
			}
		})
	}
}
