package recalls

import (
	"cmp"
	"slices"

	"telltale/devices/shipments"
)

// lotsOf returns the lots of a shipment in order.
func lotsOf(s *shipments.Shipment) []Lot {
	lots := make([]Lot, 0, len(s.Lots))
	for _, l := range s.Lots {
		lots = append(lots, Lot{GTIN: l.GTIN, Lot: l.Lot})
	}
	return sortLots(lots)
}

func sortLots(lots []Lot) []Lot {
	slices.SortFunc(lots, compareLots)
	return slices.Compact(lots)
}

// itemsOf returns what each consignee of the shipment received of the lots.
// A consignee names a lot by its number, which stands for one lot of the
// shipment.
func itemsOf(s *shipments.Shipment, lots []Lot) []Item {
	var items []Item
	for _, c := range s.Consignees {
		i := slices.IndexFunc(lots, func(l Lot) bool { return l.Lot == c.Lot })
		if i < 0 {
			continue
		}
		items = append(items, Item{
			CustomerID: c.Customer, ShipmentID: s.ID,
			GTIN: lots[i].GTIN, Lot: c.Lot, Quantity: c.Quantity, Notice: NoticePending,
		})
	}
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.GTIN, b.GTIN), cmp.Compare(a.Lot, b.Lot))
	})
	return items
}

// Where the notice to a consignee stands.
const (
	NoticePending   = "pending"
	NoticeSent      = "sent"
	NoticeDelivered = "delivered"
	NoticeFailed    = "failed"
)
