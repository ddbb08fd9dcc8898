package views

import (
	"time"

	"telltale/tickets"
)

// TicketQuery selects tickets for the inbox. Empty fields select all.
type TicketQuery struct {
	Statuses []tickets.Status
	Priority tickets.Priority
	Customer string // id
	Device   string
	Assignee string // login
	Text     string // part of the subject, number, device or customer's name, any case

	After string // cursor of the page before
	Limit int    // zero: DefaultLimit
}

// TicketRow is one line of the inbox. The gravest come first, then the newest.
type TicketRow struct {
	ID           string
	Status       tickets.Status
	Priority     tickets.Priority
	Subject      string
	CustomerID   string
	CustomerName string
	DeviceID     string
	Assignee     string
	Occurrences  int64
	OpenedAt     time.Time
	UpdatedAt    time.Time
}

// Tally counts what the console's frame and overview show.
type Tally struct {
	Tickets         map[tickets.Status]int64
	Unsolved        map[tickets.Priority]int64
	RecallsToSign   int64
	RecallsRunning  int64 // approved or executing
	ShipmentsAtRisk int64 // verdict review or reject, or a hold in force
	ShipmentsMoving int64
	ActiveAlarms    int64
	Refused         int64 // quarantined and not replayed
}

// UnsolvedTotal is how many tickets still need work.
func (t Tally) UnsolvedTotal() int64 {
	var n int64
	for _, c := range t.Unsolved {
		n += c
	}
	return n
}
