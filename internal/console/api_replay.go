package console

import (
	"context"
	"time"

	"telltale/ingest"
	"telltale/internal/views"
)

type replayInput struct {
	Body struct {
		Reason string   `json:"reason,omitempty" doc:"all that were refused for it"`
		Device string   `json:"device,omitempty" doc:"all that were refused on account of the device"`
		Topic  string   `json:"topic,omitempty" doc:"all of the topics: an MQTT filter, or a part of the topic"`
		IDs    []string `json:"ids,omitempty" maxItems:"500" doc:"these, accepted before or not"`
		DryRun bool     `json:"dry_run,omitempty" doc:"say what would become of the first thousand, and do nothing"`
	}
}

// replayView is a replay as the API shows it.
type replayView struct {
	Number      int64      `json:"number" doc:"0 in a dry run"`
	RequestedBy string     `json:"requested_by"`
	RequestedAt *time.Time `json:"requested_at"`
	Selected    int64      `json:"selected" doc:"times that the selected messages came and were not accepted yet"`
	Replayed    int64      `json:"replayed" doc:"accepted so far"`
	Refused     int64      `json:"refused" doc:"refused for the same reason again; they stay"`
	More        bool       `json:"more" doc:"it goes on; ask for it by its number"`
	Failure     string     `json:"failure" doc:"why it does not go on at the moment"`
	FinishedAt  *time.Time `json:"finished_at"`
}

func showReplay(r views.Replay) replayView {
	return replayView{
		Number: r.Number, RequestedBy: r.RequestedBy, RequestedAt: orNull(r.RequestedAt), Selected: r.Selected,
		Replayed: r.Accepted, Refused: r.Refused, More: r.FinishedAt.IsZero(), Failure: r.Failure, FinishedAt: orNull(r.FinishedAt),
	}
}

type replayAnswer struct{ Body replayView }

func (s *rest) replayQuarantine(ctx context.Context, in *replayInput) (*replayAnswer, error) {
	selection := views.ReplaySelection{Reason: ingest.Reason(in.Body.Reason), Topic: in.Body.Topic, IDs: in.Body.IDs}
	if in.Body.Device != "" {
		selection.Devices = []string{in.Body.Device}
	}
	if selection.Empty() || len(selection.IDs) > 0 && (in.Body.Reason != "" || in.Body.Device != "" || in.Body.Topic != "") {
		return nil, invalid("body", "must name ids, or else a reason, a device or a topic", nil)
	}
	if in.Body.Reason != "" {
		if err := checkReason("body.reason", in.Body.Reason); err != nil {
			return nil, err
		}
		if selection.Reason == ingest.TooLarge {
			return nil, invalid("body.reason", "of messages that were too large only the beginning is kept, so they cannot be replayed", nil)
		}
	}
	if in.Body.DryRun {
		return s.tryReplay(ctx, selection)
	}
	p, _ := principalOf(ctx)
	replay, err := s.replay(ctx, selection, p.Actor)
	return &replayAnswer{Body: showReplay(replay)}, err
}

// dryRunLimit bounds what a dry run looks at.
const dryRunLimit = 1000

func (s *rest) tryReplay(ctx context.Context, selection views.ReplaySelection) (*replayAnswer, error) {
	waiting, err := s.deps.Replays.SelectWaiting(ctx, selection, dryRunLimit)
	if err != nil {
		return nil, err
	}
	out := &replayAnswer{Body: replayView{Selected: int64(len(waiting)), More: len(waiting) == dryRunLimit}}
	for _, m := range waiting {
		if s.deps.Replayer.Judge(m).Refused == nil {
			out.Body.Replayed++
		} else {
			out.Body.Refused++
		}
	}
	return out, nil
}

// replayPatience is how long a request waits for a replay. What is not done by
// then is done by the gateways without anybody waiting.
const (
	replayPatience = 10 * time.Second
	replayPoll     = 100 * time.Millisecond
)

// replay requests a replay and waits for it a while, be it done here or by
// another node.
func (s *Server) replay(ctx context.Context, selection views.ReplaySelection, by string) (views.Replay, error) {
	replay, err := s.deps.Replays.RequestReplay(ctx, selection, by, s.now())
	if err != nil || !replay.FinishedAt.IsZero() {
		return replay, err
	}
	ctx, cancel := context.WithTimeout(ctx, replayPatience)
	defer cancel()
	ticker := time.NewTicker(replayPoll)
	defer ticker.Stop()
	for {
		failed := s.deps.Replayer.Work(ctx)
		now, err := s.deps.Replays.Replay(context.WithoutCancel(ctx), replay.Number)
		if err != nil {
			return replay, err
		}
		if !now.FinishedAt.IsZero() || ctx.Err() != nil {
			return now, nil
		}
		if failed != nil {
			return now, failed
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return now, nil
		}
	}
}

func (s *rest) listReplays(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"500" default:"50"`
}) (*list[replayView], error) {
	replays, err := s.deps.Replays.Replays(ctx, in.Limit)
	if err != nil {
		return nil, err
	}
	return whole(replays, showReplay), nil
}

func (s *rest) getReplay(ctx context.Context, in *struct {
	Number int64 `path:"number"`
}) (*replayAnswer, error) {
	replay, err := s.deps.Replays.Replay(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	return &replayAnswer{Body: showReplay(replay)}, nil
}
