package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/views"
)

// deviceView is a device as the API shows it.
type deviceView struct {
	ID         string            `json:"id"`
	Model      string            `json:"model"`
	Serial     string            `json:"serial"`
	Site       string            `json:"site"`
	CustomerID *string           `json:"customer_id" doc:"who owns it now; null: nobody"`
	LastSeen   *time.Time        `json:"last_seen" doc:"by our clock; null: never"`
	Status     string            `json:"status" enum:"online,late,offline,unknown"`
	Since      *time.Time        `json:"status_since" doc:"since when it is late or offline; null: it is neither"`
	Clock      *clockView        `json:"clock" doc:"null: it says no time of its own"`
	Tags       map[string]string `json:"tags"`
	Owners     []ownerView       `json:"owners" doc:"ascending in time"`
}

type ownerView struct {
	CustomerID string     `json:"customer_id"`
	From       time.Time  `json:"from"`
	Until      *time.Time `json:"until" doc:"null: still"`
}

// clockView is how far a device's clock is off.
type clockView struct {
	MeasuredAt    time.Time `json:"measured_at"`
	BehindSeconds float64   `json:"behind_seconds" doc:"of our clock, over the last hours; negative: ahead"`
	Applied       float64   `json:"corrected_seconds" doc:"what its last report's time was moved by; 0: it was taken as sent"`
}

func showClock(c devices.ClockOffset) *clockView {
	if c.MeasuredAt.IsZero() {
		return nil
	}
	return &clockView{MeasuredAt: c.MeasuredAt, BehindSeconds: c.Behind.Seconds(), Applied: c.Applied.Seconds()}
}

func showDevice(now time.Time) func(devices.Summary) deviceView {
	return func(d devices.Summary) deviceView {
		v := deviceView{
			ID: string(d.ID), Model: d.Model, Serial: d.Serial, Site: d.Site,
			CustomerID: orNull(d.Customer), LastSeen: orNull(d.LastSeen),
			Clock: showClock(d.Clock), Tags: d.Tags, Owners: make([]ownerView, len(d.Owners)),
		}
		state, since := d.PresenceSince(now)
		v.Status, v.Since = state.String(), orNull(since)
		if v.Tags == nil {
			v.Tags = map[string]string{}
		}
		for i, o := range d.Owners {
			v.Owners[i] = ownerView{CustomerID: o.Customer, From: o.From, Until: orNull(o.Until)}
		}
		return v
	}
}

type deviceAnswer struct{ Body deviceView }

type deviceListInput struct {
	Stretch
	Customer string `query:"customer" doc:"who owns it now"`
	Model    string `query:"model"`
	Site     string `query:"site"`
	Status   string `query:"status" enum:"online,late,offline,unknown" doc:"as of now"`
	ClockOff bool   `query:"clock_off" doc:"only those whose clocks are off by more than a minute"`
}

func (s *rest) registerDevices() {
	tags := []string{"devices"}
	route(s, huma.Operation{
		OperationID: "list-devices", Method: http.MethodGet, Path: "/devices", Tags: tags,
		Summary: "Devices by id, with their present owner and presence",
	}, access.Read, s.listDevices)
	route(s, huma.Operation{
		OperationID: "get-device", Method: http.MethodGet, Path: "/devices/{id}", Tags: tags,
		Summary: "One device",
	}, access.Read, s.getDevice)
	route(s, huma.Operation{
		OperationID: "list-readings", Method: http.MethodGet, Path: "/devices/{id}/readings", Tags: tags,
		Summary: "What a device measured, summed up per step",
	}, access.Read, s.listReadings)
}

func (s *rest) listDevices(ctx context.Context, in *deviceListInput) (*list[deviceView], error) {
	key, err := parseCursor("devices", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := devices.Query{Customer: in.Customer, Model: in.Model, Site: in.Site, Status: in.Status, Limit: in.Limit + 1}
	if in.ClockOff {
		q.ClockOff = views.ClockOff
	}
	if key != nil {
		q.After = devices.ID(key[0])
	}
	now := s.now()
	rows, err := s.deps.Devices.ListDevices(ctx, q, now)
	if err != nil {
		return nil, err
	}
	return page("devices", rows, in.Limit, showDevice(now),
		func(d devices.Summary) []string { return []string{string(d.ID)} }), nil
}

func (s *rest) getDevice(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*deviceAnswer, error) {
	now := s.now()
	d, err := s.deps.Devices.Device(ctx, devices.ID(in.ID), now)
	if err != nil {
		return nil, err
	}
	return &deviceAnswer{Body: showDevice(now)(d)}, nil
}

type readingsInput struct {
	ID     string    `path:"id"`
	Metric string    `query:"metric" required:"true" minLength:"1" doc:"such as temperature"`
	From   time.Time `query:"from" doc:"inclusive; a day before to when absent"`
	To     time.Time `query:"to" doc:"exclusive; now when absent"`
	Step   string    `query:"step" doc:"length of a bucket, such as 1m; absent: every reading, up to a day, and about 1000 buckets beyond that"`
}

type bucketView struct {
	T   time.Time `json:"t" doc:"start of the bucket, or when the reading was observed"`
	Min float64   `json:"min"`
	Avg float64   `json:"avg"`
	Max float64   `json:"max"`
	N   int64     `json:"n" doc:"how many readings"`
}

// Bounds of one answer with readings.
const (
	maxBuckets  = 10_000
	maxRawSpan  = 24 * time.Hour
	autoBuckets = 1000
)

func (s *rest) listReadings(ctx context.Context, in *readingsInput) (*list[bucketView], error) {
	q, err := in.query(s.now())
	if err != nil {
		return nil, err
	}
	if _, err := s.deps.Devices.Device(ctx, q.Device, s.now()); err != nil {
		return nil, err
	}
	buckets, err := s.deps.History.Range(ctx, q)
	if err != nil {
		return nil, err
	}
	return whole(buckets, func(b history.Bucket) bucketView { return bucketView(b) }), nil
}

// query fills in what the request leaves open and refuses what would be too
// much.
func (in *readingsInput) query(now time.Time) (history.Query, error) {
	q := history.Query{Device: devices.ID(in.ID), Metric: in.Metric, From: in.From.UTC(), To: in.To.UTC()}
	if in.To.IsZero() {
		q.To = now.UTC()
	}
	if in.From.IsZero() {
		q.From = q.To.Add(-maxRawSpan)
	}
	span := q.To.Sub(q.From)
	if span <= 0 {
		return q, invalid("query.from", "must be before to", in.From)
	}
	if in.Step == "" {
		if span > maxRawSpan {
			q.Step = (span / autoBuckets).Round(time.Second)
		}
		return q, nil
	}
	step, err := declare.ParseDuration(in.Step)
	switch {
	case err != nil:
		return q, invalid("query.step", err.Error(), in.Step)
	case step < time.Second:
		return q, invalid("query.step", "must be a second or more", in.Step)
	case span/step > maxBuckets:
		return q, invalid("query.step", fmt.Sprintf("would make %d buckets; %d are the most: take a longer step or a shorter span", span/step, maxBuckets), in.Step)
	}
	q.Step = step
	return q, nil
}
