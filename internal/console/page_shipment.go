package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
	"telltale/tickets/recalls"
)

// lotLine is a lot of a shipment: who gets how much, and whether it is held.
type lotLine struct {
	shipments.Lot
	Consignees []consigneeLine
	Held       bool
	Released   string // a sentence about the last hold that was released
}

type consigneeLine struct {
	ID, Name string
	Quantity int64
}

type shipmentContents struct {
	*chrome
	Shipment    *shipments.Shipment
	Profile     *shipments.StorageProfile
	Verdict     shipments.Verdict
	Headline    string
	Because     string   // the sentence that names the verdict and its reason
	Explanation []string // the arithmetic before it
	Held        int64
	Recalls     []string
	Chart       *chart
	Limits      string
	Budgets     []budgetLine
	Excursions  []excursion.Excursion
	Outside     string
	Gaps        []excursion.Gap
	Excluded    []excursion.Excluded
	Lots        []lotLine
	Points      int
	Range, MKT  string
	DataUntil   time.Time
	ComputedAt  time.Time
}

// judged is a shipment with its evidence and what follows from it now.
type judged struct {
	shipment   *shipments.Shipment
	profile    *shipments.StorageProfile
	trace      excursion.Trace
	assessment excursion.Assessment
}

// judgeShipment reads a shipment's evidence and judges it, so that a page
// never shows a verdict older than its chart.
func (s *Server) judgeShipment(ctx context.Context, id string) (*judged, error) {
	c, err := s.deps.Shipments.ReadCase(ctx, id)
	if err != nil {
		return nil, err
	}
	trace, err := s.deps.Shipments.LoadTrace(ctx, id)
	if err != nil {
		return nil, err
	}
	return &judged{c.Shipment, c.Profile, trace, excursion.Assess(c.Shipment, c.Profile, trace, s.now())}, nil
}

func (s *Server) shipmentPage(w http.ResponseWriter, r *http.Request) {
	found, err := s.judgeShipment(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c, _, err := s.frame(r, "Shipment "+found.shipment.ID, "shipments")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := shipmentContentsOf(c, found)
	if err := s.fillShipment(r, &page); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, "shipment", page)
}

func shipmentContentsOf(c *chrome, found *judged) shipmentContents {
	a := &found.assessment
	page := shipmentContents{
		chrome: c, Shipment: found.shipment, Profile: found.profile,
		Verdict: a.Verdict, Headline: headline(a),
		Limits:     fmt.Sprintf("%s to %s", celsius(found.profile.Limits.Min), celsius(found.profile.Limits.Max)),
		Excursions: a.Excursions, Outside: seconds(a.SecondsOutside), Gaps: a.Gaps, Excluded: a.Excluded,
		Points: a.TracePoints, DataUntil: a.DataUntil, ComputedAt: a.ComputedAt,
		Chart: c.shipmentFigure(found),
	}
	if n := len(a.Explanation); n > 0 {
		page.Because, page.Explanation = a.Explanation[n-1], a.Explanation[:n-1]
	}
	for _, b := range a.Budgets {
		page.Budgets = append(page.Budgets, c.budgetOf(b))
	}
	if a.Min != nil && a.Max != nil {
		page.Range = celsius(*a.Min) + " to " + celsius(*a.Max)
	}
	if a.MKT != nil {
		page.MKT = celsius(*a.MKT)
		if found.profile.MKT != nil {
			page.MKT += fmt.Sprintf(", at most %s over %s", celsius(found.profile.MKT.Max), decimal(found.profile.MKT.Window.Hours())+thin+"h")
		}
	}
	return page
}

// headline is the verdict as a sentence.
func headline(a *excursion.Assessment) string {
	switch a.Verdict {
	case shipments.OK:
		return "The goods were kept within their limits and budgets."
	case shipments.Review:
		return "The goods need a look by quality before they are used."
	case shipments.Reject:
		return "The goods must not be used: a temperature budget is used up."
	default:
		if a.TracePoints == 0 {
			return "No readings have arrived yet."
		}
		return "The data do not allow a judgement."
	}
}

// fillShipment reads what people have decided and to whom the goods go.
func (s *Server) fillShipment(r *http.Request, page *shipmentContents) error {
	ctx := r.Context()
	holds, err := s.deps.Recalls.ListHolds(ctx, recalls.HoldQuery{Shipment: page.Shipment.ID})
	if err != nil {
		return err
	}
	named, err := s.deps.Recalls.ListRecalls(ctx, recalls.Query{Shipment: page.Shipment.ID})
	if err != nil {
		return err
	}
	for _, recall := range named {
		page.Recalls = append(page.Recalls, recall.ID)
	}
	var ids []string
	for _, to := range page.Shipment.Consignees {
		ids = append(ids, to.Customer)
	}
	names, err := s.deps.Pages.CustomerNames(ctx, ids)
	if err != nil {
		return err
	}
	page.Lots = page.lotsOf(page.Shipment, holds, names)
	for _, l := range page.Lots {
		if l.Held {
			page.Held++
		}
	}
	return nil
}

func (v viewer) lotsOf(s *shipments.Shipment, holds []recalls.Hold, names map[string]string) []lotLine {
	var lots []lotLine
	for _, lot := range s.Lots {
		l := lotLine{Lot: lot}
		for _, to := range s.Consignees {
			if to.Lot == lot.Lot {
				l.Consignees = append(l.Consignees, consigneeLine{to.Customer, nameOf(names, to.Customer), to.Quantity})
			}
		}
		for _, h := range holds {
			if h.GTIN != lot.GTIN || h.Lot != lot.Lot {
				continue
			}
			if h.ReleasedAt.IsZero() {
				l.Held = true
				continue
			}
			l.Released = fmt.Sprintf("Released by %s at %s", h.ReleasedBy, v.short(h.ReleasedAt))
			if h.ReleaseReason != "" {
				l.Released += ": " + h.ReleaseReason
			}
		}
		lots = append(lots, l)
	}
	return lots
}

// nameOf returns a customer's name, or the id of one that has none.
func nameOf(names map[string]string, id string) string {
	if name := names[id]; name != "" {
		return name
	}
	return id
}
