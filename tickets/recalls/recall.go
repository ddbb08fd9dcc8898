package recalls

import "time"

// Recall is the taking back of lots that were exposed.
type Recall struct {
	ID          string // "R-0007"; see [RecallID]
	Number      int64
	Status      Status
	Class       string // proposed class "I", "II", "III"; the authority assigns it (21 CFR 7.3(m))
	Reason      string
	ShipmentIDs []string
	Lots        []Lot
	Items       []Item
	Signatures  []Signature
	ProposedAt  time.Time
	UpdatedAt   time.Time
	ClosedAt    time.Time // zero: not closed
	Explanation []string  // the arithmetic that led to the proposal
}

// Status is where a recall stands.
type Status string

// Statuses of a recall.
const (
	Proposed  Status = "proposed"
	Approved  Status = "approved"
	Rejected  Status = "rejected"
	Executing Status = "executing"
	Closed    Status = "closed"
)

// Lot names a batch under recall.
type Lot struct{ GTIN, Lot string }

// Item is what one consignee has to give back, and what became of it. The
// ledger closes when Quantity = Returned + Destroyed + Used.
type Item struct {
	ID         int64
	CustomerID string
	ShipmentID string
	GTIN       string
	Lot        string
	Quantity   int64
	Notice     string    // pending, sent, delivered, failed
	AnsweredAt time.Time // zero: not yet
	Returned   int64
	Destroyed  int64
	Used       int64
}

// Signature is a person's approval or rejection (21 CFR 11.50: name, time,
// meaning).
type Signature struct {
	Person  string
	Meaning string // approved, rejected, closed
	Comment string
	At      time.Time
}

// Hold stops a lot of a shipment from being used.
type Hold struct {
	ID         string // "H-0012"; see [HoldID]
	ShipmentID string
	GTIN       string
	Lot        string
	Reason     string
	PlacedAt   time.Time
	ReleasedAt time.Time // zero: in force
	ReleasedBy string

	ReleaseReason string
}
