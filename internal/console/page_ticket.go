package console

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"telltale/devices"
	"telltale/internal/access"
	"telltale/internal/views"
	"telltale/tickets"
	"telltale/tickets/crm"
)

type ticketContents struct {
	*chrome
	Ticket     *tickets.Ticket
	Customer   *crm.Customer
	Contact    *crm.Contact
	Device     *devices.Device
	Article    *tickets.Article
	Alarms     []views.AlarmRow
	Timeline   []timelineLine
	Chart      *chart
	Statuses   []tickets.Status
	Priorities []tickets.Priority

	MayWork, MayAcknowledge bool
}

// timelineLine is an entry with its appearance.
type timelineLine struct {
	tickets.Entry
	Icon, Colour string
	Said         bool // somebody's own words
}

func (s *Server) ticketPage(w http.ResponseWriter, r *http.Request) {
	ticket, err := s.deps.Tickets.Ticket(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c, _, err := s.frame(r, ticket.ID+" "+ticket.Subject, "tickets")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := ticketContents{
		chrome: c, Ticket: ticket, Timeline: timelineLines(ticket.Timeline),
		Statuses: reachable(ticket.Status), Priorities: priorities(),
		MayWork:        c.Person.Can(access.WorkTickets),
		MayAcknowledge: c.Person.Can(access.HandleAlarms),
	}
	if err := s.fillTicket(r, &page); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, "ticket", page)
}

// fillTicket reads what a ticket points to. What is not declared any more is
// left out.
func (s *Server) fillTicket(r *http.Request, page *ticketContents) error {
	ctx, t := r.Context(), page.Ticket
	var err error
	if t.CustomerID != "" {
		page.Customer, err = s.deps.Customers.Customer(ctx, t.CustomerID)
		if err != nil && !errors.Is(err, crm.ErrNotFound) {
			return err
		}
		page.Contact = contactOf(page.Customer, t.ContactID)
	}
	if t.ArticleID != "" {
		if page.Article, err = s.deps.Pages.ArticleSpec(ctx, t.ArticleID); err != nil {
			return err
		}
	}
	if t.DeviceID != "" {
		row, err := s.deps.Pages.DeviceRow(ctx, t.DeviceID, page.Now)
		if err != nil && !errors.Is(err, devices.ErrUnknown) {
			return err
		}
		if err == nil {
			page.Device = &row.Device
		}
	}
	if page.Alarms, err = s.deps.Pages.AlarmRows(ctx, views.AlarmQuery{Ticket: t.ID}); err != nil || len(page.Alarms) == 0 {
		return err
	}
	alarm, err := s.deps.Alarms.Alarm(ctx, page.Alarms[0].ID)
	if err != nil {
		return err
	}
	figure, err := s.alarmFigure(ctx, page.viewer, alarm)
	page.Chart, err = s.orNote("Readings around the fault", figure, err)
	return err
}

// contactOf returns the contact a ticket is addressed to.
func contactOf(c *crm.Customer, id string) *crm.Contact {
	if c == nil {
		return nil
	}
	for i := range c.Contacts {
		if c.Contacts[i].ID == id {
			return &c.Contacts[i]
		}
	}
	return nil
}

// reachable lists the statuses that a person may choose from: the present one
// and those that the life cycle leads to.
func reachable(from tickets.Status) []tickets.Status {
	switch from {
	case tickets.Closed:
		return []tickets.Status{tickets.Closed}
	case tickets.Solved:
		return []tickets.Status{tickets.Solved, tickets.Open, tickets.Closed}
	case tickets.New:
		return []tickets.Status{tickets.New, tickets.Open, tickets.Pending, tickets.OnHold, tickets.Solved}
	default:
		return []tickets.Status{tickets.Open, tickets.Pending, tickets.OnHold, tickets.Solved}
	}
}

func timelineLines(entries []tickets.Entry) []timelineLine {
	lines := make([]timelineLine, len(entries))
	for i, e := range entries {
		lines[i] = timelineLine{Entry: e, Icon: "clock"}
		switch e.Kind {
		case tickets.EntryOpened:
			lines[i].Icon, lines[i].Colour = "bell", "red"
		case tickets.EntryEscalated, tickets.EntryReopened:
			lines[i].Icon, lines[i].Colour = "bell", "red"
		case tickets.EntryCleared, tickets.EntrySolved, tickets.EntryClosed:
			lines[i].Icon, lines[i].Colour = "check", "green"
		case tickets.EntryAcked:
			lines[i].Icon = "check"
		case tickets.EntryOccurrence, tickets.EntryJoined, tickets.EntryAmended, tickets.EntryWithdrawn:
			lines[i].Icon = "repeat"
		case tickets.EntryComment:
			lines[i].Icon, lines[i].Colour, lines[i].Said = "comment", "blue", true
		case tickets.EntryStatus, tickets.EntryPriority, tickets.EntryTeam:
			lines[i].Icon = "pen"
		case tickets.EntryAssigned:
			lines[i].Icon = "customer"
		}
	}
	return lines
}

// changeTicket applies the fields that the form carries; a field it lacks
// stays as it is.
func (s *Server) changeTicket(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	before, err := s.deps.Tickets.Ticket(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if _, err := s.deps.Desk.Update(r.Context(), id, actorOf(r.Context()), patchOf(r, before)); err != nil {
		s.fail(w, r, err)
		return
	}
	back(w, r, ticketPath(id))
}

// patchOf takes over what the form changes. What it sends back unchanged is
// left out: it was shown, not decided, and may have changed meanwhile.
func patchOf(r *http.Request, before *tickets.Ticket) tickets.Patch {
	_ = r.PostFormValue("status") // parses the form
	var p tickets.Patch
	if v := tickets.Status(r.PostForm.Get("status")); v != "" && v != before.Status {
		p.Status = &v
	}
	if v := tickets.Priority(r.PostForm.Get("priority")); v != "" && v != before.Priority {
		p.Priority = &v
	}
	if v := strings.TrimSpace(r.PostForm.Get("assignee")); r.PostForm.Has("assignee") && v != before.Assignee {
		p.Assignee = &v
	}
	return p
}

func (s *Server) commentTicket(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	_, err := s.deps.Desk.Comment(r.Context(), id, actorOf(r.Context()), r.PostFormValue("text"), r.PostFormValue("public") == "yes")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	back(w, r, ticketPath(id))
}

func (s *Server) acknowledgeAlarm(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if _, err := s.deps.Desk.AcknowledgeAlarm(r.Context(), id, actorOf(r.Context()), r.PostFormValue("comment")); err != nil {
		s.fail(w, r, err)
		return
	}
	back(w, r, cmp.Or(r.PostFormValue("next"), "/alarms/"+id))
}
