package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
	"telltale/tickets/recalls"
)

const coldWorld = `
kind: Model
id: TL-1
metrics: {temperature: {unit: Cel}}
---
{kind: Device, id: reefer-1, model: TL-1}
---
{kind: Device, id: reefer-2, model: TL-1}
---
{kind: Customer, id: C-1, name: Nordfrost Clinics}
---
{kind: Customer, id: C-2, name: Baltic Care}
---
kind: StorageProfile
id: vaccine-2-8
limits: {min: 2, max: 8}
budgets:
  - {above: 8, for: 1h, cumulative: true, verdict: reject}
  - {at_or_below: -0.5, for: 30m, verdict: reject}
gaps: {longer_than: 30m, count_as: unknown}
source: "Stability report SR-118"
---
kind: Shipment
id: S-1
carrier: PolarTrans
profile: vaccine-2-8
loggers: [{device: reefer-1}, {device: reefer-2}]
departed: 2026-11-20T06:00:00Z
lots:
  - {gtin: "05901234123457", lot: A17, quantity: 1200, unit: vial}
  - {gtin: "05901234123457", lot: B2, quantity: 100, unit: vial}
consignees:
  - {customer: C-1, lot: A17, quantity: 700}
  - {customer: C-2, lot: A17, quantity: 500}
  - {customer: C-2, lot: B2, quantity: 100}
`

var coldStart = time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)

// cold is a database with one shipment, and the desk that looks after it.
type cold struct {
	t    *testing.T
	db   *postgres.DB
	desk *recalls.Desk
	now  time.Time
}

func newCold(t *testing.T) *cold {
	t.Helper()
	c := &cold{t: t, db: pgtest.New(t), now: coldStart.AddDate(0, 0, 2)}
	apply(t, c.db, coldWorld)
	c.desk = recalls.NewDesk(func(ctx context.Context, f func(recalls.Store) error) error {
		return c.db.InTx(ctx, func(tx *postgres.DB) error { return f(tx) })
	}, recalls.Options{Now: func() time.Time { return c.now }})
	return c
}

// temperature is a value that a logger repeats every five minutes.
type temperature struct {
	n int
	c float64
}

// observe stores the temperatures of a logger from a time after departure.
func (c *cold) observe(logger devices.ID, from time.Duration, values ...temperature) {
	c.t.Helper()
	var points []recalls.TracePoint
	when := coldStart.Add(from)
	for _, v := range values {
		for range v.n {
			points = append(points, recalls.TracePoint{
				Shipment: "S-1", Device: logger, ObservedAt: when, ReceivedAt: when.Add(time.Second), Celsius: v.c,
			})
			when = when.Add(5 * time.Minute)
		}
	}
	if err := c.db.AddTracePoints(c.t.Context(), points); err != nil {
		c.t.Fatal(err)
	}
}

// consider looks at the shipment in a transaction.
func (c *cold) consider() recalls.Outcome {
	c.t.Helper()
	out, err := c.tryConsider()
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *cold) tryConsider() (out recalls.Outcome, err error) {
	err = c.db.InTx(c.t.Context(), func(tx *postgres.DB) error {
		out, err = c.desk.Consider(c.t.Context(), tx, "S-1", "", c.now)
		return err
	})
	return out, err
}

func (c *cold) recalls(q recalls.Query) []*recalls.Recall {
	c.t.Helper()
	list, err := c.db.ListRecalls(c.t.Context(), q)
	if err != nil {
		c.t.Fatal(err)
	}
	return list
}

// recall returns the only recall there is.
func (c *cold) recall() *recalls.Recall {
	c.t.Helper()
	list := c.recalls(recalls.Query{})
	if len(list) != 1 {
		c.t.Fatalf("%d recalls, want one", len(list))
	}
	return list[0]
}

func (c *cold) holds(q recalls.HoldQuery) []recalls.Hold {
	c.t.Helper()
	list, err := c.db.ListHolds(c.t.Context(), q)
	if err != nil {
		c.t.Fatal(err)
	}
	return list
}

func (c *cold) summary() *recalls.Summary {
	c.t.Helper()
	s, err := c.db.Shipment(c.t.Context(), "S-1")
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// events returns the types of all events so far, in order.
func (c *cold) events() []string {
	c.t.Helper()
	events, _, err := c.db.EventsAfter(c.t.Context(), 0, 1000)
	if err != nil {
		c.t.Fatal(err)
	}
	types := []string{}
	for _, e := range events {
		types = append(types, e.Type)
	}
	return types
}

// done fails the test when a person's act was refused.
func (c *cold) done(r *recalls.Recall, err error) *recalls.Recall {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// refused fails the test unless a person's act was refused for the reason,
// with a sentence that holds the words.
func (c *cold) refused(err, reason error, words string) {
	c.t.Helper()
	var refusal *recalls.Refusal
	if !errors.Is(err, reason) || !errors.As(err, &refusal) || !strings.Contains(refusal.Sentence, words) {
		c.t.Errorf("got %v; want %v with %q", err, reason, words)
	}
}

func TestFromTheFirstReadingToAClosedRecall(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	ctx := t.Context()

	c.observe("reefer-1", 0, temperature{1, 5})
	c.observe("reefer-2", 0, temperature{30, 5})
	c.consider() // reefer-1 has said little yet, but nothing wrong
	c.observe("reefer-1", 5*time.Minute, temperature{5, 5}, temperature{3, 9})
	if out := c.consider(); out.Assessment.Verdict != shipments.Review || out.Holds != nil || out.Proposed != nil {
		t.Fatalf("after ten warm minutes: %+v; want a review and nothing else", out)
	}

	c.observe("reefer-1", 45*time.Minute, temperature{12, 9})
	out := c.consider()
	if out.Assessment.Verdict != shipments.Reject || len(out.Holds) != 2 || out.Proposed == nil {
		t.Fatalf("after more than an hour: %+v; want a rejection, two holds and a proposal", out)
	}
	r := c.recall()
	if diff := cmp.Diff(out.Proposed, r); diff != "" {
		t.Errorf("the stored recall (-proposed +stored):\n%s", diff)
	}
	wantItems := []recalls.Item{
		{CustomerID: "C-1", ShipmentID: "S-1", GTIN: "05901234123457", Lot: "A17", Quantity: 700, Notice: "pending"},
		{CustomerID: "C-2", ShipmentID: "S-1", GTIN: "05901234123457", Lot: "A17", Quantity: 500, Notice: "pending"},
		{CustomerID: "C-2", ShipmentID: "S-1", GTIN: "05901234123457", Lot: "B2", Quantity: 100, Notice: "pending"},
	}
	if diff := cmp.Diff(wantItems, withoutIDs(r.Items)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if want := "used up at 2026-11-20 07:30:00 UTC"; !strings.Contains(r.Reason, want) {
		t.Errorf("reason %q does not say %q", r.Reason, want)
	}
	if text := strings.Join(r.Explanation, "\n"); !strings.Contains(text, "Stability report SR-118") {
		t.Errorf("explanation does not name the source of the numbers:\n%s", text)
	}

	c.done(c.desk.Approve(ctx, r.ID, "ewa", "seen the trace"))
	_, err := c.desk.Approve(ctx, r.ID, "ewa", "")
	c.refused(err, recalls.ErrConflict, "a second person")
	if r = c.done(c.desk.Approve(ctx, r.ID, "jan", "")); r.Status != recalls.Approved {
		t.Errorf("recall is %s after two signatures, want approved", r.Status)
	}

	for i, it := range r.Items {
		r = c.done(c.desk.Answer(ctx, r.ID, "ewa", recalls.Answer{Item: it.ID, Returned: it.Quantity - int64(i), Used: int64(i)}))
	}
	if r.Status != recalls.Executing || !r.Balance().Closes() {
		t.Errorf("%s with balance %+v; want executing and balanced", r.Status, r.Balance())
	}
	if r = c.done(c.desk.Close(ctx, r.ID, "jan", "")); r.Status != recalls.Closed {
		t.Errorf("recall is %s, want closed", r.Status)
	}
	if diff := cmp.Diff(r, c.recall()); diff != "" {
		t.Errorf("the stored recall (-returned +stored):\n%s", diff)
	}

	want := []string{
		"shipment.assessed", "shipment.assessed", "shipment.assessed", "hold.placed", "hold.placed", "recall.proposed",
		"recall.updated", "recall.approved", "recall.answered", "recall.answered", "recall.answered", "recall.closed",
	}
	if diff := cmp.Diff(want, c.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func withoutIDs(items []recalls.Item) []recalls.Item {
	items = slices.Clone(items)
	for i := range items {
		items[i].ID = 0
	}
	return items
}

func TestLookingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	c.observe("reefer-1", 0, temperature{20, 9})
	c.consider()
	events, recall := c.events(), c.recall()
	c.now = c.now.Add(time.Hour)
	if out := c.consider(); out.VerdictChanged || out.Holds != nil || out.Proposed != nil || out.Amended != nil {
		t.Errorf("the second look led to %+v, want nothing", out)
	}
	if diff := cmp.Diff(events, c.events()); diff != "" {
		t.Errorf("events changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(recall, c.recall()); diff != "" {
		t.Errorf("recall changed (-before +after):\n%s", diff)
	}
}

func TestFiftyLooksAtOnceMakeOneRecallAndOneHoldPerLot(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	c.observe("reefer-1", 0, temperature{20, 9})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := c.tryConsider(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c.recall()
	if holds := c.holds(recalls.HoldQuery{}); len(holds) != 2 {
		t.Errorf("%d holds, want one per lot", len(holds))
	}
	want := []string{"shipment.assessed", "hold.placed", "hold.placed", "recall.proposed"}
	if diff := cmp.Diff(want, c.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Two workers may store the points of two loggers at the same time; whoever
// comes second must see what the first one stored.
func TestTwoWorkersWithALoggerEach(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	var wg sync.WaitGroup
	for i := range 20 {
		for _, logger := range []devices.ID{"reefer-1", "reefer-2"} {
			wg.Go(func() {
				err := c.db.InTx(t.Context(), func(tx *postgres.DB) error {
					when := coldStart.Add(time.Duration(i) * 5 * time.Minute)
					err := tx.AddTracePoints(t.Context(), []recalls.TracePoint{{
						Shipment: "S-1", Device: logger, ObservedAt: when, ReceivedAt: when, Celsius: 9,
					}})
					if err != nil {
						return err
					}
					_, err = c.desk.Consider(t.Context(), tx, "S-1", "", c.now)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	c.recall()
	if a := c.summary().Assessment; a.TracePoints != 40 || a.Verdict != shipments.Reject {
		t.Errorf("last assessment is %s of %d points, want reject of all 40", a.Verdict, a.TracePoints)
	}
}

func TestALookThatIsRolledBackLeavesNothing(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	c.observe("reefer-1", 0, temperature{20, 9})
	stop := errors.New("the checkpoint was fenced")
	err := c.db.InTx(t.Context(), func(tx *postgres.DB) error {
		if _, err := c.desk.Consider(t.Context(), tx, "S-1", "", c.now); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if n := len(c.recalls(recalls.Query{})) + len(c.holds(recalls.HoldQuery{})) + len(c.events()); n != 0 {
		t.Errorf("%d recalls, holds and events are left behind", n)
	}
	if s := c.summary(); s.Assessment != nil || s.Verdict != shipments.Unknown {
		t.Errorf("an assessment is left behind: %s", s.Verdict)
	}
	c.consider()
	c.recall()
}

func TestLateDataThatHelpKeepTheHoldAndSaySo(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	// Readings 25 minutes apart: hot for 75 minutes, as far as is known.
	for i := range 4 {
		c.observe("reefer-1", time.Duration(i)*25*time.Minute, temperature{1, 9})
	}
	c.consider()
	proposed := c.recall()

	// The logger delivers what it stored: it was cold in between.
	c.observe("reefer-1", 5*time.Minute, temperature{1, 5})
	c.observe("reefer-1", 30*time.Minute, temperature{1, 5})
	c.observe("reefer-1", 55*time.Minute, temperature{1, 5})
	out := c.consider()
	if out.Assessment.Verdict != shipments.Review || out.Amended == nil {
		t.Fatalf("%s, amended %v; want a review and an amended recall", out.Assessment.Verdict, out.Amended)
	}
	if holds := c.holds(recalls.HoldQuery{InForce: true}); len(holds) != 2 {
		t.Errorf("%d holds in force, want both still", len(holds))
	}
	r := c.recall()
	if r.Status != recalls.Proposed || len(r.Explanation) != len(proposed.Explanation)+1 ||
		!strings.Contains(r.Explanation[len(r.Explanation)-1], "The hold stays") {
		t.Errorf("recall is %s and explains\n%s", r.Status, strings.Join(r.Explanation, "\n"))
	}
	if c.consider().Amended != nil {
		t.Error("the same look told the recall again")
	}

	// And later data that make it worse again.
	c.observe("reefer-1", 80*time.Minute, temperature{20, 9})
	if out := c.consider(); out.Proposed != nil || out.Holds != nil || out.Amended == nil {
		t.Errorf("%+v; want the same recall to be told", out)
	}
	want := []string{
		"shipment.assessed", "hold.placed", "hold.placed", "recall.proposed",
		"shipment.assessed", "recall.updated", "shipment.assessed", "recall.updated",
	}
	if diff := cmp.Diff(want, c.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestWhatPeopleRejectedComesBackOnlyForAnotherReason(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	ctx := t.Context()
	c.observe("reefer-1", 0, temperature{20, 9})
	c.consider()
	r := c.recall()

	_, err := c.desk.Reject(ctx, r.ID, "ewa", " ")
	c.refused(err, recalls.ErrInvalid, "reason")
	_, err = c.desk.ReleaseHold(ctx, "H-0001", "ewa", "the probe lay on the heater")
	c.refused(err, recalls.ErrConflict, r.ID)
	if r = c.done(c.desk.Reject(ctx, r.ID, "ewa", "the probe lay on the heater")); r.Status != recalls.Rejected {
		t.Fatalf("recall is %s, want rejected", r.Status)
	}
	if _, err := c.desk.ReleaseHold(ctx, "H-0001", "ewa", "the probe lay on the heater"); err != nil {
		t.Fatal(err)
	}
	_, err = c.desk.ReleaseHold(ctx, "H-0001", "jan", "again")
	c.refused(err, recalls.ErrConflict, "released by ewa")

	c.observe("reefer-1", 100*time.Minute, temperature{20, 9}) // more of the same
	if out := c.consider(); out.Proposed != nil || out.Holds != nil {
		t.Errorf("more of what was decided led to %+v", out)
	}
	c.observe("reefer-1", 200*time.Minute, temperature{10, -1}) // frost
	out := c.consider()
	if out.Proposed == nil || len(out.Holds) != 1 || out.Holds[0].Lot != "A17" {
		t.Errorf("frost led to %+v; want a second recall, and the released lot on hold again", out)
	}
	if list := c.recalls(recalls.Query{}); len(list) != 2 || list[0].Status != recalls.Proposed || list[1].Status != recalls.Rejected {
		t.Errorf("recalls %+v, want the new one before the rejected one", list)
	}
}

func TestAnotherBudgetJoinsTheRunningRecall(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	c.observe("reefer-1", 0, temperature{20, 9})
	c.consider()
	c.observe("reefer-2", 0, temperature{20, -1})
	out := c.consider()
	if out.Proposed != nil || out.Amended == nil || out.Holds != nil {
		t.Errorf("%+v; want the running recall to be told, and no second hold", out)
	}
	if text := strings.Join(c.recall().Explanation, "\n"); !strings.Contains(text, "another budget is used up. At or below -0.5 °C") {
		t.Errorf("explanation does not name the frost:\n%s", text)
	}
}

func TestAShipmentThatIsNotDeclaredIsLeftAlone(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	err := c.db.InTx(t.Context(), func(tx *postgres.DB) error {
		points := []recalls.TracePoint{{Shipment: "S-404", Device: "reefer-1", ObservedAt: coldStart, ReceivedAt: coldStart, Celsius: 9}}
		if err := tx.AddTracePoints(t.Context(), points); err != nil {
			return err
		}
		out, err := c.desk.Consider(t.Context(), tx, "S-404", "", c.now)
		if out.Assessment != nil {
			t.Errorf("assessed as %+v", out.Assessment)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	_, err = recalls.Assess(t.Context(), c.db, "S-404", c.now)
	c.refused(err, recalls.ErrNotFound, "S-404")
}
