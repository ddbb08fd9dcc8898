package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices/shipments"
	"telltale/tickets/recalls"
)

func TestTheLedgerOfARecallInTheStore(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	ctx := t.Context()
	apply(t, c.db, `
kind: Shipment
id: S-2
profile: vaccine-2-8
departed: 2026-11-21T06:00:00Z
loggers: [{device: reefer-1, from: 2026-11-21T06:00:00Z}]
lots: [{gtin: "05901234123457", lot: C3, quantity: 9200, unit: vial}]
consignees: [{customer: C-1, lot: C3, quantity: 6300}, {customer: C-2, lot: C3, quantity: 2900}]
`)
	r := c.done(c.desk.Create(ctx, "ewa", recalls.Request{Class: "II", Reason: "label mix-up", Lots: []recalls.Lot{{Lot: "C3"}}}))
	if diff := cmp.Diff([]string{"S-2"}, r.ShipmentIDs); diff != "" {
		t.Fatalf("shipments (-want +got):\n%s", diff)
	}
	_, err := c.desk.Answer(ctx, r.ID, "ewa", recalls.Answer{Item: r.Items[0].ID})
	c.refused(err, recalls.ErrConflict, "not approved yet")
	c.done(c.desk.Approve(ctx, r.ID, "ewa", ""))
	c.done(c.desk.Approve(ctx, r.ID, "jan", ""))

	tooMuch := recalls.Answer{Item: r.Items[0].ID, Returned: 6000, Used: 301}
	_, err = c.desk.Answer(ctx, r.ID, "ewa", tooMuch)
	c.refused(err, recalls.ErrInvalid, "6300 units of lot C3")
	const most = int64(^uint64(0) >> 1)
	_, err = c.desk.Answer(ctx, r.ID, "ewa", recalls.Answer{Item: r.Items[0].ID, Returned: most, Destroyed: most, Used: 2})
	c.refused(err, recalls.ErrInvalid, "more cannot be")
	_, err = c.desk.Answer(ctx, r.ID, "ewa", recalls.Answer{Item: r.Items[0].ID, Returned: -1})
	c.refused(err, recalls.ErrInvalid, "negative")
	_, err = c.desk.Answer(ctx, r.ID, "ewa", recalls.Answer{Item: 1 << 40})
	c.refused(err, recalls.ErrNotFound, r.ID)

	c.done(c.desk.Answer(ctx, r.ID, "ewa", recalls.Answer{Item: r.Items[0].ID})) // nothing yet, which is an answer
	c.done(c.desk.Answer(ctx, r.ID, "ewa", recalls.Answer{Item: r.Items[0].ID, Returned: 6100}))
	_, err = c.desk.Close(ctx, r.ID, "ewa", "")
	c.refused(err, recalls.ErrConflict, "1 of 2 consignees have answered and 3100 of 9200 units")
	r = c.done(c.desk.Answer(ctx, r.ID, "ewa", recalls.Answer{Item: r.Items[1].ID, Destroyed: 1500, Used: 1400}))
	if got := fmt.Sprintf("%d missing, %.1f %%", r.Balance().Unaccounted, 100*r.Balance().Accounted()); got != "200 missing, 97.8 %" {
		t.Errorf("%s, want 200 missing, 97.8 %%", got)
	}
	_, err = c.desk.Close(ctx, r.ID, "ewa", "")
	c.refused(err, recalls.ErrConflict, "200 of 9200")
	r = c.done(c.desk.Close(ctx, r.ID, "ewa", "C-1 reports 200 vials broken in transit"))
	if r.Status != recalls.Closed || r.ClosedAt.IsZero() {
		t.Errorf("recall is %s since %v, want closed", r.Status, r.ClosedAt)
	}
	_, err = c.desk.Answer(ctx, r.ID, "ewa", recalls.Answer{Item: r.Items[1].ID})
	c.refused(err, recalls.ErrConflict, "was closed at")
	if diff := cmp.Diff(r, c.recall()); diff != "" {
		t.Errorf("the stored recall (-returned +stored):\n%s", diff)
	}
}

func TestARecallByHand(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	ctx := t.Context()
	for name, request := range map[string]recalls.Request{
		"without a reason":                     {ShipmentIDs: []string{"S-1"}},
		"of nothing":                           {Reason: "r"},
		"with an unknown class":                {Reason: "r", Class: "IV", ShipmentIDs: []string{"S-1"}},
		"of a lot nobody received":             {Reason: "r", Lots: []recalls.Lot{{Lot: "ZZ"}}},
		"of a lot that is not in the shipment": {Reason: "r", ShipmentIDs: []string{"S-1"}, Lots: []recalls.Lot{{Lot: "ZZ"}}},
	} {
		if _, err := c.desk.Create(ctx, "ewa", request); err == nil {
			t.Errorf("a recall %s was accepted", name)
		} else {
			c.refused(err, recalls.ErrInvalid, "")
		}
	}
	_, err := c.desk.Create(ctx, "ewa", recalls.Request{Reason: "r", ShipmentIDs: []string{"S-404"}})
	c.refused(err, recalls.ErrNotFound, "S-404")
	_, err = c.desk.Create(ctx, "", recalls.Request{Reason: "r", ShipmentIDs: []string{"S-1"}})
	c.refused(err, recalls.ErrInvalid, "who you are")

	one := c.done(c.desk.Create(ctx, "ewa", recalls.Request{Reason: "r", ShipmentIDs: []string{"S-1"}, Lots: []recalls.Lot{{GTIN: "05901234123457", Lot: "B2"}}}))
	if len(one.Items) != 1 || one.Items[0].CustomerID != "C-2" {
		t.Errorf("items %+v, want what C-2 received of B2", one.Items)
	}
	whole := c.done(c.desk.Create(ctx, "ewa", recalls.Request{Reason: "r", ShipmentIDs: []string{"S-1", "S-1"}}))
	if len(whole.Items) != 3 {
		t.Errorf("items %+v, want all three", whole.Items)
	}
	_, err = c.desk.Create(ctx, "jan", recalls.Request{Reason: "r", Lots: []recalls.Lot{{Lot: "A17"}, {Lot: "B2"}}})
	c.refused(err, recalls.ErrConflict, whole.ID)

	// The shipment's own judgement joins the recall that people began.
	c.observe("reefer-1", 0, temperature{20, 9})
	if out := c.consider(); out.Proposed != nil || out.Amended == nil || out.Amended.ID != whole.ID {
		t.Errorf("%+v; want recall %s to be told", out, whole.ID)
	}
}

func TestRecallsAndHoldsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	ctx := t.Context()
	c.observe("reefer-1", 0, temperature{20, 9})
	c.consider()
	c.done(c.desk.Create(ctx, "ewa", recalls.Request{Reason: "r", ShipmentIDs: []string{"S-1"}, Lots: []recalls.Lot{{Lot: "B2"}}}))

	for name, q := range map[string]struct {
		query recalls.Query
		want  []string
	}{
		"all":             {recalls.Query{}, []string{"R-0002", "R-0001"}},
		"the first page":  {recalls.Query{Limit: 1}, []string{"R-0002"}},
		"the second page": {recalls.Query{After: "R-0002", Limit: 1}, []string{"R-0001"}},
		"by status":       {recalls.Query{Statuses: []recalls.Status{recalls.Approved}}, nil},
		"by two statuses": {recalls.Query{Statuses: []recalls.Status{recalls.Approved, recalls.Proposed}}, []string{"R-0002", "R-0001"}},
		"by lot":          {recalls.Query{Lot: "A17"}, []string{"R-0001"}},
		"by customer":     {recalls.Query{Customer: "C-1"}, []string{"R-0001"}},
		"by shipment":     {recalls.Query{Shipment: "S-1"}, []string{"R-0002", "R-0001"}},
		"by another":      {recalls.Query{Shipment: "S-2"}, nil},
	} {
		var got []string
		for _, r := range c.recalls(q.query) {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(q.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	_, err := c.db.ListRecalls(ctx, recalls.Query{After: "R-2"})
	c.refused(err, recalls.ErrInvalid, "cursor")
	_, err = c.db.ListHolds(ctx, recalls.HoldQuery{After: "R-0002"})
	c.refused(err, recalls.ErrInvalid, "cursor")
	_, err = c.db.Recall(ctx, "R-0404")
	c.refused(err, recalls.ErrNotFound, "R-0404")
	_, err = c.desk.ReleaseHold(ctx, "H-0404", "ewa", "r")
	c.refused(err, recalls.ErrNotFound, "H-0404")

	if got := c.holds(recalls.HoldQuery{Limit: 1}); len(got) != 1 || got[0].ID != "H-0002" {
		t.Errorf("first page of holds %+v, want H-0002", got)
	}
	if got := c.holds(recalls.HoldQuery{After: "H-0002", Lot: "A17", Shipment: "S-1"}); len(got) != 1 || got[0].Lot != "A17" {
		t.Errorf("second page of holds %+v, want A17's", got)
	}
}

func TestShipmentsAreListedByDeparture(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	for i := range 3 {
		apply(t, c.db, fmt.Sprintf(`
kind: Shipment
id: T-%d
profile: vaccine-2-8
departed: 2026-11-2%dT06:00:00Z
loggers: [{device: reefer-2, from: 2026-11-25T06:00:00Z}]
lots: [{gtin: "05901234123457", lot: D%d, quantity: 10}]
consignees: [{customer: C-%d, lot: D%d, quantity: 10}]
`, i, 1+i, i, 1+i%2, i))
	}
	c.observe("reefer-1", 0, temperature{20, 9})
	c.consider()
	for name, q := range map[string]struct {
		query recalls.ShipmentQuery
		want  []string
	}{
		"all":             {recalls.ShipmentQuery{}, []string{"T-2", "T-1", "T-0", "S-1"}},
		"the second page": {recalls.ShipmentQuery{After: "T-1", Limit: 1}, []string{"T-0"}},
		"by verdict":      {recalls.ShipmentQuery{Verdict: shipments.Reject}, []string{"S-1"}},
		"by lot":          {recalls.ShipmentQuery{Lot: "D1"}, []string{"T-1"}},
		"by consignee":    {recalls.ShipmentQuery{Customer: "C-2"}, []string{"T-1", "S-1"}},
		"by logger":       {recalls.ShipmentQuery{Device: "reefer-1"}, []string{"S-1"}},
	} {
		list, err := c.db.ListShipments(t.Context(), q.query)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range list {
			got = append(got, s.ID)
		}
		if diff := cmp.Diff(q.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	s := c.summary()
	if s.Verdict != shipments.Reject || s.Held != 2 || !cmp.Equal(s.Recalls, []string{"R-0001"}) || !s.AssessedAt.Equal(c.now) || len(s.Lots) != 2 {
		t.Errorf("summary %+v", s)
	}
	if _, err := c.db.Shipment(t.Context(), "S-404"); err == nil {
		t.Error("S-404 was found")
	}
}

func TestATraceKeepsTheFirstValueOfAnInstant(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	c.observe("reefer-1", 0, temperature{2, 5})
	c.observe("reefer-1", 0, temperature{3, 9})
	trace, err := c.db.LoadTrace(t.Context(), "S-1")
	if err != nil {
		t.Fatal(err)
	}
	points := trace["reefer-1"]
	if len(points) != 3 || points[0].C != 5 || points[2].C != 9 || !points[1].At.Equal(coldStart.Add(5*time.Minute)) {
		t.Errorf("trace %v, want 5, 5, 9 five minutes apart", points)
	}
}
