package postgres

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/ingest/history"
)

// historyWork is what one Write stores, ready to be sent; it may be sent
// again.
type historyWork struct {
	positions []Position
	fresh     freshReadings
	late      lateReadings
	sightings sightings
	days      map[day]bool
	written   history.Written
}

func newHistoryWork() *historyWork {
	return &historyWork{
		sightings: newSightings(),
		days:      make(map[day]bool),
	}
}

// sighting returns what the work says of a device's presence.
func (w *historyWork) sighting(id devices.ID) *sighting { return w.sightings.of(id) }

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
	w.written.Stored = int64(len(w.fresh.rows)) + stored
	w.written.Duplicates = int64(len(w.late.devices)) - stored
	return w.sightings.save(ctx, tx)
}

// freshReadings are readings known to be new.
type freshReadings struct {
	rows []freshReading
}

type freshReading struct {
	series series
	at     int64 // Unix microseconds
	value  devices.Value
}

func (f *freshReadings) add(s series, at int64, v devices.Value) {
	f.rows = append(f.rows, freshReading{series: s, at: at, value: v})
}

// copyTo sends the readings by COPY, each series together: that keeps the
// index's pages warm, and a series on few pages of the table.
func (f *freshReadings) copyTo(ctx context.Context, tx *DB) error {
	if len(f.rows) == 0 {
		return nil
	}
	slices.SortFunc(f.rows, func(a, b freshReading) int {
		return cmp.Or(cmp.Compare(a.series, b.series), cmp.Compare(a.at, b.at))
	})
	conn := tx.q.(pgx.Tx).Conn().PgConn() // store is called in a transaction only
	_, err := conn.CopyFrom(ctx, bytes.NewReader(f.encode()),
		`copy readings (device_num, metric_num, observed_at, value, label) from stdin (format binary)`)
	if err != nil {
		return fmt.Errorf("copy readings: %w", err)
	}
	return nil
}

// The binary COPY format: signature, no flags, no header extension; tuples of
// length-prefixed fields; -1 in place of a field count at the end. Written by
// hand it boxes no value, which pgx.CopyFrom would do with every one.
const (
	copyHeader  = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	copyTrailer = "\xff\xff"
	copyNull    = math.MaxUint32 // -1
	copyRowSize = 2 + (4 + 4) + (4 + 4) + (4 + 8) + (4 + 8) + 4
)

// postgresEpoch is 2000-01-01 in Unix microseconds: where timestamptz begins.
const postgresEpoch = 946_684_800_000_000

func (f *freshReadings) encode() []byte {
	b := make([]byte, 0, len(copyHeader)+len(f.rows)*copyRowSize+len(copyTrailer))
	b = append(b, copyHeader...)
	for i := range f.rows {
		b = f.rows[i].appendTuple(b)
	}
	return append(b, copyTrailer...)
}

func (r *freshReading) appendTuple(b []byte) []byte {
	device, metric := r.series.numbers()
	b = binary.BigEndian.AppendUint16(b, 5)
	b = binary.BigEndian.AppendUint32(b, 4)
	b = binary.BigEndian.AppendUint32(b, device)
	b = binary.BigEndian.AppendUint32(b, 4)
	b = binary.BigEndian.AppendUint32(b, metric)
	b = binary.BigEndian.AppendUint32(b, 8)
	b = binary.BigEndian.AppendUint64(b, uint64(r.at-postgresEpoch))
	if r.value.IsLabel() {
		label := cleanText(r.value.Label)
		b = binary.BigEndian.AppendUint32(b, copyNull)
		b = binary.BigEndian.AppendUint32(b, uint32(len(label)))
		return append(b, label...)
	}
	b = binary.BigEndian.AppendUint32(b, 8)
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(r.value.Number))
	return binary.BigEndian.AppendUint32(b, copyNull)
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

// insert stores those that are not there yet, and of several with one time
// the first. It runs after copyTo, whose rows count as being there. It returns
// how many it stored.
//
// The limit keeps the planner from joining by a scan of all readings.
func (l *lateReadings) insert(ctx context.Context, tx *DB) (int64, error) {
	if len(l.devices) == 0 {
		return 0, nil
	}
	tag, err := tx.q.Exec(ctx, `
		insert into readings (device_num, metric_num, observed_at, value, label)
		select distinct on (l.device, l.metric, l.at) l.device, l.metric, l.at, l.value, l.label
		from unnest($1::integer[], $2::integer[], $3::timestamptz[], $4::double precision[], $5::text[])
			with ordinality as l (device, metric, at, value, label, i)
		left join lateral (
			select true as there from readings
			where device_num = l.device and metric_num = l.metric and observed_at = l.at limit 1
		) stored on true
		where stored.there is null
		order by l.device, l.metric, l.at, l.i`,
		l.devices, l.metrics, l.times, l.values, l.labels)
	if err != nil {
		return 0, fmt.Errorf("insert late readings: %w", err)
	}
	return tag.RowsAffected(), nil
}
