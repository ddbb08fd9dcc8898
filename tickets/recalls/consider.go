package recalls

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
	"telltale/tickets/outbox"
)

// Outcome is what a look at a shipment led to.
type Outcome struct {
	Assessment     *excursion.Assessment // nil: there is no such shipment any more
	VerdictChanged bool
	Holds          []Hold  // newly placed
	Proposed       *Recall // newly proposed; nil: none
	Amended        *Recall // undecided or running, and told of a change; nil: none
}

// Consider judges the shipment by its whole trace and acts upon it, in the
// caller's transaction: it saves the assessment, holds the lots and proposes
// a recall for each reject budget that is used up for the first time, and
// announces what changed. The same temperatures again change nothing. Cause is
// the position in the log of the report that gave rise to the look, for the
// events; "" when none did. Now is our clock's time. A shipment that is not
// declared any more is left alone.
func (d *Desk) Consider(ctx context.Context, store Store, shipmentID, cause string, now time.Time) (Outcome, error) {
	now = stored(now)
	c, err := store.LockShipment(ctx, shipmentID)
	if errors.Is(err, ErrNotFound) {
		return Outcome{}, nil
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("lock shipment %s: %w", shipmentID, err)
	}
	trace, err := store.LoadTrace(ctx, shipmentID)
	if err != nil {
		return Outcome{}, fmt.Errorf("load trace of shipment %s: %w", shipmentID, err)
	}

	a := excursion.Assess(c.Shipment, c.Profile, trace, now)
	l := look{store: store, c: c, cause: cause, now: now, change: compare(c, &a), out: Outcome{Assessment: &a}}
	if err := l.act(ctx); err != nil {
		return Outcome{}, fmt.Errorf("act upon shipment %s: %w", shipmentID, err)
	}
	return l.out, nil
}

// change is what a new assessment says that the last one did not.
type change struct {
	before, after shipments.Verdict
	fresh         []excursion.BudgetUse // reject budgets used up that were never acted upon
	turned        []excursion.BudgetUse // acted upon before, and used up only now again, or not any more
	gone          []string              // grounds that the profile has no budget for any more
}

// empty reports whether there is nothing that a recall has to know.
func (ch *change) empty() bool { return len(ch.fresh)+len(ch.turned)+len(ch.gone) == 0 }

// compare is the decision: what to act upon, and what to tell.
func compare(c *Case, a *excursion.Assessment) change {
	ch := change{before: shipments.Unknown, after: a.Verdict}
	if c.Last != nil {
		ch.before = c.Last.Verdict
	}
	usedUpBefore := groundsOf(c.Last)
	declared := make(map[string]bool, len(a.Budgets))
	for _, use := range a.Budgets {
		if use.Budget.Verdict != shipments.Reject {
			continue
		}
		g := ground(use.Budget)
		declared[g] = true
		switch actedUpon := slices.Contains(c.Grounds, g); {
		case use.UsedUp() && !actedUpon:
			ch.fresh = append(ch.fresh, use)
		case actedUpon && use.UsedUp() != slices.Contains(usedUpBefore, g):
			ch.turned = append(ch.turned, use)
		}
	}
	ch.gone = slices.DeleteFunc(usedUpBefore, func(g string) bool { return declared[g] })
	return ch
}

// groundsOf returns the grounds that an assessment gives.
func groundsOf(a *excursion.Assessment) []string {
	if a == nil {
		return nil
	}
	var grounds []string
	for _, use := range a.UsedUpBudgets(shipments.Reject) {
		grounds = append(grounds, ground(use.Budget))
	}
	return grounds
}

// ground names a budget as a reason for holds and recalls. A profile whose
// numbers change has other grounds.
func ground(b shipments.Budget) string {
	kind := "consecutive"
	if b.Cumulative {
		kind = "cumulative"
	}
	return fmt.Sprintf("%s %s for %s %s", b.Side, strconv.FormatFloat(b.Limit, 'g', -1, 64), b.For, kind)
}

// look is one run of [Desk.Consider] in its transaction.
type look struct {
	store  Store
	c      *Case
	cause  string
	now    time.Time
	change change
	events []outbox.Event
	out    Outcome
}

func (l *look) act(ctx context.Context) error {
	a := l.out.Assessment
	grounds := l.c.Grounds
	for _, use := range l.change.fresh {
		grounds = append(slices.Clip(grounds), ground(use.Budget))
	}
	if err := l.store.SaveAssessment(ctx, a, grounds); err != nil {
		return err
	}
	if l.out.VerdictChanged = l.change.before != l.change.after; l.out.VerdictChanged {
		l.tell(EventShipmentAssessed, shipmentKey(a.Shipment), a.Shipment, a.View())
	}
	if len(l.change.fresh) > 0 {
		if err := l.hold(ctx); err != nil {
			return err
		}
	}
	if !l.change.empty() {
		if err := l.recall(ctx); err != nil {
			return err
		}
	}
	return l.store.AppendEvents(ctx, l.events)
}

// tell announces a change with the message that led to it.
func (l *look) tell(kind, orderingKey, subject string, view any) {
	e := newEvent(kind, orderingKey, subject, l.now, view)
	e.Trace = l.cause
	l.events = append(l.events, e)
}

// hold stops every lot of the shipment.
func (l *look) hold(ctx context.Context) error {
	var holds []Hold
	for _, lot := range l.c.Shipment.Lots {
		holds = append(holds, Hold{
			ShipmentID: l.c.Shipment.ID, GTIN: lot.GTIN, Lot: lot.Lot,
			Reason: sentences(l.change.fresh), PlacedAt: l.now,
		})
	}
	placed, err := l.store.PlaceHolds(ctx, holds)
	if err != nil {
		return err
	}
	for i := range placed {
		l.tell(EventHoldPlaced, shipmentKey(placed[i].ShipmentID), placed[i].ID, placed[i].View())
	}
	l.out.Holds = placed
	return nil
}

// recall proposes a recall, or tells the running one what changed.
func (l *look) recall(ctx context.Context) error {
	key := shipmentKey(l.c.Shipment.ID)
	r, err := l.store.LockRunningRecall(ctx, key)
	if err != nil {
		return err
	}
	switch {
	case r != nil:
		return l.amend(ctx, r)
	case len(l.change.fresh) > 0:
		return l.propose(ctx, key)
	default:
		return nil // decided by people, who need not be asked again
	}
}

func (l *look) propose(ctx context.Context, key string) error {
	s := l.c.Shipment
	explanation := []string{fmt.Sprintf("Shipment %s is judged by profile %s. %s", s.ID, l.c.Profile.ID, sourceSentence(l.c.Profile))}
	r := &Recall{
		Status:      Proposed,
		Reason:      fmt.Sprintf("Shipment %s: %s", s.ID, sentences(l.change.fresh)),
		ShipmentIDs: []string{s.ID},
		Lots:        lotsOf(s),
		Items:       itemsOf(s, lotsOf(s)),
		ProposedAt:  l.now,
		UpdatedAt:   l.now,
		Explanation: append(explanation, l.out.Assessment.Explanation...),
	}
	if err := l.store.AddRecall(ctx, r, key); err != nil {
		return err
	}
	l.tell(EventRecallProposed, r.ID, r.ID, r.View())
	l.out.Proposed = r
	return nil
}

func (l *look) amend(ctx context.Context, r *Recall) error {
	for _, use := range l.change.fresh {
		r.Explanation = append(r.Explanation, fmt.Sprintf("%s: another budget is used up. %s", clock(l.now), use.Sentence()))
	}
	for _, use := range l.change.turned {
		r.Explanation = append(r.Explanation, turnedSentence(use, l.now))
	}
	for _, g := range l.change.gone {
		r.Explanation = append(r.Explanation, fmt.Sprintf("%s: profile %s has no budget %q any more. %s",
			clock(l.now), l.c.Profile.ID, g, holdStays))
	}
	r.UpdatedAt = l.now
	if err := l.store.SaveRecall(ctx, r); err != nil {
		return err
	}
	l.tell(EventRecallUpdated, r.ID, r.ID, r.View())
	l.out.Amended = r
	return nil
}

func turnedSentence(use excursion.BudgetUse, now time.Time) string {
	if use.UsedUp() {
		return fmt.Sprintf("%s: later data use the budget up again. %s", clock(now), use.Sentence())
	}
	return fmt.Sprintf("%s: by later data the budget is not used up. %s %s", clock(now), use.Sentence(), holdStays)
}

const holdStays = "The hold stays until a person releases it."

func sentences(uses []excursion.BudgetUse) string {
	list := make([]string, len(uses))
	for i, use := range uses {
		list[i] = use.Sentence()
	}
	return strings.Join(list, " ")
}

func sourceSentence(p *shipments.StorageProfile) string {
	if p.Source == "" {
		return "The profile names no source for its numbers."
	}
	return fmt.Sprintf("Its numbers come from: %s.", p.Source)
}

// shipmentKey is the key under which a whole shipment is recalled, and in
// whose order its events are told.
func shipmentKey(id string) string { return "shipment:" + id }
