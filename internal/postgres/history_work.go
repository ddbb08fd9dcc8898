package postgres

import (
	"context"
	"fmt"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
)

// historyWork is what one Write stores, ready to be sent; it may be sent
// again.
type historyWork struct {
	positions []Position
	fresh     *freshReadings
	late      lateReadings
	days      map[day]bool
	written   history.Written
}

// newHistoryWork returns nothing to store yet. It uses the memory of fresh.
func newHistoryWork(fresh *freshReadings) *historyWork {
	fresh.empty()
	return &historyWork{fresh: fresh, days: make(map[day]bool)}
}

// store sends everything, in the transaction that tx is.
func (w *historyWork) store(ctx context.Context, tx *DB) error {
	// First, so that nothing is sent in vain under a lost lease. The fence
	// holds until the end of the transaction.
	if err := tx.AdvanceCheckpoints(ctx, history.Consumer, w.positions); err != nil {
		return err
	}
	if err := w.fresh.copyTo(ctx, tx); err != nil {
		return err
	}
	stored, err := w.late.insert(ctx, tx)
	if err != nil {
		return err
	}
	w.written.Stored = int64(len(w.fresh.values)) + stored
	w.written.Duplicates = int64(len(w.late.devices)) - stored
	return nil
}

// lateReadings are readings that may be stored already, column by column.
type lateReadings struct {
	devices, metrics []int32
	times            []time.Time
	values           []*float64
	labels           []*string
}

func (l *lateReadings) add(device, metric int32, at int64, v devices.Value) {
	l.devices = append(l.devices, device)
	l.metrics = append(l.metrics, metric)
	l.times = append(l.times, time.UnixMicro(at))
	if v.IsLabel() {
		label := cleanText(v.Label)
		l.values, l.labels = append(l.values, nil), append(l.labels, &label)
		return
	}
	l.values, l.labels = append(l.values, &v.Number), append(l.labels, nil)
}

// insert stores those that are not there yet, each in a row of its own, and of
// several with one time the first. It runs after copyTo, whose rows count as
// being there. It returns how many it stored.
//
// The limit keeps the planner from joining by a scan of all readings.
func (l *lateReadings) insert(ctx context.Context, tx *DB) (int64, error) {
	if len(l.devices) == 0 {
		return 0, nil
	}
	tag, err := tx.q.Exec(ctx, `
		insert into readings (device_num, observed_at, metrics, numbers, labels)
		select distinct on (l.device, l.metric, l.at) l.device, l.at, array[l.metric], array[l.value],
		       case when l.label is not null then array[l.label] end
		from unnest($1::integer[], $2::integer[], $3::timestamptz[], $4::double precision[], $5::text[])
			with ordinality as l (device, metric, at, value, label, i)
		left join lateral (
			select true as there from readings
			where device_num = l.device and observed_at = l.at and metrics @> array[l.metric] limit 1
		) stored on true
		where stored.there is null
		order by l.device, l.metric, l.at, l.i`,
		l.devices, l.metrics, l.times, l.values, l.labels)
	if err != nil {
		return 0, fmt.Errorf("insert late readings: %w", err)
	}
	return tag.RowsAffected(), nil
}
