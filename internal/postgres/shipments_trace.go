package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/tickets/recalls"
)

// AddTracePoints stores temperatures of shipments. A point that is stored
// already stays as it is, and points of shipments that are not declared any
// more are left out.
func (db *DB) AddTracePoints(ctx context.Context, points []recalls.TracePoint) error {
	n := len(points)
	ids, loggers := make([]string, n), make([]string, n)
	observed, received := make([]time.Time, n), make([]time.Time, n)
	celsius := make([]float64, n)
	for i, p := range points {
		ids[i], loggers[i], celsius[i] = p.Shipment, string(p.Device), p.Celsius
		observed[i], received[i] = p.ObservedAt, p.ReceivedAt
	}
	err := db.exec(ctx, n, `
		insert into trace_points (shipment_id, device_id, observed_at, celsius, received_at)
		select p.shipment_id, p.device_id, p.observed_at, p.celsius, p.received_at
		from unnest($1::text[], $2::text[], $3::timestamptz[], $4::float8[], $5::timestamptz[])
		  as p (shipment_id, device_id, observed_at, celsius, received_at)
		join shipments s on s.id = p.shipment_id
		on conflict do nothing`, ids, loggers, observed, celsius, received)
	if err != nil {
		return fmt.Errorf("store %d trace points: %w", n, err)
	}
	return nil
}

// BackfillTrace copies what the reading history knows of a shipment into its
// trace, and returns how many points were new: for shipments declared after
// their loggers began to report. It may run at any time and again.
func (db *DB) BackfillTrace(ctx context.Context, shipment string) (int64, error) {
	tag, err := db.q.Exec(ctx, `
		insert into trace_points (shipment_id, device_id, observed_at, celsius, received_at)
		select l.shipment_id, l.device_id, r.observed_at, celsius, now()
		from shipment_loggers l
		join shipments s on s.id = l.shipment_id
		join devices d on d.id = l.device_id
		join metrics m on m.name = l.metric
		join readings r on r.device_num = d.num and r.metrics @> array[m.num]
		  and r.observed_at >= l.watched_from
		  and r.observed_at < least(coalesce(l.watched_until, 'infinity'), coalesce(s.arrived_at, 'infinity'))
		cross join lateral (select r.numbers[array_position(r.metrics, m.num)]) as v (celsius)
		where l.shipment_id = $1
		  and celsius > '-infinity' and celsius < 'infinity' -- NaN is above infinity here
		on conflict do nothing`, shipment)
	if err != nil {
		return 0, fmt.Errorf("backfill trace of %s: %w", shipment, err)
	}
	return tag.RowsAffected(), nil
}

// StaleShipments returns up to limit ids of shipments whose judgement is out
// of date: never judged, or older than their declaration, their profile or an
// ending that has passed by now. A change is looked at once more when it is
// settle old.
func (db *DB) StaleShipments(ctx context.Context, now time.Time, settle time.Duration, limit int) ([]string, error) {
	rows, err := db.q.Query(ctx, `
		select s.id
		from shipments s join storage_profiles p on p.id = s.profile,
		     greatest(s.updated_at, p.updated_at) as changed_at
		where s.assessed_at is null
		   or s.assessed_at < changed_at
		   or s.assessed_at < changed_at + @settle and changed_at + @settle <= @now
		   or s.assessed_at < s.arrived_at and s.arrived_at <= @now
		   or exists (select from shipment_loggers l where l.shipment_id = s.id
		              and s.assessed_at < l.watched_until and l.watched_until <= @now)
		order by s.id
		limit @limit`,
		pgx.NamedArgs{"now": now, "settle": settle, "limit": rowLimit(limit)})
	if err != nil {
		return nil, fmt.Errorf("find stale shipments: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find stale shipments: %w", err)
	}
	return ids, nil
}
