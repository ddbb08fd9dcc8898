package console

import (
	"fmt"
	"net/http"
	"slices"

	"telltale/devices/shipments"
	"telltale/internal/views"
	"telltale/rules/excursion"
	"telltale/tickets/recalls"
)

// budgetLine is one temperature budget as a bar and in words.
type budgetLine struct {
	Name, Kind          string
	Used, Allowed, Left string
	Share               float64
	Colour              string
	UsedUp              bool
	UsedUpAt            string
}

// nearlyUsed is the share of a budget from which people should look soon.
const nearlyUsed = 0.75

func (v viewer) budgetOf(b excursion.BudgetUse) budgetLine {
	view := budgetLine{
		Name: budgetName(b.Budget), Used: seconds(b.UsedSeconds), Allowed: seconds(b.AllowedSeconds()),
		Left: seconds(b.LeftSeconds()), Share: budgetShare(b), Colour: "green", Kind: "longest stretch counts",
		UsedUp: b.UsedUp(),
	}
	if b.Budget.Cumulative {
		view.Kind = "all stretches add up"
	}
	if view.Share >= nearlyUsed {
		view.Colour = "amber"
	}
	if view.UsedUp {
		view.Colour, view.UsedUpAt = "red", v.short(b.UsedUpAt)
	}
	return view
}

// budgetShare is how much of a budget is used, from 0 to 1.
func budgetShare(b excursion.BudgetUse) float64 {
	if b.UsedUp() || b.AllowedSeconds() <= 0 {
		return 1
	}
	return min(b.UsedSeconds/b.AllowedSeconds(), 1)
}

// budgetName says what spends a budget.
func budgetName(b shipments.Budget) string {
	name := map[shipments.Side]string{
		shipments.Above: "Above", shipments.AtOrAbove: "At or above",
		shipments.Below: "Below", shipments.AtOrBelow: "At or below",
	}[b.Side]
	return name + " " + celsius(b.Limit)
}

// tightest returns the budget that is used most; nil when there is none.
func (v viewer) tightest(a *excursion.Assessment) *budgetLine {
	if a == nil || len(a.Budgets) == 0 {
		return nil
	}
	most := a.Budgets[0]
	for _, b := range a.Budgets[1:] {
		if budgetShare(b) > budgetShare(most) {
			most = b
		}
	}
	view := v.budgetOf(most)
	return &view
}

// shipmentLine is a row with its tightest budget.
type shipmentLine struct {
	recalls.Summary
	Tightest *budgetLine
}

// LotNumbers lists the lots without repeating one.
func (l shipmentLine) LotNumbers() []string {
	var numbers []string
	for _, lot := range l.Lots {
		if !slices.Contains(numbers, lot.Lot) {
			numbers = append(numbers, lot.Lot)
		}
	}
	return numbers
}

// Receivers is how many customers get a part.
func (l shipmentLine) Receivers() int {
	customers := map[string]bool{}
	for _, c := range l.Consignees {
		customers[c.Customer] = true
	}
	return len(customers)
}

func (v viewer) shipmentLines(rows []recalls.Summary) []shipmentLine {
	lines := make([]shipmentLine, len(rows))
	for i, row := range rows {
		lines[i] = shipmentLine{row, v.tightest(row.Assessment)}
	}
	return lines
}

type shipmentsContents struct {
	*chrome
	Tabs  []tab
	Show  string
	Query views.ShipmentQuery
	Rows  []shipmentLine
	Pager pager
	Empty empty
}

func (s *Server) shipmentsPage(w http.ResponseWriter, r *http.Request) {
	c, tally, err := s.frame(r, "Shipments", "shipments")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	get := r.URL.Query().Get
	page := shipmentsContents{chrome: c, Show: get("show"), Query: views.ShipmentQuery{
		Text: get("q"), AtRisk: get("show") == "risk", Moving: get("show") == "moving", After: get("after"),
	}}
	page.Tabs = []tab{
		{Name: "All", Href: "/shipments", Current: !page.Query.AtRisk && !page.Query.Moving},
		{Name: "At risk", Href: "/shipments?show=risk", Current: page.Query.AtRisk, Count: tally.ShipmentsAtRisk},
		{Name: "Under way", Href: "/shipments?show=moving", Current: page.Query.Moving, Count: tally.ShipmentsMoving},
	}
	list, err := s.deps.Pages.ShipmentRows(r.Context(), page.Query)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Rows, page.Pager = c.shipmentLines(list.Rows), pagerOf(r, list.Next)
	page.Empty = noShipments(page)
	s.show(w, "shipments", page)
}

func noShipments(page shipmentsContents) empty {
	switch {
	case page.Query.Text != "":
		return empty{Title: "No shipment fits", Text: fmt.Sprintf("Nothing matches %q.", page.Query.Text)}
	case page.Query.AtRisk:
		return empty{Title: "Nothing is at risk", Text: "Every shipment is within its budgets and no lot is on hold."}
	case page.Query.Moving:
		return empty{Title: "Nothing is under way", Text: "Shipments appear here from their departure to their arrival."}
	default:
		return empty{Title: "No shipments yet", Text: "Declare storage profiles and shipments in a file and run telltale apply -f FILE."}
	}
}
