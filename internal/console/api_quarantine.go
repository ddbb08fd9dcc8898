package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/access"
	"telltale/internal/views"
)

// refusedView is a quarantined message as the API shows it.
type refusedView struct {
	ID         string     `json:"id"`
	Reason     string     `json:"reason"`
	Detail     string     `json:"detail" doc:"a sentence that names field, device or limit"`
	Topic      string     `json:"topic"`
	Source     string     `json:"source" doc:"name of the source that claims the topic; empty: none"`
	DeviceID   string     `json:"device_id" doc:"the first device that the refusal is about; empty where it is about the message"`
	DeviceIDs  []string   `json:"device_ids"`
	ClientID   string     `json:"client_id"`
	Payload    []byte     `json:"payload" doc:"the raw bytes, base64"`
	ReceivedAt time.Time  `json:"received_at" doc:"the first time"`
	LastAt     time.Time  `json:"last_at"`
	Count      int64      `json:"count"`
	ObservedAt *time.Time `json:"observed_at" doc:"by the clock of the first device; null: it says no time, or none before the year 10000"`
	ReplayedAt *time.Time `json:"replayed_at" doc:"null: not accepted since it was refused last"`
	TriedAt    *time.Time `json:"tried_at" doc:"last replay, whatever came of it"`
	Outcome    string     `json:"outcome" doc:"of the last replay: accepted, or the reason it is refused for now"`
}

func showRefused(r views.RefusedRow) refusedView {
	v := refusedView{
		ID: r.ID, Reason: string(r.Reason), Detail: r.Detail, Topic: r.Topic, Source: r.Source,
		DeviceIDs: make([]string, len(r.Devices)), ClientID: r.ClientID, Payload: r.Payload,
		ReceivedAt: r.ReceivedAt, LastAt: r.LastAt, Count: r.Count, ObservedAt: orNull(r.ObservedAt),
		ReplayedAt: orNull(r.ReplayedAt), TriedAt: orNull(r.TriedAt), Outcome: r.Outcome,
	}
	for i, id := range r.Devices {
		v.DeviceIDs[i] = string(id)
	}
	if len(r.Devices) > 0 {
		v.DeviceID = v.DeviceIDs[0]
	}
	return v
}

type refusedListInput struct {
	Stretch
	Reason  string    `query:"reason" doc:"such as malformed"`
	Device  string    `query:"device" doc:"that the refusal is about"`
	Topic   string    `query:"topic" doc:"an MQTT filter, or a part of the topic"`
	Text    string    `query:"q" maxLength:"200" doc:"part of the detail, topic, client or payload"`
	Since   time.Time `query:"since" doc:"came last at or after"`
	Until   time.Time `query:"until" doc:"came first before"`
	Waiting bool      `query:"waiting" doc:"only those not accepted since they came last"`
}

type refusedAnswer struct{ Body refusedView }

func (s *rest) registerQuarantine() {
	tags := []string{"quarantine"}
	route(s, huma.Operation{
		OperationID: "list-quarantine", Method: http.MethodGet, Path: "/quarantine", Tags: tags,
		Summary: "Messages that were refused, the latest first",
	}, access.Read, s.listQuarantine)
	route(s, huma.Operation{
		OperationID: "get-quarantined", Method: http.MethodGet, Path: "/quarantine/{id}", Tags: tags,
		Summary: "One message that was refused",
	}, access.Read, s.getQuarantined)
	route(s, huma.Operation{
		OperationID: "replay-quarantine", Method: http.MethodPost, Path: "/quarantine/replay", Tags: tags,
		Summary:     "Give refused messages to the pipeline again, after the cause was mended",
		Description: "Answers after ten seconds at the latest; a replay that takes longer goes on.", DefaultStatus: http.StatusOK,
	}, access.HandleRefused, s.replayQuarantine)
	route(s, huma.Operation{
		OperationID: "list-replays", Method: http.MethodGet, Path: "/quarantine/replays", Tags: tags,
		Summary: "Replays, those that go on first, then the latest",
	}, access.Read, s.listReplays)
	route(s, huma.Operation{
		OperationID: "get-replay", Method: http.MethodGet, Path: "/quarantine/replays/{number}", Tags: tags,
		Summary: "How far a replay is",
	}, access.Read, s.getReplay)
}

func (s *rest) listQuarantine(ctx context.Context, in *refusedListInput) (*list[refusedView], error) {
	if in.Reason != "" {
		if err := checkReason("query.reason", in.Reason); err != nil {
			return nil, err
		}
	}
	key, err := parseCursor("quarantine", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := views.RefusedQuery{
		Reason: ingest.Reason(in.Reason), Device: in.Device, Topic: in.Topic, Text: in.Text,
		Since: in.Since, Until: in.Until, Waiting: in.Waiting, Limit: in.Limit,
	}
	if key != nil {
		q.After = key[0]
	}
	found, err := s.deps.Quarantine.ListQuarantined(ctx, q)
	if err != nil {
		return nil, err
	}
	out := whole(found.Rows, showRefused)
	if found.Next != "" {
		out.Body.Next = cursor("quarantine", found.Next)
	}
	return out, nil
}

func (s *rest) getQuarantined(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*refusedAnswer, error) {
	row, err := s.deps.Quarantine.Refused(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &refusedAnswer{Body: showRefused(row)}, nil
}

func checkReason(location, reason string) error {
	if !slices.Contains(ingest.Reasons(), ingest.Reason(reason)) {
		return invalid(location, fmt.Sprintf("must be one of %v", ingest.Reasons()), reason)
	}
	return nil
}

// previewed is the message of an unclaimed device that was kept last.
func previewed(u views.UnclaimedRow) ingest.Quarantined {
	return ingest.Quarantined{Topic: u.Topic, Payload: u.Payload, ReceivedAt: u.ReceivedAt, Devices: []devices.ID{u.ID}}
}
