package recalls

import (
	"cmp"
	"maps"
	"slices"
)

// Balance is what became of the units of a recall, or of one of its lots:
// Quantity = Returned + Destroyed + Used + Unaccounted.
type Balance struct {
	Lot                       Lot // zero in a total
	Quantity                  int64
	Returned, Destroyed, Used int64
	Unaccounted               int64
	Consignees, Answered      int // items, and those that were answered
}

// Accounted is the share of the units whose fate is known, from 0 to 1. Of
// nothing, all is known.
func (b Balance) Accounted() float64 {
	if b.Quantity == 0 {
		return 1
	}
	return float64(b.Quantity-b.Unaccounted) / float64(b.Quantity)
}

// Closes reports whether everybody has answered and no unit is missing.
func (b Balance) Closes() bool { return b.Unaccounted == 0 && b.Answered == b.Consignees }

func (b *Balance) add(it *Item) {
	b.Quantity += it.Quantity
	b.Returned += it.Returned
	b.Destroyed += it.Destroyed
	b.Used += it.Used
	b.Unaccounted += it.Unaccounted()
	b.Consignees++
	if !it.AnsweredAt.IsZero() {
		b.Answered++
	}
}

// Unaccounted is how many units nobody has spoken for.
func (it *Item) Unaccounted() int64 { return it.Quantity - it.Returned - it.Destroyed - it.Used }

// Balance is the ledger of the whole recall.
func (r *Recall) Balance() Balance {
	var b Balance
	for i := range r.Items {
		b.add(&r.Items[i])
	}
	return b
}

// Balances is the ledger of each lot, in order of GTIN and lot.
func (r *Recall) Balances() []Balance {
	byLot := make(map[Lot]Balance)
	for i := range r.Items {
		lot := Lot{GTIN: r.Items[i].GTIN, Lot: r.Items[i].Lot}
		b := byLot[lot]
		b.Lot = lot
		b.add(&r.Items[i])
		byLot[lot] = b
	}
	return slices.SortedFunc(maps.Values(byLot), func(a, b Balance) int { return compareLots(a.Lot, b.Lot) })
}

func compareLots(a, b Lot) int {
	return cmp.Or(cmp.Compare(a.GTIN, b.GTIN), cmp.Compare(a.Lot, b.Lot))
}
