package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	client "github.com/influxdata/influxdb-client-go/v2/api/http"

	"telltale/devices"
	"telltale/ingest/history"
)

// language is what a server answers queries in.
type language int32

const (
	unknownLanguage language = iota // nothing was asked yet
	flux                            // 2.x, and 1.8 where it is switched on
	influxQL                        // 1.8 as it comes, 3
)

// String returns the language's name.
func (l language) String() string {
	switch l {
	case flux:
		return "Flux"
	case influxQL:
		return "InfluxQL"
	default:
		return "unknown"
	}
}

// dialect puts questions in one language.
type dialect interface {
	// buckets sums up one series in steps, in order.
	buckets(ctx context.Context, q history.Query) ([]history.Bucket, error)

	// points calls f with each reading of a selection; those of a series are
	// in order.
	points(ctx context.Context, sel selection, f func(point) error) error

	// count returns how many readings a selection has.
	count(ctx context.Context, sel selection) (int64, error)
}

// selection says which readings are asked for, over [from, to).
type selection struct {
	device   string // as stored; "": all
	field    string // as stored; "": all
	noLabels bool
	from, to time.Time
}

// measurements lists where a selection is looked for.
func (s *selection) measurements() []string {
	if s.noLabels {
		return []string{numbers}
	}
	return []string{numbers, labels}
}

// point is one reading as InfluxDB hands it out.
type point struct {
	device string
	field  string
	at     time.Time
	value  devices.Value
}

// Range returns the numbers of a metric in steps of q.Step, in order, without
// the steps that have none. Steps are counted from 2000-01-01; the first may
// begin before q.From but holds nothing from before. A step of zero gives each
// reading.
func (s *Store) Range(ctx context.Context, q history.Query) ([]history.Bucket, error) {
	var some bool
	if q.From, q.To, some = span(q.From, q.To); !some {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	var buckets []history.Bucket
	err := s.ask(ctx, func(d dialect) (err error) {
		if q.Step > 0 {
			buckets, err = d.buckets(ctx, q)
			return err
		}
		buckets = nil // of an earlier try in another language
		sel := selection{device: safeName(string(q.Device)), field: fieldKey(q.Metric), noLabels: true, from: q.From, to: q.To}
		return d.points(ctx, sel, func(p point) error {
			n := p.value.Number
			buckets = append(buckets, history.Bucket{T: p.at, Min: n, Avg: n, Max: n, N: 1})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("readings of %s %s: %w", q.Device, q.Metric, err)
	}
	return buckets, nil
}

// RawPoints returns every reading of a metric over [from, to), numbers and
// labels, in order.
func (s *Store) RawPoints(ctx context.Context, device devices.ID, metric string, from, to time.Time) ([]history.Point, error) {
	from, to, some := span(from, to)
	if !some {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	var points []history.Point
	err := s.ask(ctx, func(d dialect) error {
		points = nil
		sel := selection{device: safeName(string(device)), field: fieldKey(metric), from: from, to: to}
		return d.points(ctx, sel, func(p point) error {
			points = append(points, history.Point{T: p.at, Value: p.value})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("readings of %s %s: %w", device, metric, err)
	}
	slices.SortStableFunc(points, func(a, b history.Point) int { return a.T.Compare(b.T) })
	return points, nil
}

// Count returns how many readings of a device, or of all ("") are kept over
// [from, to).
func (s *Store) Count(ctx context.Context, device devices.ID, from, to time.Time) (n int64, err error) {
	from, to, some := span(from, to)
	if !some {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	err = s.ask(ctx, func(d dialect) (err error) {
		n, err = d.count(ctx, everything(device, from, to))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count readings in InfluxDB: %w", err)
	}
	return n, nil
}

// walkRun bounds the reports that Walk holds.
const walkRun = 5_000

// Walk calls f with everything that is kept of a device, or of all (""), over
// [from, to): in runs of reports with one reading each, those of a series in
// order. Metrics that had to be stored under another name come under that
// name, but for those that InfluxDB reserves. It ends with the first error.
func (s *Store) Walk(ctx context.Context, device devices.ID, from, to time.Time, f func([]devices.Report) error) error {
	from, to, some := span(from, to)
	if !some {
		return nil
	}
	var run []devices.Report
	err := s.ask(ctx, func(d dialect) error {
		run = run[:0]
		return d.points(ctx, everything(device, from, to), func(p point) error {
			run = append(run, devices.Report{
				Device: devices.ID(p.device), ObservedAt: p.at, ReceivedAt: p.at,
				Readings: []devices.Reading{{Metric: metricOf(p.field), Value: p.value}},
			})
			if len(run) < walkRun {
				return nil
			}
			err := f(run)
			run = run[:0]
			return err
		})
	})
	if err == nil && len(run) > 0 {
		err = f(run)
	}
	if err != nil {
		return fmt.Errorf("walk through InfluxDB: %w", err)
	}
	return nil
}

func everything(device devices.ID, from, to time.Time) selection {
	sel := selection{from: from, to: to}
	if device != "" {
		sel.device = safeName(string(device))
	}
	return sel
}

// metricOf is the metric that a field was made for.
func metricOf(key string) string { return strings.TrimPrefix(key, escaped) }

// ask puts a question in the server's language. Which that is shows with the
// first one: a server without Flux refuses that before it does anything.
func (s *Store) ask(ctx context.Context, question func(dialect) error) error {
	if language(s.language.Load()) == influxQL {
		return question(influxQLDialect{s})
	}
	err := question(fluxDialect{s})
	if err == nil {
		s.language.Store(int32(flux))
		return nil
	}
	if !withoutFlux(err) {
		return err
	}
	s.language.Store(int32(influxQL))
	return question(influxQLDialect{s})
}

// withoutFlux reports whether a server says that it does not know Flux: 1.8
// where it is off (403), servers that never had it (404, 405).
func withoutFlux(err error) bool {
	var answer *client.Error
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.StatusCode {
	case http.StatusForbidden:
		return strings.Contains(answer.Message, "Flux query service disabled")
	case http.StatusNotFound:
		return answer.Code != "not found" // which 2.x says of a bucket or an organisation
	case http.StatusMethodNotAllowed:
		return true
	}
	return false
}

// Language names what the server answers queries in, as far as is known.
func (s *Store) Language() string { return language(s.language.Load()).String() }

// span returns the whole microseconds that begin in [from, to), and whether
// there are any. Readings are stored with whole ones.
func span(from, to time.Time) (_, _ time.Time, some bool) {
	from, to = ceil(from), ceil(to)
	return from, to, from.Before(to)
}

func ceil(t time.Time) time.Time { return t.Add(time.Microsecond - 1).Truncate(time.Microsecond) }

// stepsFrom is where steps are counted from: 2000-01-01, as in PostgreSQL.
const stepsFrom = 946_684_800 * int64(time.Second)

// stepOffset is how far the steps' borders lie behind multiples of the step
// since 1970.
func stepOffset(step time.Duration) int64 { return stepsFrom % int64(step) }

// stepOf returns the beginning of the step that t is in.
func stepOf(t time.Time, step time.Duration) time.Time {
	since := t.UnixNano() - stepsFrom
	rest := since % int64(step)
	if rest < 0 {
		rest += int64(step)
	}
	return time.Unix(0, t.UnixNano()-rest).UTC()
}
