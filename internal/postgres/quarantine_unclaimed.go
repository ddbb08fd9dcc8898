package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/views"
)

const unclaimedRows = `
	select s.sender, s.first_at, s.last_at, s.arrivals, s.kept, s.let_go,
	       coalesce(q.topic, ''), coalesce(q.source, ''), coalesce(q.payload, ''), coalesce(q.last_at, s.last_at)
	from quarantine_senders s
	left join lateral (
		select topic, source, payload, last_at from quarantine
		where devices @> array[s.sender] and reason = s.reason order by last_at desc limit 1
	) q on true
	where s.reason = 'unknown_device' and s.device and not exists (select from devices d where d.id = s.sender)`

// UnclaimedRows returns the devices that send and are not declared, the one
// that sent last first.
func (db *DB) UnclaimedRows(ctx context.Context, q views.UnclaimedQuery) (views.Page[views.UnclaimedRow], error) {
	none := views.Page[views.UnclaimedRow]{}
	limit := cmp.Or(q.Limit, views.DefaultLimit)
	afterAt, afterID, err := refusedCursor(q.After)
	if err != nil {
		return none, err
	}
	rows, err := db.q.Query(ctx, unclaimedRows+`
		  and (@text = '%%' or s.sender ilike @text)
		  and (@after_id = '' or (s.last_at, s.sender) < (@after_at, @after_id))
		order by s.last_at desc, s.sender desc
		limit @limit`,
		pgx.NamedArgs{"text": contains(q.Text), "after_at": afterAt, "after_id": afterID, "limit": limit + 1})
	if err != nil {
		return none, fmt.Errorf("list unclaimed devices: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanUnclaimed)
	if err != nil {
		return none, fmt.Errorf("list unclaimed devices: %w", err)
	}
	return pageOf(all, limit, func(r views.UnclaimedRow) string {
		return strconv.FormatInt(r.LastAt.UnixMicro(), 10) + " " + string(r.ID)
	}), nil
}

// Unclaimed returns one device that sends and is not declared, or an error
// that is [ingest.ErrNotQuarantined].
func (db *DB) Unclaimed(ctx context.Context, id devices.ID) (views.UnclaimedRow, error) {
	rows, err := db.q.Query(ctx, unclaimedRows+` and s.sender = $1`, string(id))
	if err != nil {
		return views.UnclaimedRow{}, fmt.Errorf("read unclaimed device %s: %w", id, err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, scanUnclaimed)
	if err = meant(err, noRows(ingest.ErrNotQuarantined)); err != nil {
		return row, fmt.Errorf("read unclaimed device %s: %w", id, err)
	}
	return row, nil
}

// CountUnclaimed returns how many devices send and are not declared.
func (db *DB) CountUnclaimed(ctx context.Context) (int64, error) {
	var n int64
	err := db.q.QueryRow(ctx, `
		select count(*) from quarantine_senders s
		where s.reason = 'unknown_device' and s.device and not exists (select from devices d where d.id = s.sender)`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count unclaimed devices: %w", err)
	}
	return n, nil
}

func scanUnclaimed(row pgx.CollectableRow) (views.UnclaimedRow, error) {
	var r views.UnclaimedRow
	err := row.Scan(&r.ID, &r.FirstAt, &r.LastAt, &r.Messages, &r.Waiting, &r.LetGo, &r.Topic, &r.Source, &r.Payload, &r.ReceivedAt)
	return r, err
}
