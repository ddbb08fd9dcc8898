package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/ingest/history"
)

// seriesReadings selects the readings of one series over [from, to), as number
// or label.
const seriesReadings = `
	from (
		select r.observed_at, r.numbers[i] as number, r.labels[i] as label
		from readings r, lateral array_position(r.metrics, (select num from metrics where name = @metric)) i
		where r.device_num = (select num from devices where id = @device)
		  and r.observed_at >= @from and r.observed_at < @to and i is not null
	) series`

// Range returns the numbers of a metric in steps of q.Step, in order, without
// the steps that have none. Steps are counted from 2000-01-01, so the borders
// of an hour do not move with q.From; the first step may begin before it, but
// holds nothing from before. A step of zero gives each reading. A device or
// metric that does not exist has no readings.
func (db *DB) Range(ctx context.Context, q history.Query) ([]history.Bucket, error) {
	sql := `
		select date_bin(@step, observed_at, timestamptz '2000-01-01T00:00:00Z') as t,
		       min(number), avg(number), max(number), count(*)` + seriesReadings + `
		where number is not null
		group by t order by t`
	if q.Step <= 0 {
		sql = `select observed_at, number, number, number, 1::bigint` + seriesReadings + `
			where number is not null order by observed_at`
	}
	args := seriesArgs(q.Device, q.Metric, q.From, q.To)
	args["step"] = q.Step
	rows, err := db.q.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("readings of %s %s: %w", q.Device, q.Metric, err)
	}
	buckets, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b history.Bucket, err error) {
		err = row.Scan(&b.T, &b.Min, &b.Avg, &b.Max, &b.N)
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("readings of %s %s: %w", q.Device, q.Metric, err)
	}
	return buckets, nil
}

// RawPoints returns every reading of a metric over [from, to), numbers and
// labels, in order.
func (db *DB) RawPoints(ctx context.Context, device devices.ID, metric string, from, to time.Time) ([]history.Point, error) {
	rows, err := db.q.Query(ctx, `select observed_at, number, label`+seriesReadings+` order by observed_at`,
		seriesArgs(device, metric, from, to))
	if err != nil {
		return nil, fmt.Errorf("readings of %s %s: %w", device, metric, err)
	}
	points, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p history.Point, err error) {
		var number *float64
		var label *string
		err = row.Scan(&p.T, &number, &label)
		p.Value = valueOf(number, label)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("readings of %s %s: %w", device, metric, err)
	}
	return points, nil
}

// valueOf is what a pair of columns holds: the number if there is one, else
// the label.
func valueOf(number *float64, label *string) devices.Value {
	if number != nil {
		return devices.Number(*number)
	}
	if label != nil {
		return devices.Label(*label)
	}
	return devices.Value{}
}

// seriesArgs names a series as it is stored: names that PostgreSQL cannot hold
// are stored as ones that it can.
func seriesArgs(device devices.ID, metric string, from, to time.Time) pgx.NamedArgs {
	return pgx.NamedArgs{"device": cleanText(string(device)), "metric": cleanText(metric), "from": from, "to": to}
}
