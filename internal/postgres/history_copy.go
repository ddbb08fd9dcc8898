package postgres

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"telltale/devices"
)

// freshReadings are readings known to be new. Those of one report share a row.
type freshReadings struct {
	rows   []freshRow
	values []freshValue // of all rows, one after the other
	text   []byte       // memory of encode
}

// empty forgets the readings and keeps their memory.
func (f *freshReadings) empty() {
	clear(f.values) // labels
	f.rows, f.values = f.rows[:0], f.values[:0]
}

// freshRow is a row of readings, with values[first:end].
type freshRow struct {
	device     int32
	at         int64 // Unix microseconds
	first, end int
	labels     bool // one of the values is a label
}

type freshValue struct {
	metric int32
	value  devices.Value
}

// begin starts a row, which takes what add is given until the next.
func (f *freshReadings) begin(device int32, at int64) {
	if n := len(f.rows); n > 0 && f.rows[n-1].first == f.rows[n-1].end {
		f.rows = f.rows[:n-1] // nothing of that report was new
	}
	f.rows = append(f.rows, freshRow{device: device, at: at, first: len(f.values), end: len(f.values)})
}

func (f *freshReadings) add(metric int32, v devices.Value) {
	f.values = append(f.values, freshValue{metric: metric, value: v})
	row := &f.rows[len(f.rows)-1]
	row.end++
	row.labels = row.labels || v.IsLabel()
}

// copyTo sends the readings by COPY, each device together: that keeps the
// index's pages warm, and a device on few pages of the table.
func (f *freshReadings) copyTo(ctx context.Context, tx *DB) error {
	if len(f.values) == 0 {
		return nil
	}
	slices.SortFunc(f.rows, func(a, b freshRow) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.at, b.at))
	})
	conn, err := tx.q.(*transaction).raw(ctx) // store is called in a transaction only
	if err != nil {
		return err
	}
	_, err = conn.CopyFrom(ctx, bytes.NewReader(f.encode()),
		`copy readings (device_num, observed_at, metrics, numbers, labels) from stdin (format binary)`)
	if err != nil {
		f.text = nil // the driver may still be reading it
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

	copyRowSize   = 2 + (4 + 4) + (4 + 8) + 2*(4+arrayHeader) + 4
	copyValueSize = (4 + 4) + (4 + 8)
)

// A binary array begins with its dimensions, whether it holds nulls, the type
// of its elements, and the first dimension's length and lower bound.
const (
	arrayHeader = 5 * 4
	int4OID     = 23
	float8OID   = 701
	textOID     = 25
)

// postgresEpoch is 2000-01-01 in Unix microseconds: where timestamptz begins.
const postgresEpoch = 946_684_800_000_000

// encode returns the readings in the format of COPY, until it is called again.
func (f *freshReadings) encode() []byte {
	b := slices.Grow(f.text[:0], len(copyHeader)+len(f.rows)*copyRowSize+len(f.values)*copyValueSize+len(copyTrailer))
	b = append(b, copyHeader...)
	for i := range f.rows {
		row := &f.rows[i]
		if values := f.values[row.first:row.end]; len(values) > 0 {
			b = row.appendTuple(b, values)
		}
	}
	f.text = append(b, copyTrailer...)
	return f.text
}

func (r *freshRow) appendTuple(b []byte, values []freshValue) []byte {
	b = binary.BigEndian.AppendUint16(b, 5)
	b = binary.BigEndian.AppendUint32(b, 4)
	b = binary.BigEndian.AppendUint32(b, uint32(r.device))
	b = binary.BigEndian.AppendUint32(b, 8)
	b = binary.BigEndian.AppendUint64(b, uint64(r.at-postgresEpoch))
	b = appendMetrics(b, values)
	b = r.appendNumbers(b, values)
	if !r.labels {
		return binary.BigEndian.AppendUint32(b, copyNull)
	}
	return appendLabels(b, values)
}

func appendMetrics(b []byte, values []freshValue) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(arrayHeader+8*len(values)))
	b = appendArrayHeader(b, len(values), false, int4OID)
	for i := range values {
		b = binary.BigEndian.AppendUint32(b, 4)
		b = binary.BigEndian.AppendUint32(b, uint32(values[i].metric))
	}
	return b
}

func (r *freshRow) appendNumbers(b []byte, values []freshValue) []byte {
	size := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = appendArrayHeader(b, len(values), r.labels, float8OID)
	for i := range values {
		if values[i].value.IsLabel() {
			b = binary.BigEndian.AppendUint32(b, copyNull)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, 8)
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(values[i].value.Number))
	}
	return fillSize(b, size)
}

func appendLabels(b []byte, values []freshValue) []byte {
	size := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = appendArrayHeader(b, len(values), true, textOID)
	for i := range values {
		if !values[i].value.IsLabel() {
			b = binary.BigEndian.AppendUint32(b, copyNull)
			continue
		}
		label := cleanText(values[i].value.Label)
		b = binary.BigEndian.AppendUint32(b, uint32(len(label)))
		b = append(b, label...)
	}
	return fillSize(b, size)
}

func appendArrayHeader(b []byte, length int, nulls bool, element uint32) []byte {
	b = binary.BigEndian.AppendUint32(b, 1)
	var flag uint32
	if nulls {
		flag = 1
	}
	b = binary.BigEndian.AppendUint32(b, flag)
	b = binary.BigEndian.AppendUint32(b, element)
	b = binary.BigEndian.AppendUint32(b, uint32(length))
	return binary.BigEndian.AppendUint32(b, 1)
}

// fillSize writes the length of the field that ends b where it was left room,
// at the index size.
func fillSize(b []byte, size int) []byte {
	binary.BigEndian.PutUint32(b[size:], uint32(len(b)-size-4))
	return b
}
