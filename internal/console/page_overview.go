package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"telltale/internal/views"
	"telltale/tickets"
	"telltale/tickets/recalls"
)

// overviewRows is how many of each kind the overview shows.
const overviewRows = 6

type priorityCount struct {
	Priority tickets.Priority
	Count    int64
}

type overviewContents struct {
	*chrome
	Heading, Sub string
	Tally        views.Tally
	ByPriority   []priorityCount

	Declared, Reporting, Late, Offline, Never int64

	Tickets   []ticketLine
	Recalls   []recallLine
	Shipments []shipmentLine
	Alarms    []views.AlarmRow // without those on the shelf
	Active    int64            // how many of those there are
	Shelved   []views.AlarmRow

	NoTickets, NoRecalls, NoShipments, NoAlarms empty
}

func (s *Server) overviewPage(w http.ResponseWriter, r *http.Request) {
	c, tally, err := s.frame(r, "Overview", "overview")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := overviewContents{
		chrome: c, Tally: tally,
		NoTickets:   empty{Title: "All quiet", Text: "No ticket needs work.", Slim: true},
		NoRecalls:   empty{Title: "Nothing to sign", Text: "A recall is proposed here when a shipment uses up a budget.", Slim: true},
		NoShipments: empty{Title: "Nothing at risk", Text: "Every shipment is within its budgets.", Slim: true},
		NoAlarms:    empty{Title: "No active alarms", Text: "Every device is within its rules.", Slim: true},
	}
	for _, p := range priorities() {
		if n := tally.Unsolved[p]; n > 0 {
			page.ByPriority = append(page.ByPriority, priorityCount{p, n})
		}
	}
	page.Heading, page.Sub = greeting(tally)
	if err := s.fillOverview(r, &page); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, "overview", page)
}

// greeting says first what matters most.
func greeting(t views.Tally) (heading, sub string) {
	urgent := t.Unsolved[tickets.Urgent]
	switch {
	case t.RecallsToSign > 0:
		return plural(t.RecallsToSign, "recall") + " to sign", "A shipment has used up a temperature budget; its lots are on hold until people decide."
	case urgent > 0:
		return plural(urgent, "urgent ticket"), "The gravest faults come first. This page keeps itself up to date."
	case t.UnsolvedTotal() > 0:
		return "Nothing urgent", fmt.Sprintf("%s in work. This page keeps itself up to date.", plural(t.UnsolvedTotal(), "ticket"))
	default:
		return "All quiet", "Nothing needs attention. This page keeps itself up to date."
	}
}

func (s *Server) fillOverview(r *http.Request, page *overviewContents) error {
	ctx := r.Context()
	fleet, err := s.deps.Pages.Fleet(ctx, page.Now)
	if err != nil {
		return err
	}
	page.Declared, page.Reporting = fleet.Declared(), fleet.Online
	page.Late, page.Offline, page.Never = fleet.Late, fleet.Offline, fleet.Unknown

	open, err := s.deps.Pages.TicketRows(ctx, views.TicketQuery{Statuses: inboxes()[0].statuses, Limit: 2 * overviewRows})
	if err != nil {
		return err
	}
	page.Tickets = ticketLines(open.Rows)
	toSign, err := s.deps.Recalls.ListRecalls(ctx, recalls.Query{Statuses: []recalls.Status{recalls.Proposed}, Limit: overviewRows})
	if err != nil {
		return err
	}
	page.Recalls = recallLines(toSign)
	risky, err := s.deps.Pages.ShipmentRows(ctx, views.ShipmentQuery{AtRisk: true, Limit: overviewRows})
	if err != nil {
		return err
	}
	page.Shipments = page.shipmentLines(risky.Rows)
	return s.fillOverviewAlarms(ctx, page)
}

// fillOverviewAlarms lists what is active and what somebody has put aside; one
// that is on the shelf stands there alone.
func (s *Server) fillOverviewAlarms(ctx context.Context, page *overviewContents) (err error) {
	if page.Shelved, err = s.deps.Pages.AlarmRows(ctx, views.AlarmQuery{ShelvedAt: page.Now, Limit: overviewRows}); err != nil {
		return err
	}
	all, err := s.deps.Pages.AlarmRows(ctx, views.AlarmQuery{Active: true, Live: true, Limit: overviewRows + len(page.Shelved)})
	if err != nil {
		return err
	}
	put := make(map[string]bool, len(page.Shelved))
	for i := range page.Shelved {
		put[page.Shelved[i].ID] = true
	}
	page.Active = page.Tally.ActiveAlarms
	page.Alarms = slices.DeleteFunc(all, func(a views.AlarmRow) bool {
		if put[a.ID] {
			page.Active--
		}
		return put[a.ID]
	})
	page.Alarms = page.Alarms[:min(len(page.Alarms), overviewRows)]
	return nil
}

// partState is one part of the gateway and whether it works.
type partState struct {
	Name, Answer string
	OK           bool
}

// partsFragment answers with the state of the gateway's parts. The overview
// asks for it by itself, so that a part that hangs holds up nobody's page.
func (s *Server) partsFragment(w http.ResponseWriter, r *http.Request) {
	parts := make([]partState, len(s.opts.Checks))
	var wg sync.WaitGroup
	for i, check := range s.opts.Checks {
		wg.Go(func() {
			answer := s.ask(r.Context(), check)
			parts[i] = partState{check.Name, answer, answer == "ok"}
		})
	}
	wg.Wait()
	s.render(w, http.StatusOK, "parts-state", "main", parts)
}
