package influx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	client "github.com/influxdata/influxdb-client-go/v2/api/http"

	"telltale/devices"
	"telltale/ingest/history"
)

// influxQLDialect asks in InfluxQL, at the /query of version 1, which 2.x and
// 3 have as well. Values are bound; identifiers, which cannot be, are made of
// allow-listed characters.
type influxQLDialect struct{ store *Store }

// where is the condition of a selection, and the values bound in it.
func where(sel selection) (string, map[string]any) {
	// Microseconds as written; times in a query are nanoseconds.
	text := fmt.Sprintf("time >= %d AND time < %d", sel.from.UnixNano(), sel.to.UnixNano())
	if sel.device == "" {
		return text, nil
	}
	return `"` + deviceTag + `" = $device AND ` + text, map[string]any{"device": sel.device}
}

func quoted(field string) string { return `"` + field + `"` }

func (d influxQLDialect) buckets(ctx context.Context, q history.Query) ([]history.Bucket, error) {
	condition, values := where(selection{device: safeName(string(q.Device)), from: q.From, to: q.To})
	field := quoted(fieldKey(q.Metric))
	text := fmt.Sprintf(`SELECT min(%[1]s), mean(%[1]s), max(%[1]s), count(%[1]s) FROM %[2]s WHERE %[3]s GROUP BY time(%[4]dns, %[5]dns) fill(none)`,
		field, quoted(numbers), condition, q.Step.Nanoseconds(), stepOffset(q.Step))
	var buckets []history.Bucket
	err := d.each(ctx, text, values, func(_ *series, row []any) error {
		b := history.Bucket{T: microseconds(row[0])}
		b.Min, b.Avg, b.Max = number(row[1]), number(row[2]), number(row[3])
		b.N = int64(number(row[4]))
		if b.N > 0 {
			buckets = append(buckets, b)
		}
		return nil
	})
	return buckets, err
}

func (d influxQLDialect) points(ctx context.Context, sel selection, f func(point) error) error {
	condition, values := where(sel)
	fields := "*::field"
	if sel.field != "" {
		fields = quoted(sel.field)
	}
	for _, m := range sel.measurements() {
		text := fmt.Sprintf(`SELECT %s FROM %s WHERE %s GROUP BY %s`, fields, quoted(m), condition, quoted(deviceTag))
		if err := d.each(ctx, text, values, func(s *series, row []any) error { return s.points(row, f) }); err != nil {
			return err
		}
	}
	return nil
}

// points calls f with each reading of a row: time, then a column per field.
func (s *series) points(row []any, f func(point) error) error {
	for i, cell := range row[1:] {
		p := point{device: s.Tags[deviceTag], field: s.Columns[i+1], at: microseconds(row[0])}
		switch v := cell.(type) {
		case float64:
			p.value = devices.Number(v)
		case string:
			p.value = devices.Label(v)
		default:
			continue // null: the point has no such field
		}
		if err := f(p); err != nil {
			return err
		}
	}
	return nil
}

func (d influxQLDialect) count(ctx context.Context, sel selection) (n int64, err error) {
	condition, values := where(sel)
	for _, m := range sel.measurements() {
		text := fmt.Sprintf(`SELECT count(*::field) FROM %s WHERE %s`, quoted(m), condition)
		err := d.each(ctx, text, values, func(_ *series, row []any) error {
			for _, cell := range row[1:] {
				n += int64(number(cell))
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// chunk is one part of a streamed answer.
type chunk struct {
	Results []struct {
		Error  string   `json:"error"`
		Series []series `json:"series"`
	} `json:"results"`
	Error string `json:"error"`
}

type series struct {
	Tags    map[string]string `json:"tags"`
	Columns []string          `json:"columns"`
	Values  [][]any           `json:"values"`
}

// each runs a query and calls f with every row of its answer, as it comes in.
func (d influxQLDialect) each(ctx context.Context, text string, values map[string]any, f func(*series, []any) error) error {
	body, err := d.post(ctx, text, values)
	if err != nil {
		return d.store.explain(err)
	}
	defer func() { _ = body.Close() }()
	for decoder := json.NewDecoder(body); ; {
		var part chunk
		err := decoder.Decode(&part)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read InfluxDB's answer: %w", err)
		}
		if err := part.each(f); err != nil {
			return err
		}
	}
}

func (c *chunk) each(f func(*series, []any) error) error {
	if c.Error != "" {
		return fmt.Errorf("InfluxDB answers: %s", c.Error)
	}
	for i := range c.Results {
		if c.Results[i].Error != "" {
			return fmt.Errorf("InfluxDB answers: %s", c.Results[i].Error)
		}
		for j := range c.Results[i].Series {
			s := &c.Results[i].Series[j]
			for _, row := range s.Values {
				if len(row) != len(s.Columns) || len(row) == 0 {
					return errors.New("InfluxDB answers with a row that does not fit its columns")
				}
				if err := f(s, row); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d influxQLDialect) post(ctx context.Context, text string, values map[string]any) (io.ReadCloser, error) {
	params, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("bind values: %w", err)
	}
	database, retention, _ := strings.Cut(d.store.opts.Bucket, "/")
	form := url.Values{
		"db": {database}, "q": {text}, "params": {string(params)}, "epoch": {"u"}, "chunked": {"true"},
	}
	if retention != "" {
		form.Set("rp", retention)
	}
	service := d.store.client.HTTPService()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(service.ServerURL(), "/")+"/query",
		strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("ask InfluxDB: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var body io.ReadCloser
	// The callback's body is ours; an answer that is none comes as an error.
	if failed := service.DoHTTPRequest(request, nil, func(answer *http.Response) error {
		body = answer.Body
		return nil
	}); failed != nil {
		return nil, (*client.Error)(failed)
	}
	return body, nil
}

// microseconds reads a time as "epoch=u" gives it: below 2^53, so exactly.
func microseconds(cell any) time.Time { return time.UnixMicro(int64(number(cell))).UTC() }

func number(cell any) float64 {
	f, _ := cell.(float64) // null counts as none
	return f
}
