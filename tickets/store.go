package tickets

import (
	"context"
	"time"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets/crm"
	"telltale/tickets/outbox"
)

// Store is one transaction on the alarms and tickets. What Load returns is
// locked until the transaction ends. When another transaction has meanwhile
// taken a place that must be unique (an open alarm, an unsolved ticket), Save
// or the commit returns an error that makes whoever runs the transaction run it
// again, from Load on.
type Store interface {
	// Load returns what the lookup asks for. The caller owns the records.
	Load(ctx context.Context, what Lookup) (*Records, error)

	// Save writes the changes with their events, at the latest when the
	// transaction commits.
	Save(ctx context.Context, changes *Changes) error
}

// Transact runs f in one transaction that commits when f returns nil, and
// runs it again when it lost a race.
type Transact func(ctx context.Context, f func(Store) error) error

// Lookup says what a decision needs to see.
type Lookup struct {
	AlarmIDs []string   // these alarms, also by the id of a later raise they took in
	Keys     []AlarmKey // the open alarms and the unsolved tickets of these
	Tickets  []int64    // these tickets
	Held     []string   // of alarms that were held back, these
	Raises   []Raise    // who owned the device, and the last solved ticket about the same
	Numbers  int        // so many numbers that no ticket has

	// ActedOn asks on which of the tickets a person has acted.
	ActedOn bool

	// SolvedSince is how far back the last solved tickets are looked for.
	SolvedSince time.Time

	// SolvedBefore asks for up to Limit solved tickets that may be closed:
	// solved before this time and without an open alarm. Zero asks for none.
	SolvedBefore time.Time

	// ShelvedBefore asks for up to Limit active alarms whose shelf stands and
	// ends before this time, those that want reminding or have ended first.
	// Zero asks for none.
	ShelvedBefore time.Time

	Limit int
}

// Raise is a raise that may open a ticket.
type Raise struct {
	rules.Key
	OwnedAt
}

// OwnedAt asks who owned a device at a time.
type OwnedAt struct {
	Device devices.ID
	At     time.Time
}

// Records is what a [Lookup] found. Each ticket comes with the ids of all its
// alarms and without its timeline; each ticket's open alarms are among Alarms;
// for each ticket, the unsolved one of the same key and customer is there.
type Records struct {
	Alarms    []*Alarm
	Merges    []Merge // those of the ids asked for
	Tickets   []*Ticket
	Held      []*HeldAlarm
	Earlier   []Earlier // of Raises
	Owners    map[OwnedAt]string
	Customers map[string]*crm.Customer // of Tickets and Owners, by id
	ActedOn   map[int64]bool           // by ticket number, where asked for
	Numbers   []int64                  // for new tickets, ascending; what is not used is left out for ever
}

// Earlier is the last solved ticket about a key, for a customer.
type Earlier struct {
	ID         string
	DedupKey   string
	CustomerID string
	SolvedAt   time.Time
}

// Merge says that an open alarm took in a later raise.
type Merge struct {
	RaiseID string // the id the engine gave the raise
	AlarmID string // the alarm that took it in
	Before  int64  // the alarm's occurrences before that raise
}

// Changes is what one decision writes. Changed rows are written before new
// ones, so that what ends makes room for what begins.
type Changes struct {
	ChangedAlarms  []*Alarm
	ChangedTickets []*Ticket
	NewAlarms      []*Alarm
	NewTickets     []*Ticket
	Merges         []Merge
	Held           []*HeldAlarm // new and changed
	Entries        []TicketEntry
	Events         []outbox.Event
}

// TicketEntry is a new line in the timeline of a ticket.
type TicketEntry struct {
	Ticket int64
	Entry
}

// Empty reports whether there is nothing to write.
func (c *Changes) Empty() bool {
	return len(c.ChangedAlarms)+len(c.ChangedTickets)+len(c.NewAlarms)+len(c.NewTickets)+
		len(c.Merges)+len(c.Held)+len(c.Entries)+len(c.Events) == 0
}
