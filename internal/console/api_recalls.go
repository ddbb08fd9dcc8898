package console

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/tickets/recalls"
)

type recallAnswer struct{ Body recalls.View }

func answerRecall(r *recalls.Recall, err error) (*recallAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &recallAnswer{Body: r.View()}, nil
}

type holdAnswer struct{ Body recalls.HoldView }

type recallListInput struct {
	Stretch
	Status   []string `query:"status" enum:"proposed,approved,rejected,executing,closed" doc:"any of them, parted by commas"`
	Shipment string   `query:"shipment"`
	Customer string   `query:"customer" doc:"a consignee"`
	Lot      string   `query:"lot" doc:"lot number"`
}

type holdListInput struct {
	Stretch
	InForce  bool   `query:"in_force" doc:"true: only those that were not released"`
	Shipment string `query:"shipment"`
	Lot      string `query:"lot" doc:"lot number"`
}

type recallInput struct {
	Body struct {
		Class       string   `json:"class,omitempty" enum:",I,II,III" doc:"left out while nobody can say"`
		Reason      string   `json:"reason" minLength:"1" maxLength:"10000"`
		ShipmentIDs []string `json:"shipment_ids,omitempty" maxItems:"1000"`
		Lots        []lotRef `json:"lots,omitempty" maxItems:"1000" doc:"alone: wherever they went; with shipments: as far as they are in those"`
	}
}

type lotRef struct {
	GTIN string `json:"gtin,omitempty" doc:"left out: any lot with the number"`
	Lot  string `json:"lot" minLength:"1"`
}

// decisionInput carries what a person says to a decision, under either name.
type decisionInput struct {
	ID   string `path:"id"`
	Body *struct {
		Comment string `json:"comment,omitempty" maxLength:"10000"`
		Reason  string `json:"reason,omitempty" maxLength:"10000" doc:"the same"`
	}
}

func (in *decisionInput) words() string {
	if in.Body == nil {
		return ""
	}
	return cmp.Or(in.Body.Reason, in.Body.Comment)
}

type itemAnswerInput struct {
	ID   string `path:"id"`
	Body struct {
		Item      int64 `json:"item" doc:"id of the recall's item"`
		Returned  int64 `json:"returned" minimum:"0"`
		Destroyed int64 `json:"destroyed" minimum:"0"`
		Used      int64 `json:"used" minimum:"0"`
	}
}

func (s *rest) registerRecalls() {
	tags := []string{"recalls"}
	route(s, huma.Operation{
		OperationID: "list-holds", Method: http.MethodGet, Path: "/holds", Tags: tags,
		Summary: "Lots of shipments that must not be used, the newest hold first",
	}, access.Read, s.listHolds)
	route(s, huma.Operation{
		OperationID: "release-hold", Method: http.MethodPost, Path: "/holds/{id}/release", Tags: tags,
		Summary: "Let a lot be used again; needs a reason", DefaultStatus: http.StatusOK,
	}, access.DecideRecalls, s.releaseHold)
	route(s, huma.Operation{
		OperationID: "list-recalls", Method: http.MethodGet, Path: "/recalls", Tags: tags, Summary: "Recalls, newest first",
	}, access.Read, s.listRecalls)
	route(s, huma.Operation{
		OperationID: "get-recall", Method: http.MethodGet, Path: "/recalls/{id}", Tags: tags, Summary: "One recall",
	}, access.Read, func(ctx context.Context, in *idInput) (*recallAnswer, error) {
		return answerRecall(s.deps.Recalls.Recall(ctx, in.ID))
	})
	route(s, huma.Operation{
		OperationID: "propose-recall", Method: http.MethodPost, Path: "/recalls", Tags: tags,
		Summary: "Propose a recall by hand", DefaultStatus: http.StatusCreated,
	}, access.DecideRecalls, s.proposeRecall)
	s.registerDecisions(tags)
}

func (s *rest) registerDecisions(tags []string) {
	desk := s.deps.RecallDesk
	decide := func(verb, summary string, do func(ctx context.Context, id, person, text string) (*recalls.Recall, error)) {
		route(s, huma.Operation{
			OperationID: verb + "-recall", Method: http.MethodPost, Path: "/recalls/{id}/" + verb, Tags: tags,
			Summary: summary, DefaultStatus: http.StatusOK,
		}, access.DecideRecalls, func(ctx context.Context, in *decisionInput) (*recallAnswer, error) {
			return answerRecall(do(ctx, in.ID, actorOf(ctx), in.words()))
		})
	}
	decide("approve", "Sign a proposed recall; the second person's signature approves it", desk.Approve)
	decide("reject", "End a proposed recall; needs a reason", desk.Reject)
	decide("close", "End an approved recall; needs a reason while anything is unaccounted for", desk.Close)
	route(s, huma.Operation{
		OperationID: "answer-recall", Method: http.MethodPost, Path: "/recalls/{id}/answers", Tags: tags,
		Summary: "Record what became of a consignee's units", DefaultStatus: http.StatusOK,
	}, access.DecideRecalls, func(ctx context.Context, in *itemAnswerInput) (*recallAnswer, error) {
		return answerRecall(desk.Answer(ctx, in.ID, actorOf(ctx), recalls.Answer(in.Body)))
	})
}

func (s *rest) listHolds(ctx context.Context, in *holdListInput) (*list[recalls.HoldView], error) {
	key, err := parseCursor("holds", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := recalls.HoldQuery{InForce: in.InForce, Shipment: in.Shipment, Lot: in.Lot, Limit: in.Limit + 1}
	if key != nil {
		q.After = key[0]
	}
	rows, err := s.deps.Recalls.ListHolds(ctx, q)
	if err != nil {
		return nil, err
	}
	return page("holds", rows, in.Limit, func(h recalls.Hold) recalls.HoldView { return h.View() },
		func(h recalls.Hold) []string { return []string{h.ID} }), nil
}

func (s *rest) releaseHold(ctx context.Context, in *decisionInput) (*holdAnswer, error) {
	h, err := s.deps.RecallDesk.ReleaseHold(ctx, in.ID, actorOf(ctx), in.words())
	if err != nil {
		return nil, err
	}
	return &holdAnswer{Body: h.View()}, nil
}

func (s *rest) listRecalls(ctx context.Context, in *recallListInput) (*list[recalls.View], error) {
	key, err := parseCursor("recalls", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := recalls.Query{Shipment: in.Shipment, Customer: in.Customer, Lot: in.Lot, Limit: in.Limit + 1}
	for _, status := range in.Status {
		q.Statuses = append(q.Statuses, recalls.Status(status))
	}
	if key != nil {
		q.After = key[0]
	}
	rows, err := s.deps.Recalls.ListRecalls(ctx, q)
	if err != nil {
		return nil, err
	}
	return page("recalls", rows, in.Limit, (*recalls.Recall).View,
		func(r *recalls.Recall) []string { return []string{r.ID} }), nil
}

func (s *rest) proposeRecall(ctx context.Context, in *recallInput) (*recallAnswer, error) {
	q := recalls.Request{Class: in.Body.Class, Reason: in.Body.Reason, ShipmentIDs: in.Body.ShipmentIDs}
	for _, l := range in.Body.Lots {
		q.Lots = append(q.Lots, recalls.Lot(l))
	}
	r, err := s.deps.RecallDesk.Create(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, asInvalid(err, "body", nil)
	}
	return answerRecall(r, nil)
}
