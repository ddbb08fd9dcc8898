package console

import (
	"fmt"
	"net/http"
	"net/url"

	"telltale/internal/views"
	"telltale/tickets"
)

// tab is one choice above a list.
type tab struct {
	Name, Href string
	Count      int64
	Current    bool
}

// empty is what a list says when it has nothing, and what to do next.
type empty struct {
	Title, Text string
	Slim        bool // inside a card of a page with other things on it
}

// pager leads through a list.
type pager struct {
	Next      string // cursor
	NextHref  string
	FirstHref string
	Paged     bool // this is not the first page
}

func pagerOf(r *http.Request, next string) pager {
	q := r.URL.Query()
	p := pager{Next: next, Paged: q.Has("after")}
	q.Del("after")
	p.FirstHref = r.URL.Path + "?" + q.Encode()
	if next != "" {
		q.Set("after", next)
		p.NextHref = r.URL.Path + "?" + q.Encode()
	}
	return p
}

// inbox is one tab of the tickets page.
type inbox struct {
	key, name string
	statuses  []tickets.Status
}

// inboxes lists the tabs; the first is the default.
func inboxes() []inbox {
	return []inbox{
		{"", "To do", []tickets.Status{tickets.New, tickets.Open, tickets.Pending, tickets.OnHold}},
		{"new", "New", []tickets.Status{tickets.New}},
		{"open", "Open", []tickets.Status{tickets.Open}},
		{"waiting", "Waiting", []tickets.Status{tickets.Pending, tickets.OnHold}},
		{"solved", "Solved", []tickets.Status{tickets.Solved}},
		{"closed", "Closed", []tickets.Status{tickets.Closed}},
		{"all", "All", nil},
	}
}

// ticketLine is a row with what its appearance depends on.
type ticketLine struct {
	views.TicketRow
}

// Done says that no work remains.
func (l ticketLine) Done() bool { return !l.Status.Unsolved() }

func ticketLines(rows []views.TicketRow) []ticketLine {
	lines := make([]ticketLine, len(rows))
	for i, row := range rows {
		lines[i] = ticketLine{row}
	}
	return lines
}

type ticketsContents struct {
	*chrome
	Tabs       []tab
	Status     string
	Query      views.TicketQuery
	Priorities []tickets.Priority
	Narrowed   string
	Rows       []ticketLine
	Pager      pager
	Empty      empty
}

// priorities lists them as people look for them, the gravest first.
func priorities() []tickets.Priority {
	return []tickets.Priority{tickets.Urgent, tickets.High, tickets.Normal, tickets.Low}
}

func (s *Server) ticketsPage(w http.ResponseWriter, r *http.Request) {
	c, tally, err := s.frame(r, "Tickets", "tickets")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	get := r.URL.Query().Get
	page := ticketsContents{chrome: c, Status: get("status"), Priorities: priorities(), Query: views.TicketQuery{
		Priority: tickets.Priority(get("priority")), Customer: get("customer"), Device: get("device"),
		Assignee: get("assignee"), Text: get("q"), After: get("after"),
	}}
	page.Tabs = ticketTabs(&page, tally)
	list, err := s.deps.Pages.TicketRows(r.Context(), page.Query)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Rows, page.Pager = ticketLines(list.Rows), pagerOf(r, list.Next)
	page.Narrowed = narrowed(page.Query)
	page.Empty = noTickets(page)
	s.show(w, "tickets", page)
}

// ticketTabs builds the tabs and sets the query's statuses to those of the
// current one.
func ticketTabs(page *ticketsContents, tally views.Tally) []tab {
	var tabs []tab
	for _, in := range inboxes() {
		t := tab{Name: in.name, Href: "/tickets", Current: in.key == page.Status}
		if in.key != "" {
			t.Href += "?status=" + in.key
		}
		for status, n := range tally.Tickets {
			if in.statuses == nil || contains(in.statuses, status) {
				t.Count += n
			}
		}
		if t.Current {
			page.Query.Statuses = in.statuses
		}
		tabs = append(tabs, t)
	}
	return tabs
}

func contains[T comparable](list []T, wanted T) bool {
	for _, v := range list {
		if v == wanted {
			return true
		}
	}
	return false
}

// narrowed says what a link has restricted the list to.
func narrowed(q views.TicketQuery) string {
	switch {
	case q.Device != "":
		return fmt.Sprintf("Only tickets of device %s.", q.Device)
	case q.Customer != "":
		return fmt.Sprintf("Only tickets of customer %s.", q.Customer)
	default:
		return ""
	}
}

func noTickets(page ticketsContents) empty {
	q := page.Query
	switch {
	case q.Text != "" || q.Priority != "" || q.Assignee != "" || q.Device != "" || q.Customer != "":
		return empty{Title: "No ticket fits", Text: "Take a filter away, or look under All."}
	case page.Status == "":
		return empty{Title: "All quiet", Text: "No ticket needs work. New ones appear here by themselves, the gravest on top."}
	default:
		return empty{Title: "No tickets here", Text: "Tickets open by themselves when a rule raises an alarm."}
	}
}

// ticketPath is where a ticket's page is.
func ticketPath(id string) string { return "/tickets/" + url.PathEscape(id) }
