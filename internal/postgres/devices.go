package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/internal/declare"
)

const deviceSummaries = `
	select d.spec, coalesce(o.customer_id, ''), ` + presenceColumns + `
	from devices d
	join models m on m.id = d.model
	left join device_owners o on o.device_id = d.id
	  and o.owned_from <= @now and (o.owned_until is null or o.owned_until > @now)
	left join device_presence p on p.device_id = d.id
	left join listening l on true`

// ListDevices returns the selected devices ordered by id, with their owners
// as of now.
func (db *DB) ListDevices(ctx context.Context, query devices.Query, now time.Time) ([]devices.Summary, error) {
	limit := query.Limit
	if limit == 0 {
		limit = math.MaxInt32
	}
	rows, err := db.q.Query(ctx, deviceSummaries+`
		where d.id > @after
		  and (@customer = '' or o.customer_id = @customer)
		  and (@model = '' or d.model = @model)
		  and (@site = '' or d.site = @site)
		  and (@presence = '' or @presence = `+presenceState+`)
		  and (@clock_off::double precision = 0 or abs(p.clock_behind) > @clock_off)
		order by d.id
		limit @limit`,
		pgx.NamedArgs{
			"now": now, "after": string(query.After), "customer": query.Customer,
			"model": query.Model, "site": query.Site, "presence": query.Status, "clock_off": query.ClockOff.Seconds(), "limit": limit,
		})
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanDeviceSummary)
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	return all, nil
}

// Device returns one device with its owner as of now, or an error that is
// [devices.ErrUnknown].
func (db *DB) Device(ctx context.Context, id devices.ID, now time.Time) (devices.Summary, error) {
	return readOne(ctx, db, "device "+string(id), fmt.Errorf("%w %s", devices.ErrUnknown, id), scanDeviceSummary,
		deviceSummaries+` where d.id = @id`, pgx.NamedArgs{"now": now, "id": string(id)})
}

func scanDeviceSummary(row pgx.CollectableRow) (devices.Summary, error) {
	var s devices.Summary
	var p presenceRow
	var spec []byte
	if err := row.Scan(append([]any{&spec, &s.Customer}, p.fields()...)...); err != nil {
		return s, err
	}
	device, err := declare.Decode[*devices.Device](spec)
	if err != nil {
		return s, err
	}
	s.Device = *device
	return s, p.fill(&s)
}
