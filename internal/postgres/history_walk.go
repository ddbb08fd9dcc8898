package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"telltale/devices"
	"telltale/ingest/history"
)

// walkRun bounds the reports that Walk holds.
const walkRun = 2_000

// Walk calls f with everything that is kept of a device, or of all (""), over
// [from, to), in no order: in runs of reports that f must not keep. Readings
// of devices that are not declared any more are left out. It ends with the
// first error.
func (h *History) Walk(ctx context.Context, device devices.ID, from, to time.Time, f func([]devices.Report) error) error {
	metrics, err := h.db.metricNames(ctx)
	if err != nil {
		return err
	}
	rows, err := h.db.q.Query(ctx, `
		select d.id, r.observed_at, r.metrics, r.numbers, r.labels
		from readings r join devices d on d.num = r.device_num
		where r.observed_at >= $1 and r.observed_at < $2 and ($3 = '' or d.id = $3)`, from, to, cleanText(string(device)))
	if err != nil {
		return fmt.Errorf("walk through readings: %w", err)
	}
	w := walk{metrics: metrics, ids: make(map[string]devices.ID), run: make([]devices.Report, 0, walkRun)}
	_, err = pgx.ForEachRow(rows, w.columns(), func() error {
		if w.take(); len(w.run) < walkRun {
			return nil
		}
		return w.hand(f)
	})
	if err == nil && len(w.run) > 0 {
		err = w.hand(f)
	}
	if err != nil {
		return fmt.Errorf("walk through readings: %w", err)
	}
	return nil
}

// walk reads rows of readings without memory of their own: what a row is
// scanned into is used for the next, and names are kept once.
type walk struct {
	metrics map[int32]string
	ids     map[string]devices.ID

	id      pgtype.DriverBytes
	at      time.Time
	nums    array[int32]
	numbers array[pgtype.Float8]
	labels  array[pgtype.Text] // empty: the row has none

	run      []devices.Report
	readings []devices.Reading // of the run
}

func (w *walk) columns() []any { return []any{&w.id, &w.at, &w.nums, &w.numbers, &w.labels} }

// take adds the row to the run.
func (w *walk) take() {
	id, known := w.ids[string(w.id)]
	if !known {
		id = devices.ID(w.id)
		w.ids[string(id)] = id
	}
	begin := len(w.readings)
	for i, num := range w.nums {
		reading := devices.Reading{Metric: w.metrics[num]}
		switch {
		case w.numbers[i].Valid:
			reading.Value = devices.Number(w.numbers[i].Float64)
		case i < len(w.labels):
			reading.Value = devices.Label(w.labels[i].String)
		}
		w.readings = append(w.readings, reading)
	}
	w.run = append(w.run, devices.Report{
		Device: id, ObservedAt: w.at, ReceivedAt: w.at, Readings: w.readings[begin:len(w.readings):len(w.readings)],
	})
}

// hand gives the run to f and begins another.
func (w *walk) hand(f func([]devices.Report) error) error {
	err := f(w.run)
	w.run, w.readings = w.run[:0], w.readings[:0]
	return err
}

// array is a one-dimensional array of a row, in memory that the next row uses
// again. Null is empty.
type array[T any] []T

// SetDimensions is [pgtype.ArraySetter]'s.
func (a *array[T]) SetDimensions(dimensions []pgtype.ArrayDimension) error {
	n := 0
	if len(dimensions) > 0 {
		n = int(dimensions[0].Length)
	}
	*a = slices.Grow((*a)[:0], n)[:n]
	return nil
}

// ScanIndex is [pgtype.ArraySetter]'s.
func (a *array[T]) ScanIndex(i int) any { return &(*a)[i] }

// ScanIndexType is [pgtype.ArraySetter]'s.
func (a *array[T]) ScanIndexType() any { return new(T) }

func (db *DB) metricNames(ctx context.Context) (map[int32]string, error) {
	rows, err := db.q.Query(ctx, `select num, name from metrics`)
	if err != nil {
		return nil, fmt.Errorf("names of metrics: %w", err)
	}
	names := make(map[int32]string)
	var num int32
	var name string
	if _, err = pgx.ForEachRow(rows, []any{&num, &name}, func() error { names[num] = name; return nil }); err != nil {
		return nil, fmt.Errorf("names of metrics: %w", err)
	}
	return names, nil
}

// Count returns how many readings of a device, or of all (""), are kept over
// [from, to).
func (h *History) Count(ctx context.Context, device devices.ID, from, to time.Time) (n int64, err error) {
	err = h.db.q.QueryRow(ctx, `
		select coalesce(sum(cardinality(r.metrics)), 0)
		from readings r join devices d on d.num = r.device_num
		where r.observed_at >= $1 and r.observed_at < $2 and ($3 = '' or d.id = $3)`,
		from, to, cleanText(string(device))).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count readings: %w", err)
	}
	return n, nil
}

// FirstDay returns the beginning of the oldest UTC day that has readings, and
// the zero time when none has.
func (h *History) FirstDay(ctx context.Context) (time.Time, error) {
	var first *time.Time
	err := h.db.q.QueryRow(ctx, `
		select date_trunc('day', min(at), 'UTC') from (
			select (substr(c.relname, 10) || ' 00:00:00+00')::timestamptz as at
			from pg_inherits i join pg_class c on c.oid = i.inhrelid
			where i.inhparent = 'readings'::regclass and c.relname ~ '^readings_\d{8}$'
			union all
			select min(observed_at) from readings_default
		) days`).Scan(&first)
	if err != nil {
		return time.Time{}, fmt.Errorf("first day of readings: %w", err)
	}
	return orZero(first), nil
}

// Import stores readings from elsewhere, each once, without moving a position:
// for copies. Readings of devices that are not declared are left out. No
// writer may be at work on the same readings. It returns how many were new.
func (h *History) Import(ctx context.Context, reports []devices.Report) (int64, []history.Refused, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.names.resolve(ctx, h.db, []history.Chunk{{Reports: reports}}); err != nil {
		return 0, nil, err
	}
	var late lateReadings
	days := make(map[day]bool)
	for i := range reports {
		r := &reports[i]
		device, declared := h.names.devices[r.Device]
		if !declared {
			continue
		}
		at := r.ObservedAt.UnixMicro()
		days[dayOf(at)] = true
		for j := range r.Readings {
			if v := r.Readings[j].Value; finite(v) {
				late.add(device, h.names.metric(r.Readings[j].Metric).num, at, v)
			}
		}
	}
	if err := h.ensureDays(ctx, days); err != nil {
		return 0, nil, err
	}
	stored, err := late.insert(ctx, h.db)
	return stored, nil, err
}
