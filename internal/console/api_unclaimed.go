package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/internal/access"
	"telltale/internal/views"
)

// unclaimedView is a device that sends and is not declared.
type unclaimedView struct {
	ID        string       `json:"id"`
	Source    string       `json:"source" doc:"name of the source that its last message came through"`
	Topic     string       `json:"topic" doc:"of its last message"`
	FirstAt   time.Time    `json:"first_at"`
	LastAt    time.Time    `json:"last_at"`
	Messages  int64        `json:"messages" doc:"that came"`
	Kept      int64        `json:"kept" doc:"that are kept, to be replayed when it is declared"`
	Metrics   []sampleView `json:"metrics" doc:"of its last message, by the device's names"`
	Complaint string       `json:"complaint" doc:"why its last message cannot be decoded; empty when it can"`
	Models    []guessView  `json:"models" doc:"that declare such metrics, the likeliest first"`
}

type sampleView struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Unit  string `json:"unit" doc:"as the device says; mostly it does not"`
}

type guessView struct {
	Model        string  `json:"model"`
	Matched      int     `json:"matched" doc:"metrics of the device that the model declares, with a value that it allows"`
	Missing      int     `json:"missing" doc:"metrics of the model that the device did not send"`
	Unexplained  int     `json:"unexplained" doc:"metrics of the device that the model does not declare"`
	Contradicted int     `json:"contradicted" doc:"metrics that the model declares otherwise: in another kind of unit, or out of range"`
	Fit          float64 `json:"fit" doc:"how well the model explains all that was sent, up to 1; models below 0.5 are not listed"`
}

func showUnclaimed(u stranger) unclaimedView {
	v := unclaimedView{
		ID: string(u.ID), Source: u.Source, Topic: u.Topic, FirstAt: u.FirstAt, LastAt: u.LastAt,
		Messages: u.Messages, Kept: u.Waiting, Complaint: u.Complaint,
		Metrics: make([]sampleView, len(u.Metrics)), Models: make([]guessView, len(u.Guesses)),
	}
	for i, m := range u.Metrics {
		v.Metrics[i] = sampleView(m)
	}
	for i, g := range u.Guesses {
		v.Models[i] = guessView(g)
	}
	return v
}

type unclaimedListInput struct {
	Stretch
	Text string `query:"q" maxLength:"200" doc:"part of the id"`
}

type claimsInput struct {
	Body struct {
		Claim
		IDs []string `json:"ids" minItems:"1" maxItems:"500" doc:"devices that are not declared"`
	}
}

func (s *rest) registerUnclaimed() {
	tags := []string{"devices"}
	route(s, huma.Operation{
		OperationID: "list-unclaimed-devices", Method: http.MethodGet, Path: "/devices/unclaimed", Tags: tags,
		Summary: "Devices that send and are not declared, the one that sent last first",
	}, access.Read, s.listUnclaimed)
	route(s, huma.Operation{
		OperationID: "claim-device", Method: http.MethodPost, Path: "/devices/unclaimed/{id}/claim", Tags: tags,
		Summary:     "Declare a device that sends already; its messages are replayed",
		Description: "A slash in the id is sent as %2F.", DefaultStatus: http.StatusOK,
	}, access.Declare, s.claimOne)
	route(s, huma.Operation{
		OperationID: "claim-devices", Method: http.MethodPost, Path: "/devices/unclaimed/claim", Tags: tags,
		Summary: "Declare several devices of one model, all or none", DefaultStatus: http.StatusOK,
	}, access.Declare, s.claimSeveral)
}

func (s *rest) listUnclaimed(ctx context.Context, in *unclaimedListInput) (*list[unclaimedView], error) {
	key, err := parseCursor("unclaimed", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := views.UnclaimedQuery{Text: in.Text, Limit: in.Limit}
	if key != nil {
		q.After = key[0]
	}
	found, err := s.deps.Quarantine.UnclaimedRows(ctx, q)
	if err != nil {
		return nil, err
	}
	models, err := s.deps.Pages.Models(ctx)
	if err != nil {
		return nil, err
	}
	out := whole(found.Rows, func(row views.UnclaimedRow) unclaimedView { return showUnclaimed(s.strangerOf(row, models)) })
	if found.Next != "" {
		out.Body.Next = cursor("unclaimed", found.Next)
	}
	return out, nil
}

func (s *rest) claimOne(ctx context.Context, in *struct {
	ID   string `path:"id"`
	Body Claim
}) (*deviceAnswer, error) {
	if _, err := s.claimDevices(ctx, []devices.ID{devices.ID(in.ID)}, in.Body); err != nil {
		return nil, declarationProblem(err)
	}
	now := s.now()
	d, err := s.deps.Devices.Device(ctx, devices.ID(in.ID), now)
	if err != nil {
		return nil, err
	}
	return &deviceAnswer{Body: showDevice(now)(d)}, nil
}

func (s *rest) claimSeveral(ctx context.Context, in *claimsInput) (*planAnswer, error) {
	ids := make([]devices.ID, len(in.Body.IDs))
	for i, id := range in.Body.IDs {
		ids[i] = devices.ID(id)
	}
	plan, err := s.claimDevices(ctx, ids, in.Body.Claim)
	if err != nil {
		return nil, declarationProblem(err)
	}
	return &planAnswer{Body: showPlan(plan)}, nil
}
