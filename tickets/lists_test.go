package tickets_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/crm"
)

func TestListsAreFilteredAndGoOnWhereTheyEnded(t *testing.T) {
	t.Parallel()
	s := openShop(t, 6)
	for i := range 6 {
		s.handle(t, raised("warm", fridge(i+1), noon.Add(time.Duration(i)*time.Minute)))
	}
	s.handle(t, then(raised("warm", fridge(1), noon), rules.Cleared, time.Minute))

	devicesOf := func(query tickets.Query) (found []string) {
		for {
			list, err := s.db.ListTickets(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			for _, ticket := range list {
				found = append(found, ticket.DeviceID)
			}
			if len(list) < 2 || query.Limit == 0 {
				return found
			}
			query.After = list[len(list)-1].ID
		}
	}
	tests := []struct {
		name  string
		query tickets.Query
		want  []string
	}{
		{"all, newest first", tickets.Query{}, []string{"fridge-6", "fridge-5", "fridge-4", "fridge-3", "fridge-2", "fridge-1"}},
		{"page by page", tickets.Query{Limit: 2}, []string{"fridge-6", "fridge-5", "fridge-4", "fridge-3", "fridge-2", "fridge-1"}},
		{"of a customer", tickets.Query{Customer: "C-3"}, []string{"fridge-2"}},
		{"of a device", tickets.Query{Device: "fridge-3"}, []string{"fridge-3"}},
		{"in a status", tickets.Query{Statuses: []tickets.Status{tickets.Solved, tickets.Closed}}, []string{"fridge-1"}},
		{"of another rule", tickets.Query{Rule: "latched"}, nil},
		{"by several at once", tickets.Query{Customer: "C-1", Statuses: []tickets.Status{tickets.New}, Limit: 2},
			[]string{"fridge-6", "fridge-5", "fridge-4"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, devicesOf(tt.query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if _, err := s.db.ListTickets(t.Context(), tickets.Query{After: "junk"}); !errors.Is(err, tickets.ErrInvalid) {
		t.Errorf("a cursor that is none: %v", err)
	}

	counts, err := s.db.CountTickets(t.Context())
	if diff := cmp.Diff(map[tickets.Status]int64{tickets.New: 5, tickets.Solved: 1}, counts); err != nil || diff != "" {
		t.Errorf("%v, counts (-want +got):\n%s", err, diff)
	}
}

func TestAlarmListsAreFilteredAndGoOnWhereTheyEnded(t *testing.T) {
	t.Parallel()
	s := openShop(t, 5)
	for i := range 5 {
		s.handle(t, raised("warm", fridge(i+1), noon)) // at one time: the id decides
	}
	s.handle(t, then(raised("warm", fridge(1), noon), rules.Cleared, time.Minute))

	var seen []string
	query := tickets.AlarmQuery{Limit: 2}
	for {
		list, err := s.db.ListAlarms(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			seen = append(seen, a.Key.Subject.ID)
		}
		if len(list) < 2 {
			break
		}
		query.After = list[1].ID
	}
	if diff := cmp.Diff([]string{"fridge-5", "fridge-4", "fridge-3", "fridge-2", "fridge-1"}, seen); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}

	for active, want := range map[bool]int{true: 4, false: 1} {
		list, err := s.db.ListAlarms(t.Context(), tickets.AlarmQuery{Active: &active})
		if err != nil || len(list) != want {
			t.Errorf("%d alarms with active %v, %v; want %d", len(list), active, err, want)
		}
	}
	if _, err := s.db.ListAlarms(t.Context(), tickets.AlarmQuery{After: "junk"}); !errors.Is(err, tickets.ErrInvalid) {
		t.Errorf("a cursor that is none: %v", err)
	}
	if _, err := s.db.Alarm(t.Context(), "junk"); !errors.Is(err, tickets.ErrNotFound) {
		t.Errorf("an alarm that is none: %v", err)
	}
	alarms, err := s.db.AlarmsOfTicket(t.Context(), 1)
	if err != nil || len(alarms) != 1 || alarms[0].TicketID != "T-000001" {
		t.Errorf("alarms of the first ticket: %+v, %v", alarms, err)
	}
}

func TestCustomersAreListedWithTheirContacts(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	list, err := s.db.ListCustomers(t.Context(), crm.Query{Tier: "standard", After: "C-2", Limit: 5})
	if err != nil || len(list) != 1 || list[0].ID != "C-3" {
		t.Fatalf("%+v, %v", list, err)
	}
	if contact, ok := list[0].ContactFor("owner"); !ok || contact.ID != "P-1" {
		t.Errorf("contact %+v, %v", contact, ok)
	}
	if _, err := s.db.Customer(t.Context(), "C-9"); !errors.Is(err, crm.ErrNotFound) {
		t.Errorf("a customer that is none: %v", err)
	}
}
