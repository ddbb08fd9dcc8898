package recalls

import (
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/rules/excursion"
)

// ShipmentQuery selects shipments for a list, the latest departure first.
// Empty fields select all.
type ShipmentQuery struct {
	Verdict  shipments.Verdict
	Customer string     // a consignee
	Lot      string     // lot number
	Device   devices.ID // a logger
	After    string     // the list goes on behind this shipment id
	Limit    int        // at most so many; zero: all
}

// Summary is a shipment with its last judgement and what was done about it.
type Summary struct {
	shipments.Shipment
	Verdict    shipments.Verdict     // unknown as long as it was never judged
	Assessment *excursion.Assessment // the last one saved; nil: never judged
	AssessedAt time.Time             // zero: never
	Held       int                   // lots on hold
	Recalls    []string              // ids of the recalls that name it, oldest first
}

// Query selects recalls for a list, newest first. Empty fields select all.
type Query struct {
	Statuses []Status // any of them
	Shipment string
	Customer string // a consignee
	Lot      string // lot number
	After    string // the list goes on behind this recall id, with older ones
	Limit    int    // at most so many; zero: all
}

// HoldQuery selects holds for a list, newest first. Empty fields select all.
type HoldQuery struct {
	InForce  bool // only those not released
	Shipment string
	Lot      string // lot number
	After    string // the list goes on behind this hold id, with older ones
	Limit    int    // at most so many; zero: all
}
