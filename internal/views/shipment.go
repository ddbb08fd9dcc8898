package views

import "telltale/devices/shipments"

// ShipmentQuery selects shipments. Empty fields select all.
type ShipmentQuery struct {
	Text    string // part of the id, carrier, lot or consignee's name, any case
	Verdict shipments.Verdict
	AtRisk  bool // verdict review or reject, or a hold in force
	Moving  bool // not arrived

	After string // cursor of the page before
	Limit int    // zero: DefaultLimit
}
