package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/internal/access"
	"telltale/tickets"
)

type ticketAnswer struct{ Body tickets.View }

func answerTicket(t *tickets.Ticket, err error) (*ticketAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &ticketAnswer{Body: t.View()}, nil
}

type ticketListInput struct {
	Stretch
	Status   []string `query:"status" enum:"new,open,pending,on_hold,solved,closed" doc:"any of them, parted by commas"`
	Customer string   `query:"customer"`
	Device   string   `query:"device"`
	Rule     string   `query:"rule"`
}

type commentInput struct {
	ID   string `path:"id"`
	Body struct {
		Text   string `json:"text" minLength:"1" maxLength:"10000"`
		Public bool   `json:"public,omitempty" doc:"the customer may read it"`
	}
}

type patchInput struct {
	ID   string `path:"id"`
	Body struct {
		Status   *tickets.Status   `json:"status,omitempty" enum:"open,pending,on_hold,solved,closed"`
		Priority *tickets.Priority `json:"priority,omitempty" enum:"low,normal,high,urgent"`
		Assignee *string           `json:"assignee,omitempty" maxLength:"200" doc:"a login; empty: nobody"`
		Team     *string           `json:"team,omitempty" maxLength:"200"`
	}
}

type complaintInput struct {
	Body struct {
		CustomerID string `json:"customer_id" minLength:"1"`
		Text       string `json:"text" minLength:"1" maxLength:"10000" doc:"what the customer says"`
		DeviceID   string `json:"device_id,omitempty"`
		Lot        string `json:"lot,omitempty" maxLength:"200"`
	}
}

func (s *rest) registerTickets() {
	tags := []string{"tickets"}
	route(s, huma.Operation{
		OperationID: "list-tickets", Method: http.MethodGet, Path: "/tickets", Tags: tags,
		Summary: "Tickets without their timelines, newest first",
	}, access.Read, s.listTickets)
	route(s, huma.Operation{
		OperationID: "get-ticket", Method: http.MethodGet, Path: "/tickets/{id}", Tags: tags,
		Summary: "One ticket with its timeline",
	}, access.Read, func(ctx context.Context, in *idInput) (*ticketAnswer, error) {
		return answerTicket(s.deps.Tickets.Ticket(ctx, in.ID))
	})
	route(s, huma.Operation{
		OperationID: "comment-ticket", Method: http.MethodPost, Path: "/tickets/{id}/comments", Tags: tags,
		Summary: "Add a comment to the timeline", DefaultStatus: http.StatusCreated,
	}, access.WorkTickets, s.commentTicket)
	route(s, huma.Operation{
		OperationID: "patch-ticket", Method: http.MethodPatch, Path: "/tickets/{id}", Tags: tags,
		Summary: "Change status, priority, assignee or team",
	}, access.WorkTickets, s.patchTicket)
	route(s, huma.Operation{
		OperationID: "file-complaint", Method: http.MethodPost, Path: "/complaints", Tags: tags,
		Summary: "A customer says that something is wrong: open a ticket", DefaultStatus: http.StatusCreated,
	}, access.FileComplaint, s.fileComplaint)
}

func (s *rest) listTickets(ctx context.Context, in *ticketListInput) (*list[tickets.View], error) {
	key, err := parseCursor("tickets", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := tickets.Query{
		Customer: in.Customer, Device: in.Device, Rule: in.Rule, Limit: in.Limit + 1,
	}
	for _, status := range in.Status {
		q.Statuses = append(q.Statuses, tickets.Status(status))
	}
	if key != nil {
		q.After = key[0]
	}
	rows, err := s.deps.Tickets.ListTickets(ctx, q)
	if err != nil {
		return nil, err
	}
	return page("tickets", rows, in.Limit, (*tickets.Ticket).View,
		func(t *tickets.Ticket) []string { return []string{t.ID} }), nil
}

func (s *rest) commentTicket(ctx context.Context, in *commentInput) (*ticketAnswer, error) {
	if _, err := s.deps.Desk.Comment(ctx, in.ID, actorOf(ctx), in.Body.Text, in.Body.Public); err != nil {
		return nil, err
	}
	return answerTicket(s.deps.Tickets.Ticket(ctx, in.ID))
}

func (s *rest) patchTicket(ctx context.Context, in *patchInput) (*ticketAnswer, error) {
	b := in.Body
	if b.Status == nil && b.Priority == nil && b.Assignee == nil && b.Team == nil {
		return nil, invalid("body", "must name at least one of status, priority, assignee and team", nil)
	}
	patch := tickets.Patch{Status: b.Status, Priority: b.Priority, Assignee: b.Assignee, Team: b.Team}
	if _, err := s.deps.Desk.Update(ctx, in.ID, actorOf(ctx), patch); err != nil {
		return nil, err
	}
	return answerTicket(s.deps.Tickets.Ticket(ctx, in.ID))
}

func (s *rest) fileComplaint(ctx context.Context, in *complaintInput) (*ticketAnswer, error) {
	customer, err := s.deps.Customers.Customer(ctx, in.Body.CustomerID)
	if err != nil {
		return nil, asInvalid(err, "body.customer_id", in.Body.CustomerID)
	}
	filed, err := s.deps.Desk.FileComplaint(ctx, actorOf(ctx), tickets.Complaint{
		Customer: customer, Text: in.Body.Text, Device: devices.ID(in.Body.DeviceID), Lot: in.Body.Lot,
	})
	if err != nil {
		return nil, err
	}
	return answerTicket(s.deps.Tickets.Ticket(ctx, filed.ID))
}
