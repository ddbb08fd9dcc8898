package views

import (
	"time"

	"telltale/ingest"
)

// RefusedQuery selects quarantined messages. Empty fields select all.
type RefusedQuery struct {
	Reason ingest.Reason
	After  string // cursor of the page before
	Limit  int    // zero: DefaultLimit
}

// RefusedRow is one quarantined message, the latest first.
type RefusedRow struct {
	ingest.Quarantined

	LastAt     time.Time // when it came last
	Count      int64     // how often it came
	ReplayedAt time.Time // zero: not replayed
}
