package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/ingest/history"
)

// sightings are what a run of reports says of each device's presence.
type sightings struct {
	byDevice map[devices.ID]*sighting
}

// sighting is the last that a run of reports says of one device. What it does
// not speak of stays as it is stored.
type sighting struct {
	seen       time.Time // our clock; zero: the device itself did not speak
	received   time.Time // our clock, also when others spoke for it
	observedAt time.Time // the device's clock
	announced  devices.Presence
	saidAt     time.Time // our clock, of what was announced last; zero: nothing was
	clock      clockSighting
	faults     []string
	faultsAt   time.Time // zero: no report spoke of faults
	values     []latestValue
}

// latestValue is the newest value of one metric.
type latestValue struct {
	metric *metricName
	value  devices.Value
	at     int64 // Unix microseconds
}

func newSightings() sightings { return sightings{byDevice: make(map[devices.ID]*sighting)} }

// of returns the sighting of a device, whose clock is measured in drift.
func (s sightings) of(id devices.ID, drift *devices.Drift) *sighting {
	found := s.byDevice[id]
	if found == nil {
		found = &sighting{clock: clockSighting{drift: drift}}
		s.byDevice[id] = found
	}
	return found
}

// report takes one report in, in the log's order. A device that is announced
// offline is not seen by that: its last will speaks, not the device.
func (s *sighting) report(r *devices.Report) {
	s.received = later(s.received, r.ReceivedAt)
	s.observedAt = later(s.observedAt, r.ObservedAt)
	if r.Presence != devices.Offline {
		s.seen = later(s.seen, r.ReceivedAt)
	}
	// By receipt and not by the log's order: what was replayed is old.
	if r.Presence != devices.PresenceUnknown && !r.ReceivedAt.Before(s.saidAt) {
		s.announced, s.saidAt = r.Presence, r.ReceivedAt
	}
	s.clock.report(r)
	if r.Faults != nil && !r.ObservedAt.Before(s.faultsAt) {
		s.faults, s.faultsAt = r.Faults, r.ObservedAt
	}
}

// value takes in a value that is newer than all before.
func (s *sighting) value(metric *metricName, v devices.Value, at int64) {
	i := slices.IndexFunc(s.values, func(l latestValue) bool { return l.metric.num == metric.num })
	if i < 0 {
		s.values = append(s.values, latestValue{metric: metric, value: v, at: at})
		return
	}
	s.values[i] = latestValue{metric: metric, value: v, at: at}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// save brings the sightings into the devices' presence, which only moves
// forward.
func (s sightings) save(ctx context.Context, tx *DB) error {
	if len(s.byDevice) == 0 {
		return nil
	}
	rows, err := s.columns()
	if err != nil {
		return err
	}
	// Faults come as JSON, since arrays of different lengths cannot be the
	// elements of an array.
	_, err = tx.q.Exec(ctx, `
		with s as (
			select device, seen, received, observed_at, announced, said_at, "values"::jsonb, value_times::jsonb,
			       case when faults is not null then array(select jsonb_array_elements_text(faults::jsonb)) end as faults,
			       faults_at, clock_at, clock_since, clock_count, clock_window, clock_low, clock_before,
			       clock_anchor, clock_agreed, clock_agreed_since, clock_steady, clock_behind, clock_applied
			from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::timestamptz[],
			            $7::text[], $8::text[], $9::text[], $10::timestamptz[],
			            $11::timestamptz[], $12::timestamptz[], $13::bigint[], $14::timestamptz[], $15::double precision[], $16::double precision[],
			            $17::double precision[], $18::bigint[], $19::timestamptz[], $20::boolean[], $21::double precision[], $22::double precision[])
			  as u (device, seen, received, observed_at, announced, said_at, "values", value_times, faults, faults_at,
			        clock_at, clock_since, clock_count, clock_window, clock_low, clock_before,
			        clock_anchor, clock_agreed, clock_agreed_since, clock_steady, clock_behind, clock_applied)
		), moved as (
			update device_presence p set
				last_seen = greatest(p.last_seen, s.seen),
				observed_at = greatest(p.observed_at, s.observed_at),
				announced = case
					when s.said_at >= coalesce(p.announced_at, '-infinity')
					then case when s.announced = 'offline' and s.said_at < greatest(p.last_seen, s.seen) then 'unknown' else s.announced end
					when p.announced = 'offline' and p.announced_at < s.seen then 'unknown'
					else p.announced end,
				announced_at = greatest(p.announced_at, s.said_at),
				clock_at = greatest(p.clock_at, s.clock_at),
				clock_since = coalesce(s.clock_since, p.clock_since),
				clock_count = coalesce(s.clock_count, p.clock_count),
				clock_window = coalesce(s.clock_window, p.clock_window),
				clock_low = coalesce(s.clock_low, p.clock_low),
				clock_before = coalesce(s.clock_before, p.clock_before),
				clock_anchor = coalesce(s.clock_anchor, p.clock_anchor),
				clock_agreed = coalesce(s.clock_agreed, p.clock_agreed),
				clock_agreed_since = coalesce(s.clock_agreed_since, p.clock_agreed_since),
				clock_steady = coalesce(s.clock_steady, p.clock_steady),
				clock_behind = coalesce(s.clock_behind, p.clock_behind),
				clock_applied = coalesce(s.clock_applied, p.clock_applied),
				"values" = p."values" || s."values",
				value_times = p.value_times || s.value_times,
				faults = case when s.faults_at >= coalesce(p.faults_at, '-infinity') then s.faults else p.faults end,
				faults_at = greatest(p.faults_at, s.faults_at)
			from s where p.device_id = s.device
			returning p.device_id
		)
		insert into device_presence
			(device_id, last_seen, observed_at, announced, announced_at, "values", value_times, faults, faults_at,
			 clock_at, clock_since, clock_count, clock_window, clock_low, clock_before,
			 clock_anchor, clock_agreed, clock_agreed_since, clock_steady, clock_behind, clock_applied)
		select device, coalesce(seen, received), observed_at,
		       case when announced = 'offline' and said_at < seen then 'unknown' else coalesce(announced, 'unknown') end, said_at,
		       "values", value_times, coalesce(faults, '{}'), faults_at,
		       clock_at, clock_since, clock_count, clock_window, clock_low, clock_before,
		       clock_anchor, clock_agreed, clock_agreed_since, coalesce(clock_steady, false), clock_behind, coalesce(clock_applied, 0)
		from s where not exists (select from moved where moved.device_id = s.device)`, rows...)
	if err != nil {
		return fmt.Errorf("save presence: %w", err)
	}
	return nil
}

// columns returns the arguments of save's statement: one array per column.
func (s sightings) columns() ([]any, error) {
	n := len(s.byDevice)
	ids, values, valueTimes := make([]string, 0, n), make([]string, 0, n), make([]string, 0, n)
	seen, faultsAt := make([]*time.Time, 0, n), make([]*time.Time, 0, n)
	received, observedAt := make([]time.Time, 0, n), make([]time.Time, 0, n)
	announced, faults := make([]*string, 0, n), make([]*string, 0, n)
	saidAt := make([]*time.Time, 0, n)
	var clocks clockColumns
	var buf []byte
	for id, one := range s.byDevice {
		ids = append(ids, string(id))
		seen = append(seen, timeOrNull(one.seen))
		received = append(received, one.received)
		observedAt = append(observedAt, one.observedAt)
		faultsAt = append(faultsAt, timeOrNull(one.faultsAt))
		saidAt = append(saidAt, timeOrNull(one.saidAt))
		clocks.add(&one.clock)
		announced = append(announced, one.announcedOrNull())
		text, err := one.faultsOrNull()
		if err != nil {
			return nil, err
		}
		faults = append(faults, text)
		if buf, err = one.appendValues(buf[:0]); err != nil {
			return nil, err
		}
		values = append(values, string(buf))
		buf = one.appendTimes(buf[:0])
		valueTimes = append(valueTimes, string(buf))
	}
	return []any{
		ids, seen, received, observedAt, announced, saidAt, values, valueTimes, faults, faultsAt,
		clocks.at, clocks.since, clocks.count, clocks.window, clocks.low, clocks.before,
		clocks.anchor, clocks.agreed, clocks.agreedSince, clocks.steady, clocks.behind, clocks.applied,
	}, nil
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *sighting) announcedOrNull() *string {
	if s.announced == devices.PresenceUnknown {
		return nil
	}
	word := s.announced.String()
	return &word
}

func (s *sighting) faultsOrNull() (*string, error) {
	if s.faultsAt.IsZero() {
		return nil, nil //nolint:nilnil // null is what is meant
	}
	codes := make([]string, len(s.faults))
	for i, code := range s.faults {
		codes[i] = cleanText(code)
	}
	text, err := json.Marshal(codes)
	if err != nil {
		return nil, fmt.Errorf("encode faults: %w", err)
	}
	word := string(text)
	return &word, nil
}

// appendValues appends the latest values: {"temperature":4.2,"mode":"defrost"}.
func (s *sighting) appendValues(b []byte) ([]byte, error) {
	b = append(b, '{')
	for i, l := range s.values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, l.metric.quoted...), ':')
		if !l.value.IsLabel() {
			b = strconv.AppendFloat(b, l.value.Number, 'g', -1, 64)
			continue
		}
		label, err := json.Marshal(cleanText(l.value.Label))
		if err != nil {
			return nil, fmt.Errorf("encode label: %w", err)
		}
		b = append(b, label...)
	}
	return append(b, '}'), nil
}

// appendTimes appends when the latest values were observed.
func (s *sighting) appendTimes(b []byte) []byte {
	b = append(b, '{')
	for i, l := range s.values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, l.metric.quoted...), ':')
		b = strconv.AppendInt(b, l.at, 10)
	}
	return append(b, '}')
}

// Latest returns the newest value of each metric of a device; nil when it has
// not reported yet.
func (db *DB) Latest(ctx context.Context, device devices.ID) (map[string]history.Point, error) {
	rows, err := db.q.Query(ctx, `
		select v.key, case when jsonb_typeof(v.value) = 'number' then v.value::double precision end,
		       v.value #>> '{}', (p.value_times ->> v.key)::bigint
		from device_presence p, jsonb_each(p."values") v
		where p.device_id = $1`, string(device))
	if err != nil {
		return nil, fmt.Errorf("latest values of %s: %w", device, err)
	}
	var latest map[string]history.Point
	var metric, label string
	var number *float64
	var at int64
	_, err = pgx.ForEachRow(rows, []any{&metric, &number, &label, &at}, func() error {
		if latest == nil {
			latest = make(map[string]history.Point)
		}
		latest[metric] = history.Point{T: time.UnixMicro(at).UTC(), Value: valueOf(number, &label)}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("latest values of %s: %w", device, err)
	}
	return latest, nil
}
