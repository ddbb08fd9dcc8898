package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"telltale/ingest"
	"telltale/internal/app"
	"telltale/internal/declare"
	"telltale/internal/views"
)

// Quarantine is [app.Admin]'s.
func (r *remote) Quarantine(ctx context.Context, q views.RefusedQuery) ([]app.Refused, error) {
	query := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	for name, value := range map[string]string{"reason": string(q.Reason), "device": q.Device, "topic": q.Topic, "q": q.Text} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.Waiting {
		query.Set("waiting", "true")
	}
	for name, at := range map[string]time.Time{"since": q.Since, "until": q.Until} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339))
		}
	}
	var answer struct {
		Items []app.Refused `json:"items"`
	}
	err := r.call(ctx, http.MethodGet, "/quarantine?"+query.Encode(), nil, &answer)
	return answer.Items, err
}

// Quarantined is [app.Admin]'s.
func (r *remote) Quarantined(ctx context.Context, id string) (app.Refused, error) {
	var answer app.Refused
	err := r.call(ctx, http.MethodGet, "/quarantine/"+url.PathEscape(id), nil, &answer)
	return answer, err
}

// remoteReplay is a replay as the API tells it.
type remoteReplay struct {
	Number   int64  `json:"number"`
	Selected int64  `json:"selected"`
	Replayed int64  `json:"replayed"`
	Refused  int64  `json:"refused"`
	More     bool   `json:"more"`
	Failure  string `json:"failure"`

	FinishedAt *time.Time `json:"finished_at"`
}

func (r remoteReplay) view() views.Replay {
	v := views.Replay{Number: r.Number, Selected: r.Selected, Accepted: r.Replayed, Refused: r.Refused, Failure: r.Failure}
	if r.FinishedAt != nil {
		v.FinishedAt = *r.FinishedAt
	}
	return v
}

// replayRequest is what the API takes.
type replayRequest struct {
	Reason ingest.Reason `json:"reason,omitempty"`
	Device string        `json:"device,omitempty"`
	Topic  string        `json:"topic,omitempty"`
	IDs    []string      `json:"ids,omitempty"`
	DryRun bool          `json:"dry_run,omitempty"`
}

func replayRequestOf(s views.ReplaySelection) replayRequest {
	request := replayRequest{Reason: s.Reason, Topic: s.Topic, IDs: s.IDs}
	if len(s.Devices) > 0 {
		request.Device = s.Devices[0]
	}
	return request
}

// TryReplay is [app.Admin]'s.
func (r *remote) TryReplay(ctx context.Context, s views.ReplaySelection) (views.ReplayTrial, error) {
	request := replayRequestOf(s)
	request.DryRun = true
	var would remoteReplay
	err := r.call(ctx, http.MethodPost, "/quarantine/replay", request, &would)
	return views.ReplayTrial{Selected: would.Selected, Accepted: would.Replayed, Refused: would.Refused, More: would.More}, err
}

// Replay is [app.Admin]'s.
func (r *remote) Replay(ctx context.Context, s views.ReplaySelection, progress func(views.Replay)) error {
	var replay remoteReplay
	if err := r.call(ctx, http.MethodPost, "/quarantine/replay", replayRequestOf(s), &replay); err != nil {
		return err
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		progress(replay.view())
		if !replay.More {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil // the gateways go on
		}
		if err := r.call(ctx, http.MethodGet, fmt.Sprintf("/quarantine/replays/%d", replay.Number), nil, &replay); err != nil {
			return err
		}
	}
}

// Unclaimed is [app.Admin]'s.
func (r *remote) Unclaimed(ctx context.Context) ([]app.Unclaimed, error) {
	var answer struct {
		Items []app.Unclaimed `json:"items"`
	}
	err := r.call(ctx, http.MethodGet, "/devices/unclaimed?limit=500", nil, &answer)
	return answer.Items, err
}

// Claim is [app.Admin]'s; the author is who the token names.
func (r *remote) Claim(ctx context.Context, c declare.Claim, _ string) (string, error) {
	body := map[string]any{"ids": []string{string(c.Device)}, "model": c.Model}
	for name, value := range map[string]string{"customer": c.Customer, "site": c.Site, "serial": c.Serial} {
		if value != "" {
			body[name] = value
		}
	}
	if !c.Since.IsZero() {
		body["from"] = c.Since.UTC().Format(time.RFC3339)
	}
	var answer struct {
		Text string `json:"text"`
	}
	err := r.call(ctx, http.MethodPost, "/devices/unclaimed/claim", body, &answer)
	return answer.Text, err
}
