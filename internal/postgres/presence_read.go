package postgres

import (
	"time"

	"telltale/devices"
	"telltale/internal/declare"
)

// presenceColumns are what is known of a device d now, with its model m, its
// row p of device_presence and the row l of listening.
const presenceColumns = `p.last_seen, coalesce(p.announced, 'unknown'), p.announced_at,
	       coalesce(m.spec ->> 'stale_after', ''), coalesce(m.spec ->> 'offline_after', ''), l.since, l.until,
	       p.clock_at, coalesce(p.clock_behind, 0), coalesce(p.clock_applied, 0)`

// presenceState is [devices.Summary.PresenceSince]'s decision for the same
// rows, as of @now: for counts and filters.
const presenceState = `(
	select case when p.last_seen is null then 'unknown'
	            when p.announced = 'offline' then 'offline'
	            when quiet > nullif(m.spec ->> 'offline_after', '')::interval then 'offline'
	            when quiet > nullif(m.spec ->> 'stale_after', '')::interval then 'late'
	            else 'online' end
	from (select least(@now::timestamptz, l.until) - greatest(p.last_seen, l.since) as quiet) q)`

// presenceRow is presenceColumns of one device.
type presenceRow struct {
	lastSeen, saidAt, since, until, clockAt *time.Time
	announced, staleAfter, offlineAfter     string
	behind, applied                         float64
}

// fields are where a row is scanned to.
func (p *presenceRow) fields() []any {
	return []any{
		&p.lastSeen, &p.announced, &p.saidAt, &p.staleAfter, &p.offlineAfter, &p.since, &p.until,
		&p.clockAt, &p.behind, &p.applied,
	}
}

func (p *presenceRow) fill(s *devices.Summary) (err error) {
	s.LastSeen, s.SaidAt = orZero(p.lastSeen), orZero(p.saidAt)
	switch p.announced {
	case devices.Online.String():
		s.Announced = devices.Online
	case devices.Offline.String():
		s.Announced = devices.Offline
	}
	s.Listening = devices.Listening{Since: orZero(p.since), Until: orZero(p.until)}
	s.Clock = devices.ClockOffset{
		MeasuredAt: orZero(p.clockAt), Behind: durationOf(p.behind), Applied: durationOf(p.applied),
	}
	if s.StaleAfter, err = optionalDuration(p.staleAfter); err != nil {
		return err
	}
	s.OfflineAfter, err = optionalDuration(p.offlineAfter)
	return err
}

func optionalDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return declare.ParseDuration(text)
}
