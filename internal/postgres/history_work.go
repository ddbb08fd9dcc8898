package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
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
		fresh:     freshReadings{data: []byte(copyHeader)},
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
	w.written.Stored = w.fresh.count + stored
	w.written.Duplicates = int64(len(w.late.devices)) - stored
	return w.sightings.save(ctx, tx)
}

// freshReadings are readings known to be new, in the binary format of COPY,
// which is what makes them cheap: no value of ours is boxed.
type freshReadings struct {
	data  []byte
	count int64
}

// The binary COPY format: signature, no flags, no header extension; tuples of
// length-prefixed fields; -1 in place of a field count at the end.
const (
	copyHeader  = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	copyTrailer = "\xff\xff"
	copyNull    = math.MaxUint32 // -1
)

// postgresEpoch is 2000-01-01 in Unix microseconds: where timestamptz begins.
const postgresEpoch = 946_684_800_000_000

func (f *freshReadings) add(device, metric int32, at int64, v devices.Value) {
	b := binary.BigEndian.AppendUint16(f.data, 5)
	b = binary.BigEndian.AppendUint32(b, 4)
	b = binary.BigEndian.AppendUint32(b, uint32(device))
	b = binary.BigEndian.AppendUint32(b, 4)
	b = binary.BigEndian.AppendUint32(b, uint32(metric))
	b = binary.BigEndian.AppendUint32(b, 8)
	b = binary.BigEndian.AppendUint64(b, uint64(at-postgresEpoch))
	if v.IsLabel() {
		label := cleanText(v.Label)
		b = binary.BigEndian.AppendUint32(b, copyNull)
		b = binary.BigEndian.AppendUint32(b, uint32(len(label)))
		b = append(b, label...)
	} else {
		b = binary.BigEndian.AppendUint32(b, 8)
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(v.Number))
		b = binary.BigEndian.AppendUint32(b, copyNull)
	}
	f.data = b
	f.count++
}

func (f *freshReadings) copyTo(ctx context.Context, tx *DB) error {
	if f.count == 0 {
		return nil
	}
	conn := tx.q.(pgx.Tx).Conn().PgConn()  // store is called in a transaction only
	data := append(f.data, copyTrailer...) // f.data itself stays, for another try
	_, err := conn.CopyFrom(ctx, bytes.NewReader(data),
		`copy readings (device_num, metric_num, observed_at, value, label) from stdin (format binary)`)
	if err != nil {
		return fmt.Errorf("copy readings: %w", err)
	}
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
