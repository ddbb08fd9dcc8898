package tickets

import "time"

// Ticket is work for people: one fault of one device, for the customer who
// owned it then.
type Ticket struct {
	ID     string // "T-000042"
	Number int64
	Status Status

	Priority   Priority
	Subject    string
	CustomerID string // "" when nobody owned the device at the fault
	ContactID  string
	DeviceID   string
	RuleID     string
	AlarmIDs   []string
	Team       string
	Assignee   string
	ArticleID  string

	Occurrences int64
	ObservedAt  time.Time // event time of the fault
	OpenedAt    time.Time
	SolvedAt    time.Time // zero: not solved
	ClosedAt    time.Time // zero: not closed
	UpdatedAt   time.Time

	ExternalRefs map[string]string // system -> id there
	Timeline     []Entry           // ascending; filled only when one ticket is read
}

// Status is where the work stands (ITIL).
type Status string

// Statuses of a ticket.
const (
	New     Status = "new"
	Open    Status = "open"
	Pending Status = "pending" // waiting for the customer
	OnHold  Status = "on_hold" // waiting for somebody else
	Solved  Status = "solved"
	Closed  Status = "closed"
)

// Statuses lists all of them in the order of their life.
func Statuses() []Status { return []Status{New, Open, Pending, OnHold, Solved, Closed} }

// Priority is how soon the work is due.
type Priority string

// Priorities in rising order.
const (
	Low    Priority = "low"
	Normal Priority = "normal"
	High   Priority = "high"
	Urgent Priority = "urgent"
)

// Entry is one line of a ticket's timeline. Entries are only ever added.
type Entry struct {
	ID     int64
	At     time.Time
	Actor  string // "telltale", or the person's login
	Kind   string // opened, occurrence, comment, status, assigned, cleared, ...
	Text   string // a sentence for people
	Public bool   // the customer may read it
	Trace  string // position in the log that caused it; "" for people's acts
}
