package tickets_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/crm"
)

// noon is when the stories of these tests begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shop is a database with customers and devices, and a desk at work on it.
type shop struct {
	db    *postgres.DB
	desk  *tickets.Desk
	rules map[string]*rules.Rule
	dir   *devices.Directory
	clock time.Time
}

func (s *shop) Rule(id string, _ int) (*rules.Rule, bool) {
	rule, ok := s.rules[id]
	return rule, ok
}

func (s *shop) Directory() *devices.Directory { return s.dir }

// openShop declares three customers and the devices fridge-1 to fridge-n:
// owned by C-1 (gold), but fridge-2 by C-2 until noon and by C-3 from then on,
// and fridge-3 by nobody.
func openShop(t testing.TB, fridges int) *shop {
	t.Helper()
	s := &shop{db: pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}}), clock: noon}
	s.rules = map[string]*rules.Rule{
		"warm": {ID: "warm", Version: 3, Title: "Compartment too warm", Severity: rules.Major, Mode: rules.Live,
			Ticket: rules.TicketTemplate{Subject: "{{device.id}}: compartment at {{values.temperature}} °C", Team: "appliances"}},
		"latched": {ID: "latched", Version: 1, Title: "Was frozen", Severity: rules.Minor, Mode: rules.Live, Latch: true},
		"quiet":   {ID: "quiet", Version: 1, Title: "Quiet", Mode: rules.Live, Ticket: rules.TicketTemplate{None: true}},
		"shadow":  {ID: "shadow", Version: 1, Title: "Shadow", Mode: rules.Shadow},
	}
	model := &devices.Model{ID: "FR-200", Faults: map[string]devices.FaultCode{
		"E21": {Code: "E21", Title: "Evaporator fan blocked", Severity: "major", Article: "KB-21"}}}
	set := &declare.Set{Models: []*devices.Model{model}, Articles: []*tickets.Article{{ID: "KB-21", Title: "Fan blocked"}}}
	for i, tier := range []string{"gold", "standard", "standard"} {
		set.Customers = append(set.Customers, &crm.Customer{
			ID: fmt.Sprintf("C-%d", i+1), Name: fmt.Sprintf("Customer %d", i+1), Tier: tier, Language: "en", Timezone: "UTC",
			Contacts: []crm.Contact{{ID: "P-0", Name: "Quality"}, {ID: "P-1", Name: "Owner", Roles: []string{"owner"}}},
		})
	}
	for i := range fridges {
		device := &devices.Device{ID: fridge(i + 1), Model: model.ID, Serial: "SN", Site: "Oslo",
			Owners: []devices.Ownership{{Customer: "C-1", From: noon.AddDate(-1, 0, 0)}}}
		switch i + 1 {
		case 2:
			device.Owners = []devices.Ownership{
				{Customer: "C-2", From: noon.AddDate(-1, 0, 0), Until: noon}, {Customer: "C-3", From: noon}}
		case 3:
			device.Owners = nil
		}
		set.Devices = append(set.Devices, device)
	}
	if _, err := s.db.Apply(t.Context(), set, "test"); err != nil {
		t.Fatal(err)
	}
	s.dir = devices.NewDirectory(1, set.Models, set.Devices)
	desk, err := tickets.NewDesk(s, s.transact, tickets.Options{Now: func() time.Time { return s.clock }})
	if err != nil {
		t.Fatal(err)
	}
	s.desk = desk
	return s
}

func (s *shop) transact(ctx context.Context, f func(tickets.Store) error) error {
	return s.db.InTx(ctx, func(tx *postgres.DB) error { return f(tx) })
}

// handle gives the transitions to the desk in one transaction.
func (s *shop) handle(t testing.TB, transitions ...rules.Transition) {
	t.Helper()
	if err := s.try(t.Context(), transitions...); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) try(ctx context.Context, transitions ...rules.Transition) error {
	return s.transact(ctx, func(store tickets.Store) error {
		return s.desk.Handle(ctx, store, transitions, s.clock)
	})
}

func (s *shop) tickets(t testing.TB) []*tickets.Ticket {
	t.Helper()
	list, err := s.db.ListTickets(t.Context(), tickets.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (s *shop) alarms(t testing.TB) []*tickets.Alarm {
	t.Helper()
	list, err := s.db.ListAlarms(t.Context(), tickets.AlarmQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func fridge(n int) devices.ID { return devices.ID(fmt.Sprintf("fridge-%d", n)) }

// raised is an alarm of a rule on a device, raised at a time.
func raised(rule string, device devices.ID, at time.Time) rules.Transition {
	return rules.Transition{
		AlarmID: fmt.Sprintf("A-%s-%s-%d", rule, device, at.Unix()),
		Key:     rules.Key{Rule: rule, Subject: rules.Subject{Type: "device", ID: string(device)}},
		Change:  rules.Raised, At: at, RaisedAt: at, PendingSince: at.Add(-10 * time.Minute),
		Severity: rules.Major, Occurrences: 1, RuleVersion: 3, Mode: rules.Live,
		Values:      map[string]devices.Value{"temperature": devices.Number(9.399999618530273), "mode": devices.Label("defrost")},
		Faults:      []string{"E21"},
		Explanation: []string{"temperature was 9.4, above 8.", "It had been for 10 minutes."},
		Trace:       "p3/10293/17",
	}
}

// then is a later change of the alarm that t raised.
func then(t rules.Transition, change rules.Change, after time.Duration) rules.Transition {
	t.Change = change
	t.At = t.RaisedAt.Add(after)
	t.Explanation = []string{"Later."}
	return t
}

func times(t rules.Transition, occurrences int64) rules.Transition {
	t.Occurrences = occurrences
	return t
}

func TestAnAlarmOpensATicketForWhoOwnedTheDevice(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	s.handle(t, raised("warm", fridge(1), noon))

	list := s.tickets(t)
	if len(list) != 1 {
		t.Fatalf("%d tickets, want 1", len(list))
	}
	ticket, err := s.db.Ticket(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if ticket.Subject != "fridge-1: compartment at 9.4 °C" || ticket.CustomerID != "C-1" || ticket.ContactID != "P-1" ||
		ticket.Priority != tickets.Urgent || ticket.Team != "appliances" || ticket.ArticleID != "KB-21" ||
		ticket.Status != tickets.New || !ticket.ObservedAt.Equal(noon) {
		t.Errorf("ticket %+v", ticket)
	}
	for _, e := range ticket.Timeline {
		t.Logf("%s: %s", e.Kind, e.Text)
	}
}
