package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/declare"
	"telltale/internal/views"
)

// Refused is a quarantined message as commands show it, and as the API does.
type Refused struct {
	ID         string     `json:"id"`
	Reason     string     `json:"reason"`
	Detail     string     `json:"detail"`
	Topic      string     `json:"topic"`
	Source     string     `json:"source"`
	DeviceIDs  []string   `json:"device_ids"`
	ClientID   string     `json:"client_id"`
	Payload    []byte     `json:"payload"`
	ReceivedAt time.Time  `json:"received_at"`
	LastAt     time.Time  `json:"last_at"`
	Count      int64      `json:"count"`
	ObservedAt *time.Time `json:"observed_at"`
	ReplayedAt *time.Time `json:"replayed_at"`
	TriedAt    *time.Time `json:"tried_at"`
	Outcome    string     `json:"outcome"`
}

func refusedOf(r views.RefusedRow) Refused {
	out := Refused{
		ID: r.ID, Reason: string(r.Reason), Detail: r.Detail, Topic: r.Topic, Source: r.Source,
		DeviceIDs: make([]string, len(r.Devices)), ClientID: r.ClientID, Payload: r.Payload, ReceivedAt: r.ReceivedAt,
		LastAt: r.LastAt, Count: r.Count, ObservedAt: orNull(r.ObservedAt), ReplayedAt: orNull(r.ReplayedAt),
		TriedAt: orNull(r.TriedAt), Outcome: r.Outcome,
	}
	for i, id := range r.Devices {
		out.DeviceIDs[i] = string(id)
	}
	return out
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Quarantine returns up to limit of the refused messages selected, the newest
// first.
func (a *Admin) Quarantine(ctx context.Context, q views.RefusedQuery) ([]Refused, error) {
	if err := knownReason(q.Reason); err != nil {
		return nil, err
	}
	page, err := a.db.ListQuarantined(ctx, q)
	if err != nil {
		return nil, err
	}
	refused := make([]Refused, len(page.Rows))
	for i, r := range page.Rows {
		refused[i] = refusedOf(r)
	}
	return refused, nil
}

// Quarantined returns one refused message.
func (a *Admin) Quarantined(ctx context.Context, id string) (Refused, error) {
	row, err := a.db.Refused(ctx, id)
	if errors.Is(err, ingest.ErrNotQuarantined) {
		return Refused{}, invalid{fmt.Errorf("there is no message %q in quarantine", id)}
	}
	return refusedOf(row), err
}

func knownReason(reason ingest.Reason) error {
	if reason != "" && !slices.Contains(ingest.Reasons(), reason) {
		all := make([]string, len(ingest.Reasons()))
		for i, r := range ingest.Reasons() {
			all[i] = string(r)
		}
		return invalid{fmt.Errorf("unknown reason %q; there are %s", reason, strings.Join(all, ", "))}
	}
	return nil
}

// Replay asks the gateways to take the selected messages again. Progress is
// told how far it is, until it is done or ctx ends; when no gateway runs, that
// is never: then it returns at once, and the next one that starts does it.
func (a *Admin) Replay(ctx context.Context, s views.ReplaySelection, progress func(views.Replay)) error {
	if err := knownReason(s.Reason); err != nil {
		return err
	}
	if s.Empty() {
		return invalid{errors.New("name a reason, a device, a topic or ids to replay")}
	}
	if s.Reason == ingest.TooLarge {
		return invalid{errors.New("of messages that were too large only the beginning is kept, so they cannot be replayed")}
	}
	replay, err := a.db.RequestReplay(ctx, s, "command", time.Now())
	if err != nil {
		return err
	}
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		progress(replay)
		running, err := a.db.NodesBehind(ctx, math.MaxInt64) // all that run
		if err != nil || running == 0 || !replay.FinishedAt.IsZero() {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil // the gateways go on
		}
		if replay, err = a.db.Replay(ctx, replay.Number); err != nil {
			return err
		}
	}
}

// TryReplay asks what would become of a replay. That takes the codecs, scripts
// and devices of a running gateway, which a command beside it has not.
func (a *Admin) TryReplay(context.Context, views.ReplaySelection) (views.ReplayTrial, error) {
	return views.ReplayTrial{}, invalid{errors.New("a dry run of a replay asks the running gateway: give --server URL and --token T")}
}

// progressEvery is how often a command looks at a replay.
const progressEvery = 200 * time.Millisecond

// Claim declares a device that sends and is not declared.
func (a *Admin) Claim(ctx context.Context, c declare.Claim, author string) (string, error) {
	row, err := a.db.Unclaimed(ctx, c.Device)
	if errors.Is(err, ingest.ErrNotQuarantined) {
		return "", invalid{fmt.Errorf("no message of a device %q is in quarantine, or it is declared already", c.Device)}
	}
	if err != nil {
		return "", err
	}
	if c.Since.IsZero() {
		c.Since = row.FirstAt
	}
	set, err := declare.ClaimSet([]declare.Claim{c})
	if err != nil {
		return "", invalidDeclarations(err)
	}
	plan, err := applyAndAwait(ctx, a.db, set, author)
	if err != nil {
		return "", invalidDeclarations(err)
	}
	return plan.String(), nil
}

// Unclaimed returns the devices that send and are not declared, the one that
// sent last first.
func (a *Admin) Unclaimed(ctx context.Context) ([]Unclaimed, error) {
	page, err := a.db.UnclaimedRows(ctx, views.UnclaimedQuery{Limit: unclaimedLimit})
	if err != nil {
		return nil, err
	}
	list := make([]Unclaimed, len(page.Rows))
	for i, r := range page.Rows {
		list[i] = Unclaimed{ID: r.ID, Source: r.Source, FirstAt: r.FirstAt, LastAt: r.LastAt, Messages: r.Messages}
	}
	return list, nil
}

// unclaimedLimit bounds the list of a command.
const unclaimedLimit = 500

// Unclaimed is a device that sends and is not declared, as commands list it.
type Unclaimed struct {
	ID       devices.ID `json:"id"`
	Source   string     `json:"source"`
	FirstAt  time.Time  `json:"first_at"`
	LastAt   time.Time  `json:"last_at"`
	Messages int64      `json:"messages"`
}
