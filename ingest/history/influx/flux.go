package influx

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api/query"

	"telltale/devices"
	"telltale/ingest/history"
)

// fluxDialect asks in Flux.
type fluxDialect struct{ store *Store }

// from begins a query for a selection. Names stand between quotes: they are
// made of allow-listed characters, none of which ends a text or begins an
// interpolation.
func (d fluxDialect) from(sel selection) string {
	// 2.x ends a range before stop, 1.8 behind it; no reading is stored at the
	// nanosecond before a whole microsecond, so this is the same for both.
	q := fmt.Sprintf(`from(bucket: %s) |> range(start: %s, stop: %s)`,
		fluxText(d.store.opts.Bucket), fluxTime(sel.from), fluxTime(sel.to.Add(-1)))
	measurements := make([]string, 0, 2)
	for _, m := range sel.measurements() {
		measurements = append(measurements, "r._measurement == "+fluxText(m))
	}
	conditions := []string{"(" + strings.Join(measurements, " or ") + ")"}
	if sel.device != "" {
		conditions = append(conditions, "r."+deviceTag+" == "+fluxText(sel.device))
	}
	if sel.field != "" {
		conditions = append(conditions, "r._field == "+fluxText(sel.field))
	}
	return q + " |> filter(fn: (r) => " + strings.Join(conditions, " and ") + ")"
}

// fluxText is a text literal. Nothing needs an escape: names are safe, and so
// is the bucket, which is made safe here. A bucket with such a name cannot be
// asked for, nor harm.
func fluxText(s string) string { return `"` + safeName(s) + `"` }

func fluxTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// summaries are the four streams of a step's summary, by the functions' names.
func summaries() []string { return []string{"min", "mean", "max", "count"} }

func (d fluxDialect) buckets(ctx context.Context, q history.Query) ([]history.Bucket, error) {
	text := "data = " + d.from(selection{
		device: safeName(string(q.Device)), field: fieldKey(q.Metric), noLabels: true, from: q.From, to: q.To,
	})
	// window and not aggregateWindow: 1.8 knows no offset for that.
	for _, f := range summaries() {
		text += fmt.Sprintf("\ndata |> window(every: %dns, offset: %dns) |> %s() |> yield(name: %q)",
			q.Step.Nanoseconds(), stepOffset(q.Step), f, f)
	}
	byStart := make(map[int64]*history.Bucket)
	err := d.each(ctx, text, func(r *query.FluxRecord) error {
		t := stepOf(r.Start(), q.Step) // the first and the last are cut to the range
		b := byStart[t.UnixNano()]
		if b == nil {
			b = &history.Bucket{T: t}
			byStart[t.UnixNano()] = b
		}
		switch v := r.Value().(type) {
		case int64:
			b.N = v
		case float64:
			switch r.Result() {
			case "min":
				b.Min = v
			case "mean":
				b.Avg = v
			case "max":
				b.Max = v
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	buckets := make([]history.Bucket, 0, len(byStart))
	for _, b := range slices.SortedFunc(maps.Values(byStart), func(a, b *history.Bucket) int { return a.T.Compare(b.T) }) {
		buckets = append(buckets, *b)
	}
	return buckets, nil
}

func (d fluxDialect) points(ctx context.Context, sel selection, f func(point) error) error {
	return d.each(ctx, d.from(sel), func(r *query.FluxRecord) error {
		p := point{field: r.Field(), at: r.Time().UTC()}
		p.device, _ = r.ValueByKey(deviceTag).(string) // the tag is on every point of ours
		switch v := r.Value().(type) {
		case float64:
			p.value = devices.Number(v)
		case string:
			p.value = devices.Label(v)
		default:
			return nil // a field of another type is not ours
		}
		return f(p)
	})
}

func (d fluxDialect) count(ctx context.Context, sel selection) (n int64, err error) {
	err = d.each(ctx, d.from(sel)+" |> count()", func(r *query.FluxRecord) error {
		one, _ := r.Value().(int64) // what count makes
		n += one
		return nil
	})
	return n, err
}

// each runs a query and calls f with every row of its answer, as it comes in.
func (d fluxDialect) each(ctx context.Context, text string, f func(*query.FluxRecord) error) error {
	result, err := d.store.queries.Query(ctx, text)
	if err != nil {
		return d.store.explain(err)
	}
	defer func() { _ = result.Close() }() // it is read to its end, or given up
	for result.Next() {
		if err := f(result.Record()); err != nil {
			return err
		}
	}
	if err := result.Err(); err != nil {
		return fmt.Errorf("read InfluxDB's answer: %w", err)
	}
	return nil
}
