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
	drift   *devices.Drift // what is known of the clock, this run included
	at      time.Time      // receipt of the last message that said its time; zero: none did
	applied time.Duration  // what its time was corrected by

	// Of the message whose reports come in now, which are received together.
	received time.Time
	sample   time.Duration // the smallest: its newest report's
	open     bool
}

// report takes one report in, in the log's order.
func (c *clockSighting) report(r *devices.Report) {
	said := r.ObservedAt
	if !r.DeviceTime.IsZero() {
		said = r.DeviceTime
	}
	if said.Equal(r.ReceivedAt) {
		return
	}
	sample := r.ReceivedAt.Sub(said)
	if c.open && r.ReceivedAt.Equal(c.received) {
		c.sample = min(c.sample, sample)
	} else {
		c.measure()
		c.received, c.sample, c.open = r.ReceivedAt, sample, true
	}
	if !r.ReceivedAt.Before(c.at) {
		c.at, c.applied = r.ReceivedAt, r.ObservedAt.Sub(said)
	}
}

// measure takes in the message whose reports are complete.
func (c *clockSighting) measure() {
	if c.open {
		*c.drift = c.drift.Observe(c.sample, c.received)
		c.open = false
	}
}

// clockColumns are clock sightings column by column.
type clockColumns struct {
	at, since, window, agreedSince []*time.Time
	low, before, anchor, behind    []*float64
	applied                        []*float64
	count, agreed                  []*int64
	steady                         []*bool
}

// add adds a sighting; nulls when it says nothing of the clock.
func (c *clockColumns) add(s *clockSighting) {
	s.measure()
	known := !s.at.IsZero()
	d := s.drift
	if !known {
		d = &devices.Drift{}
	}
	c.at, c.since = append(c.at, valueOrNull(s.at, known)), append(c.since, valueOrNull(d.Since, known))
	c.window, c.agreedSince = append(c.window, valueOrNull(d.Window, known)), append(c.agreedSince, valueOrNull(d.AgreedSince, known))
	c.low, c.before = append(c.low, valueOrNull(d.Low.Seconds(), known)), append(c.before, valueOrNull(d.Before.Seconds(), known))
	c.anchor, c.behind = append(c.anchor, valueOrNull(d.Anchor.Seconds(), known)), append(c.behind, valueOrNull(d.Behind().Seconds(), known))
	c.applied, c.steady = append(c.applied, valueOrNull(s.applied.Seconds(), known)), append(c.steady, valueOrNull(d.Steady, known))
	c.count, c.agreed = append(c.count, valueOrNull(int64(d.Count), known)), append(c.agreed, valueOrNull(int64(d.Agreed), known))
}

func valueOrNull[T any](v T, known bool) *T {
	if !known {
		return nil
	}
	return &v
}

// driftColumns are a row's [devices.Drift], see driftRow.
const driftColumns = `clock_window, clock_low, clock_before, clock_since, clock_count,
	       clock_anchor, clock_agreed, clock_agreed_since, clock_steady, clock_applied`

// driftRow is driftColumns of one device.
type driftRow struct {
	d                            devices.Drift
	low, before, anchor, applied float64
}

func (r *driftRow) fields() []any {
	return []any{
		&r.d.Window, &r.low, &r.before, &r.d.Since, &r.d.Count,
		&r.anchor, &r.d.Agreed, &r.d.AgreedSince, &r.d.Steady, &r.applied,
	}
}

func (r *driftRow) drift() devices.Drift {
	d := r.d
	d.Low, d.Before, d.Anchor, d.Applied = durationOf(r.low), durationOf(r.before), durationOf(r.anchor), durationOf(r.applied)
	return d
}

// Drifts returns what is known of the devices' clocks.
func (db *DB) Drifts(ctx context.Context) (map[devices.ID]devices.Drift, error) {
	rows, err := db.q.Query(ctx, `select device_id, `+driftColumns+` from device_presence where clock_at is not null`)
	return collectDrifts(rows, err)
}

// fillDrifts reads what is known of these devices' clocks.
func (db *DB) fillDrifts(ctx context.Context, drifts map[devices.ID]*devices.Drift) error {
	if len(drifts) == 0 {
		return nil
	}
	ids := make([]string, 0, len(drifts))
	for id := range drifts {
		ids = append(ids, string(id))
	}
	rows, err := db.q.Query(ctx, `select device_id, `+driftColumns+`
		from device_presence where device_id = any($1) and clock_at is not null`, ids)
	known, err := collectDrifts(rows, err)
	for id, d := range known {
		*drifts[id] = d
	}
	return err
}

func collectDrifts(rows pgx.Rows, err error) (map[devices.ID]devices.Drift, error) {
	if err != nil {
		return nil, fmt.Errorf("read clock offsets: %w", err)
	}
	all := make(map[devices.ID]devices.Drift)
	var id devices.ID
	var row driftRow
	if _, err := pgx.ForEachRow(rows, append([]any{&id}, row.fields()...), func() error {
		all[id] = row.drift()
		return nil
	}); err != nil {
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
		from (select abs(p.clock_behind) as offset_seconds
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
