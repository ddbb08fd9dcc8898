package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/internal/views"
	"telltale/tickets"
)

type heldListInput struct {
	Stretch
	Active string `query:"active" enum:"true,false" doc:"whether it is held back still; absent: either"`
	Device string `query:"device"`
	Rule   string `query:"rule"`
}

type heldAnswer struct{ Body views.HeldAccount }

func (s *rest) registerHeldAlarms() {
	tags := []string{"alarms"}
	route(s, huma.Operation{
		OperationID: "list-held-alarms", Method: http.MethodGet, Path: "/held-alarms", Tags: tags,
		Summary: "Alarms that would have been raised, and what held them back, the latest first",
	}, access.Read, s.listHeldAlarms)
	route(s, huma.Operation{
		OperationID: "get-held-alarm", Method: http.MethodGet, Path: "/held-alarms/{id}", Tags: tags,
		Summary: "One alarm that was held back",
	}, access.Read, func(ctx context.Context, in *idInput) (*heldAnswer, error) {
		account, err := s.deps.HeldAlarms.HeldAccount(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &heldAnswer{Body: account}, nil
	})
}

func (s *rest) listHeldAlarms(ctx context.Context, in *heldListInput) (*list[tickets.HeldAlarmView], error) {
	key, err := parseCursor("held-alarms", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := tickets.HeldQuery{Device: in.Device, Rule: in.Rule, Limit: in.Limit + 1}
	if in.Active != "" {
		active := in.Active == "true"
		q.Active = &active
	}
	if key != nil {
		q.After = key[0]
	}
	rows, err := s.deps.HeldAlarms.HeldAlarms(ctx, q)
	if err != nil {
		return nil, err
	}
	return page("held-alarms", rows, in.Limit, (*tickets.HeldAlarm).View,
		func(h *tickets.HeldAlarm) []string { return []string{h.ID} }), nil
}
