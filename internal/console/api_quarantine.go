package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

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
	ClientID   string     `json:"client_id"`
	Payload    []byte     `json:"payload" doc:"the raw bytes, base64"`
	ReceivedAt time.Time  `json:"received_at" doc:"the first time"`
	LastAt     time.Time  `json:"last_at"`
	Count      int64      `json:"count"`
	ReplayedAt *time.Time `json:"replayed_at" doc:"null: not since it was refused last"`
}

func showRefused(r views.RefusedRow) refusedView {
	return refusedView{
		ID: r.ID, Reason: string(r.Reason), Detail: r.Detail, Topic: r.Topic, ClientID: r.ClientID,
		Payload: r.Payload, ReceivedAt: r.ReceivedAt, LastAt: r.LastAt, Count: r.Count, ReplayedAt: orNull(r.ReplayedAt),
	}
}

type refusedListInput struct {
	Stretch
	Reason string `query:"reason" doc:"such as malformed"`
}

type replayInput struct {
	Body struct {
		Reason string   `json:"reason,omitempty" doc:"all that were refused for it and not replayed since"`
		IDs    []string `json:"ids,omitempty" maxItems:"500" doc:"these, replayed before or not"`
	}
}

type replayAnswer struct {
	Body struct {
		Replayed int  `json:"replayed" doc:"messages given to the pipeline again"`
		More     bool `json:"more" doc:"there may be more of the reason: repeat the request"`
	}
}

func (s *rest) registerQuarantine() {
	tags := []string{"quarantine"}
	route(s, huma.Operation{
		OperationID: "list-quarantine", Method: http.MethodGet, Path: "/quarantine", Tags: tags,
		Summary: "Messages that were refused, the latest first",
	}, access.Read, s.listQuarantine)
	route(s, huma.Operation{
		OperationID: "replay-quarantine", Method: http.MethodPost, Path: "/quarantine/replay", Tags: tags,
		Summary: "Give refused messages to the pipeline again, after the cause was mended", DefaultStatus: http.StatusOK,
	}, access.HandleRefused, s.replayQuarantine)
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
	q := views.RefusedQuery{Reason: ingest.Reason(in.Reason), Limit: in.Limit}
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

func checkReason(location, reason string) error {
	if !slices.Contains(ingest.Reasons(), ingest.Reason(reason)) {
		return invalid(location, fmt.Sprintf("must be one of %v", ingest.Reasons()), reason)
	}
	return nil
}

// replayBatch bounds one request; the answer says what remains.
const replayBatch = 1000

func (s *rest) replayQuarantine(ctx context.Context, in *replayInput) (*replayAnswer, error) {
	reason, ids := in.Body.Reason, in.Body.IDs
	if (reason == "") == (len(ids) == 0) {
		return nil, invalid("body", "must name either a reason or ids", nil)
	}
	if reason != "" {
		if err := checkReason("body.reason", reason); err != nil {
			return nil, err
		}
	}
	messages, err := s.deps.Quarantine.RefusedToReplay(ctx, ingest.Reason(reason), ids, replayBatch)
	if err != nil {
		return nil, err
	}
	n, err := s.replay(ctx, messages)
	if err != nil {
		return nil, err
	}
	out := &replayAnswer{}
	out.Body.Replayed = n
	out.Body.More = n == replayBatch
	return out, nil
}

// replay gives messages to the pipeline, notes those that got there and
// returns how many. A crash in between replays them twice, which the rules see
// as duplicates; the other order could lose them.
func (s *Server) replay(ctx context.Context, messages []views.RefusedRow) (int, error) {
	done := 0
	var failed error
	for _, m := range messages {
		if failed = s.deps.Replayer.Replay(ctx, m.Quarantined); failed != nil {
			break
		}
		done++
	}
	noted := s.deps.Quarantine.MarkReplayed(context.WithoutCancel(ctx), messages[:done], s.now())
	return done, errors.Join(failed, noted)
}
