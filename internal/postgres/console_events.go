package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"telltale/tickets/outbox"
)

// LastEvent returns the highest position of an event so far, 0 when there is
// none.
func (db *DB) LastEvent(ctx context.Context) (int64, error) {
	var position int64
	err := db.q.QueryRow(ctx, `select coalesce(max(position), 0) from events`).Scan(&position)
	if err != nil {
		return 0, fmt.Errorf("read last event: %w", err)
	}
	return position, nil
}

// EventsAfter returns up to limit events after a position, ascending, and the
// snapshot they were read under. One statement reads both, or they would tell
// of different moments. The snapshot speaks of transactions that have written
// something; whoever stores an event has always written its cause before.
func (db *DB) EventsAfter(ctx context.Context, after int64, limit int) ([]outbox.Event, outbox.Snapshot, error) {
	rows, err := db.q.Query(ctx, `
		select s.oldest, s.next, e.id, e.position, e.type, e.subject, e.ordering_key, e.at, e.data
		from (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest,
		             pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next) s
		cross join lateral (
		  select id, position, type, subject, ordering_key, at, data from events
		  where position > $1 order by position limit $2) e
		order by e.position`, after, limit)
	if err != nil {
		return nil, outbox.Snapshot{}, fmt.Errorf("read events: %w", err)
	}
	var snapshot outbox.Snapshot
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (outbox.Event, error) {
		var e outbox.Event
		err := row.Scan(&snapshot.Oldest, &snapshot.Next, &e.ID, &e.Position, &e.Type, &e.Subject, &e.OrderingKey, &e.At, &e.Data)
		return e, err
	})
	if err != nil {
		return nil, outbox.Snapshot{}, fmt.Errorf("read events: %w", err)
	}
	return events, snapshot, nil
}

// eventsChannel is where a transaction that stored events says so.
const eventsChannel = "telltale_events"

// WatchEvents calls wake whenever a transaction that stored events has
// committed, and once at the beginning. It holds a connection of its own and
// returns when ctx ends or that connection is lost; what was announced
// meanwhile is in the table.
func (db *DB) WatchEvents(ctx context.Context, wake func()) error {
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect to listen: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "listen "+eventsChannel); err != nil {
		return fmt.Errorf("listen for events: %w", err)
	}
	for {
		wake()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("wait for events: %w", err)
		}
	}
}
