package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
)

// clockSighting is what a run of reports says of a device's clock; see
// [devices.Drift].
type clockSighting struct {
	at      time.Time     // receipt of the last report that said its time; zero: none did
	low     time.Duration // smallest measurement
	count   int64
	applied time.Duration // what the last one was corrected by
}

func (c *clockSighting) report(r *devices.Report) {
	said := r.ObservedAt
	if !r.DeviceTime.IsZero() {
		said = r.DeviceTime
	}
	if said.Equal(r.ReceivedAt) {
		return
	}
	sample := r.ReceivedAt.Sub(said)
	if c.count == 0 || sample < c.low {
		c.low = sample
	}
	c.count++
	if !r.ReceivedAt.Before(c.at) {
		c.at, c.applied = r.ReceivedAt, r.ObservedAt.Sub(said)
	}
}

// clockColumns are clock sightings column by column.
type clockColumns struct {
	at      []*time.Time
	low     []*float64
	count   []int64
	applied []*float64
}

func newClockColumns(n int) *clockColumns {
	return &clockColumns{
		at: make([]*time.Time, 0, n), low: make([]*float64, 0, n), count: make([]int64, 0, n), applied: make([]*float64, 0, n),
	}
}

func (c *clockColumns) add(s *clockSighting) {
	var low, applied *float64
	if s.count > 0 {
		l, a := s.low.Seconds(), s.applied.Seconds()
		low, applied = &l, &a
	}
	c.at, c.low = append(c.at, timeOrNull(s.at)), append(c.low, low)
	c.count, c.applied = append(c.count, s.count), append(c.applied, applied)
}

// Drifts returns what is known of the devices' clocks.
func (db *DB) Drifts(ctx context.Context) (map[devices.ID]devices.Drift, error) {
	rows, err := db.q.Query(ctx, `
		select device_id, clock_window, clock_low, clock_before, clock_since, clock_count, clock_applied
		from device_presence where clock_at is not null`)
	if err != nil {
		return nil, fmt.Errorf("read clock offsets: %w", err)
	}
	all := make(map[devices.ID]devices.Drift)
	var id devices.ID
	var d devices.Drift
	var low, before, applied float64
	_, err = pgx.ForEachRow(rows, []any{&id, &d.Window, &low, &before, &d.Since, &d.Count, &applied}, func() error {
		d.Low, d.Before, d.Applied = durationOf(low), durationOf(before), durationOf(applied)
		all[id] = d
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read clock offsets: %w", err)
	}
	return all, nil
}

// durationOf is a number of seconds to the microsecond, as it was stored.
func durationOf(seconds float64) time.Duration {
	return time.Duration(seconds * 1e9).Round(time.Microsecond)
}

// ClockOffsets counts the declared devices by how far their clocks are off:
// up to each bound in seconds, ascending, and beyond the last. The sum is of
// all of them.
func (db *DB) ClockOffsets(ctx context.Context, bounds []float64) (counts []uint64, sum float64, err error) {
	rows, err := db.q.Query(ctx, `
		select width_bucket(offset_seconds, $1::double precision[]) as bucket, count(*), sum(offset_seconds)
		from (select abs(least(p.clock_low, p.clock_before)) as offset_seconds
		      from device_presence p join devices d on d.id = p.device_id where p.clock_at is not null) o
		group by bucket`, bounds)
	if err != nil {
		return nil, 0, fmt.Errorf("count clock offsets: %w", err)
	}
	counts = make([]uint64, len(bounds)+1)
	var bucket int
	var n uint64
	var part float64
	_, err = pgx.ForEachRow(rows, []any{&bucket, &n, &part}, func() error {
		counts[bucket] = n
		sum += part
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count clock offsets: %w", err)
	}
	return counts, sum, nil
}
