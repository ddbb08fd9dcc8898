package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/ingest"
	"telltale/internal/views"
)

// RequestReplay asks the gateway to take the messages refused for a reason
// again, as far as they were not replayed since they were refused last. It
// returns how many those are. For whoever works beside a running gateway.
func (db *DB) RequestReplay(ctx context.Context, reason ingest.Reason, at time.Time) (int64, error) {
	tag, err := db.q.Exec(ctx, `
		update quarantine set replay_requested_at = $2
		where reason = $1 and replayed_at is null`, string(reason), at)
	if err != nil {
		return 0, fmt.Errorf("request replay of %s: %w", reason, err)
	}
	return tag.RowsAffected(), nil
}

// TakeReplays hands up to limit requested messages to replay, the oldest
// first, and notes them as replayed in the same transaction: one that fails
// stays requested, and no other node takes it meanwhile. It returns how many
// it handed over.
func (db *DB) TakeReplays(ctx context.Context, limit int, now time.Time, replay func(views.RefusedRow) error) (int, error) {
	n := 0
	err := db.InTx(ctx, func(tx *DB) error {
		messages, err := tx.requestedReplays(ctx, limit)
		if err != nil {
			return err
		}
		n = len(messages)
		for _, m := range messages {
			if err := replay(m); err != nil {
				return fmt.Errorf("replay %s: %w", m.ID, err)
			}
		}
		if n == 0 {
			return nil
		}
		if err := tx.MarkReplayed(ctx, messages, now); err != nil {
			return err
		}
		ids := make([]string, n)
		for i, m := range messages {
			ids[i] = m.ID
		}
		_, err = tx.q.Exec(ctx, `update quarantine set replay_requested_at = null where id = any($1)`, ids)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take requested replays: %w", err)
	}
	return n, nil
}

func (db *DB) requestedReplays(ctx context.Context, limit int) ([]views.RefusedRow, error) {
	rows, err := db.q.Query(ctx, `
		select id, reason, detail, topic, client_id, payload, received_at, last_at, count from quarantine
		where replay_requested_at is not null
		order by received_at, id
		limit $1
		for update skip locked`, limit)
	if err != nil {
		return nil, fmt.Errorf("read requested replays: %w", err)
	}
	return pgx.CollectRows(rows, scanRefused)
}

func scanRefused(row pgx.CollectableRow) (views.RefusedRow, error) {
	var r views.RefusedRow
	err := row.Scan(&r.ID, &r.Reason, &r.Detail, &r.Topic, &r.ClientID, &r.Payload, &r.ReceivedAt, &r.LastAt, &r.Count)
	return r, err
}
