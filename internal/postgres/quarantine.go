package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/ingest"
	"telltale/internal/views"
)

// AddQuarantined stores refused messages. A message that was refused before
// is counted, and waits for replay again. Call it in the transaction of the
// consumer's checkpoint, or a redelivery counts twice.
func (db *DB) AddQuarantined(ctx context.Context, messages []ingest.Quarantined) error {
	batch := &pgx.Batch{}
	for _, q := range messages {
		batch.Queue(`
			insert into quarantine (id, reason, detail, topic, client_id, payload, received_at, last_at)
			values (@id, @reason, @detail, @topic, @client_id, @payload, @received_at, @received_at)
			on conflict (id) do update
			set count = quarantine.count + 1, detail = excluded.detail,
			    last_at = greatest(quarantine.last_at, excluded.last_at), replayed_at = null`,
			pgx.NamedArgs{
				"id": q.ID, "reason": string(q.Reason), "detail": storableText(q.Detail), "topic": storableText(q.Topic),
				"client_id": storableText(q.ClientID), "payload": q.Payload, "received_at": q.ReceivedAt,
			})
	}
	if err := db.q.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store %d quarantined messages: %w", len(messages), err)
	}
	return nil
}

// storableText is s as PostgreSQL can hold it: a topic or client id comes
// from a stranger and may be no UTF-8 or hold zero bytes.
func storableText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// ListQuarantined returns refused messages, the one that came last first. A
// cursor is the id of the last row of the page before.
func (db *DB) ListQuarantined(ctx context.Context, q views.RefusedQuery) (views.Page[views.RefusedRow], error) {
	limit := cmp.Or(q.Limit, views.DefaultLimit)
	rows, err := db.q.Query(ctx, `
		select id, reason, detail, topic, client_id, payload, received_at, last_at, count, replayed_at
		from quarantine
		where (@reason = '' or reason = @reason)
		  and (@after = '' or (last_at, id) < (select p.last_at, p.id from quarantine p where p.id = @after))
		order by last_at desc, id desc
		limit @limit`,
		pgx.NamedArgs{"reason": string(q.Reason), "after": q.After, "limit": limit + 1})
	if err != nil {
		return views.Page[views.RefusedRow]{}, fmt.Errorf("list quarantine: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (views.RefusedRow, error) {
		var r views.RefusedRow
		var replayed *time.Time
		err := row.Scan(&r.ID, &r.Reason, &r.Detail, &r.Topic, &r.ClientID, &r.Payload, &r.ReceivedAt,
			&r.LastAt, &r.Count, &replayed)
		r.ReplayedAt = orZero(replayed)
		return r, err
	})
	if err != nil {
		return views.Page[views.RefusedRow]{}, fmt.Errorf("list quarantine: %w", err)
	}
	return pageOf(all, limit, func(r views.RefusedRow) string { return r.ID }), nil
}

// RefusedToReplay returns the messages with the ids, or, without ids, those
// with the reason that were not replayed since they were refused last; at
// most limit, the oldest first.
func (db *DB) RefusedToReplay(ctx context.Context, reason ingest.Reason, ids []string, limit int) ([]views.RefusedRow, error) {
	rows, err := db.q.Query(ctx, `
		select id, reason, detail, topic, client_id, payload, received_at, last_at, count from quarantine
		where case when cardinality(@ids::text[]) > 0 then id = any(@ids)
		           else reason = @reason and replayed_at is null end
		order by received_at, id
		limit @limit`,
		pgx.NamedArgs{"reason": string(reason), "ids": orNone(ids), "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("read quarantine: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanRefused)
	if err != nil {
		return nil, fmt.Errorf("read quarantine: %w", err)
	}
	return all, nil
}

// MarkReplayed notes that messages were given to the pipeline again. One that
// was refused once more meanwhile has a higher count and stays to be replayed.
func (db *DB) MarkReplayed(ctx context.Context, messages []views.RefusedRow, at time.Time) error {
	ids, counts := make([]string, len(messages)), make([]int64, len(messages))
	for i, m := range messages {
		ids[i], counts[i] = m.ID, m.Count
	}
	_, err := db.q.Exec(ctx, `
		update quarantine q set replayed_at = @at
		from unnest(@ids::text[], @counts::bigint[]) as r (id, count)
		where q.id = r.id and q.count = r.count`,
		pgx.NamedArgs{"ids": ids, "counts": counts, "at": at})
	if err != nil {
		return fmt.Errorf("mark %d messages as replayed: %w", len(ids), err)
	}
	return nil
}
