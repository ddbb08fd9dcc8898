package recalls

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"telltale/devices/shipments"
	"telltale/tickets/outbox"
)

// Request is a recall that a person asks for: of shipments, or of the lots
// wherever they went, or of the lots in the shipments.
type Request struct {
	Class       string // I, II, III, or "" as long as nobody can say
	Reason      string
	ShipmentIDs []string
	Lots        []Lot // GTIN "" means any lot with the number
}

// Create proposes a recall by hand. It needs the same signatures as any
// other; whoever creates it has not signed it. A recall of whole shipments is
// refused while one of the same is undecided or running.
func (d *Desk) Create(ctx context.Context, person string, q Request) (*Recall, error) {
	if err := q.check(person); err != nil {
		return nil, err
	}
	var done *Recall
	err := d.transact(ctx, func(store Store) error {
		r, key, err := d.compose(ctx, store, person, q)
		if err != nil {
			return err
		}
		running, err := store.LockRunningRecall(ctx, key)
		if err != nil {
			return err
		}
		if running != nil {
			return refuse(ErrConflict, "Recall %s of the same goods is %s already.", running.ID, running.Status)
		}
		if err := store.AddRecall(ctx, r, key); err != nil {
			return err
		}
		done = r
		return appendEvent(ctx, store, newEvent(EventRecallProposed, r.ID, r.ID, r.ProposedAt, r.View()))
	})
	return done, err
}

func (q *Request) check(person string) error {
	if err := checkPerson(person, q.Reason); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(q.Reason) == "":
		return refuse(ErrInvalid, "A recall needs a reason.")
	case !slices.Contains([]string{"", "I", "II", "III"}, q.Class):
		return refuse(ErrInvalid, "A recall's class is I, II or III, not %q.", q.Class)
	case !storable(q):
		return refuse(ErrInvalid, "The ids of shipments and lots must be valid UTF-8.")
	case len(q.ShipmentIDs)+len(q.Lots) == 0:
		return refuse(ErrInvalid, "A recall names shipments or lots.")
	}
	return nil
}

func storable(q *Request) bool {
	names := slices.Clone(q.ShipmentIDs)
	for _, l := range q.Lots {
		names = append(names, l.GTIN, l.Lot)
	}
	return !slices.ContainsFunc(names, func(s string) bool { return !validText(s) })
}

// compose finds the goods that the request means, with their shipments
// locked, so that no other recall of them begins meanwhile.
func (d *Desk) compose(ctx context.Context, store Store, person string, q Request) (*Recall, string, error) {
	ids := slices.Compact(slices.Sorted(slices.Values(q.ShipmentIDs)))
	if len(ids) == 0 {
		var err error
		if ids, err = store.ShipmentsWithLots(ctx, q.Lots); err != nil {
			return nil, "", err
		}
	}
	now := d.now()
	r := &Recall{
		Status: Proposed, Class: q.Class, Reason: q.Reason, ProposedAt: now, UpdatedAt: now,
		Explanation: []string{fmt.Sprintf("Asked for by %s.", person)},
	}
	whole := true
	for _, id := range ids {
		c, err := store.LockShipment(ctx, id)
		if err != nil {
			return nil, "", err
		}
		lots := q.lotsIn(c.Shipment)
		if len(lots) == 0 {
			continue
		}
		whole = whole && len(lots) == len(c.Shipment.Lots)
		r.ShipmentIDs = append(r.ShipmentIDs, id)
		r.Lots = sortLots(append(r.Lots, lots...))
		r.Items = append(r.Items, itemsOf(c.Shipment, lots)...)
	}
	if len(r.Lots) == 0 {
		return nil, "", refuse(ErrInvalid, "No shipment carries what the recall names.")
	}
	return r, r.key(whole), nil
}

// lotsIn returns the lots of the shipment that the request means.
func (q *Request) lotsIn(s *shipments.Shipment) []Lot {
	lots := lotsOf(s)
	if len(q.Lots) == 0 {
		return lots
	}
	return slices.DeleteFunc(lots, func(l Lot) bool {
		return !slices.ContainsFunc(q.Lots, func(wanted Lot) bool {
			return wanted.Lot == l.Lot && (wanted.GTIN == "" || wanted.GTIN == l.GTIN)
		})
	})
}

// key names the goods of a recall. That of one whole shipment is the key that
// its own judgement proposes under, so that there is one recall, not two.
func (r *Recall) key(whole bool) string {
	if whole && len(r.ShipmentIDs) == 1 {
		return shipmentKey(r.ShipmentIDs[0])
	}
	parts := []string{"shipments:" + strings.Join(r.ShipmentIDs, ",")}
	for _, l := range r.Lots {
		parts = append(parts, shipments.LotKey(l).String())
	}
	return strings.Join(parts, " ")
}

func appendEvent(ctx context.Context, store Outbox, event outbox.Event) error {
	return store.AppendEvents(ctx, []outbox.Event{event})
}
