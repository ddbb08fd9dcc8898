package tickets_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	url   string
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
	s := &shop{url: pgtest.URL(t), clock: noon}
	db, err := postgres.Open(t.Context(), s.url, postgres.Options{MaxConns: 20, Destinations: []string{"hook"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s.db = db
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
	s.desk, err = tickets.NewDesk(s, s.transact, tickets.Options{Now: func() time.Time { return s.clock }})
	if err != nil {
		t.Fatal(err)
	}
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

// repeat gives transitions that were handled before to the desk again, together
// and one by one, a minute later: nothing may change.
func (s *shop) repeat(t testing.TB, handled ...rules.Transition) {
	t.Helper()
	before := s.everything(t)
	s.clock = s.clock.Add(time.Minute)
	s.handle(t, handled...)
	for i := range handled {
		s.handle(t, handled[i])
	}
	if diff := cmp.Diff(before, s.everything(t)); diff != "" {
		t.Errorf("a repetition changed (-before +after):\n%s", diff)
	}
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

// ticket returns the only ticket there is, with its timeline.
func (s *shop) ticket(t testing.TB) *tickets.Ticket {
	t.Helper()
	list := s.tickets(t)
	if len(list) != 1 {
		t.Fatalf("%d tickets, want 1", len(list))
	}
	return s.read(t, list[0].ID)
}

func (s *shop) read(t testing.TB, id string) *tickets.Ticket {
	t.Helper()
	ticket, err := s.db.Ticket(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// alarm returns the only alarm there is.
func (s *shop) alarm(t testing.TB) *tickets.Alarm {
	t.Helper()
	list := s.alarms(t)
	if len(list) != 1 {
		t.Fatalf("%d alarms, want 1", len(list))
	}
	return list[0]
}

// told returns the types of all events, in order.
func (s *shop) told(t testing.TB) []string {
	t.Helper()
	events, _, err := s.db.EventsAfter(t.Context(), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	types := make([]string, len(events))
	for i, e := range events {
		types[i] = e.Type
	}
	return types
}

// everything returns all alarms, tickets with timelines and events as text,
// to be compared.
func (s *shop) everything(t testing.TB) string {
	t.Helper()
	var all []any
	for _, a := range s.alarms(t) {
		all = append(all, a.View())
	}
	for _, ticket := range s.tickets(t) {
		all = append(all, s.read(t, ticket.ID).View())
	}
	for _, h := range s.heldBack(t) {
		all = append(all, h.View())
	}
	all = append(all, s.told(t))
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// kinds returns the kinds of a ticket's timeline entries, in order.
func kinds(t *tickets.Ticket) []string {
	var list []string
	for _, e := range t.Timeline {
		list = append(list, e.Kind)
	}
	return list
}

// says reports whether the timeline has an entry of the kind with the text.
func says(t *tickets.Ticket, kind, text string) bool {
	for _, e := range t.Timeline {
		if e.Kind == kind && strings.Contains(e.Text, text) {
			return true
		}
	}
	return false
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
