package tickets

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Ticket is work for people: one fault of one device, for the customer who
// owned it then.
type Ticket struct {
	ID     string // "T-000042"
	Number int64
	Status Status

	Priority   Priority
	PriorityBy string // who set the priority; "": the alarms did
	Subject    string
	DedupKey   string // what it is about; one unsolved ticket per key and customer
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
	Kind   string // EntryOpened, ...
	Text   string // a sentence for people
	Public bool   // the customer may read it
	Trace  string // position in the log that caused it; "" for people's acts
}

// Kinds of timeline entries.
const (
	EntryOpened      = "opened"      // what opened the ticket, for whom, with which priority and why
	EntryExplanation = "explanation" // what the rule saw and decided
	EntryEarlier     = "earlier"     // the ticket before it for the same thing
	EntryJoined      = "joined"      // another alarm of the same thing joined instead of making a ticket
	EntryOccurrence  = "occurrence"  // the count passed a power of ten
	EntryEscalated   = "escalated"   // the severity of an alarm changed, up or down
	EntryCleared     = "cleared"     // the condition of an alarm ended
	EntryAmended     = "amended"     // late readings corrected an alarm
	EntryWithdrawn   = "withdrawn"   // with late readings, an alarm would not have been raised
	EntrySolved      = "solved"
	EntryReopened    = "reopened"
	EntryClosed      = "closed"
	EntryComment     = "comment"
	EntryStatus      = "status"
	EntryPriority    = "priority"
	EntryAssigned    = "assigned"
	EntryTeam        = "team"
	EntryAcked       = "acknowledged"
	EntryShelved     = "shelved"
	EntryUnshelved   = "unshelved"
)

// Self is the actor of what nobody but this gateway did.
const Self = "telltale"

// FormatID returns the id of the ticket with the number: "T-000042".
func FormatID(number int64) string { return fmt.Sprintf("T-%06d", number) }

// ParseID reads what [FormatID] writes, and false for anything else.
func ParseID(id string) (number int64, ok bool) {
	digits, found := strings.CutPrefix(id, "T-")
	if !found || len(digits) < 6 {
		return 0, false
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || number < 1 || FormatID(number) != id {
		return 0, false
	}
	return number, true
}
