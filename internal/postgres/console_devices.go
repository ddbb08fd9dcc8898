package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/internal/views"
	"telltale/tickets"
)

const deviceRows = `
	select d.spec, coalesce(o.customer_id, ''), ` + presenceColumns + `, coalesce(c.name, ''), coalesce(p."values", '{}'),
	       coalesce(p.faults, '{}'), coalesce(a.active, 0)
	from devices d
	join models m on m.id = d.model
	left join device_owners o on o.device_id = d.id
	  and o.owned_from <= @now and (o.owned_until is null or o.owned_until > @now)
	left join customers c on c.id = o.customer_id
	left join device_presence p on p.device_id = d.id
	left join listening l on true
	left join (select subject_id, count(*) as active from alarms
	           where subject_type = 'device' and cleared_at is null group by subject_id) a on a.subject_id = d.id`

// DeviceRows returns devices ordered by id with what is known of them now.
func (db *DB) DeviceRows(ctx context.Context, q views.DeviceQuery, now time.Time) (views.Page[views.DeviceRow], error) {
	limit := cmp.Or(q.Limit, views.DefaultLimit)
	rows, err := db.q.Query(ctx, deviceRows+`
		where d.id > @after
		  and (@model = '' or d.model = @model)
		  and (@owner = '' or o.customer_id = @owner)
		  and (not @alarmed or a.active > 0)
		  and (@presence = '' or @presence = `+presenceState+`)
		  and (@clock_off::double precision = 0 or abs(p.clock_behind) > @clock_off)
		  and (@text = '%%' or d.id ilike @text or d.serial ilike @text or d.site ilike @text or c.name ilike @text)
		order by d.id
		limit @limit`,
		pgx.NamedArgs{
			"now": now, "after": q.After, "model": q.Model, "owner": q.Owner, "alarmed": q.Alarmed,
			"presence": q.Presence, "clock_off": q.ClockOff.Seconds(),
			"text": contains(q.Text), "limit": limit + 1,
		})
	if err != nil {
		return views.Page[views.DeviceRow]{}, fmt.Errorf("list devices: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanDeviceRow)
	if err != nil {
		return views.Page[views.DeviceRow]{}, fmt.Errorf("list devices: %w", err)
	}
	return pageOf(all, limit, func(r views.DeviceRow) string { return string(r.ID) }), nil
}

// DeviceRow returns one device, or an error that is [devices.ErrUnknown].
func (db *DB) DeviceRow(ctx context.Context, id string, now time.Time) (views.DeviceRow, error) {
	return readOne(ctx, db, "device "+id, fmt.Errorf("%w %s", devices.ErrUnknown, id), scanDeviceRow,
		deviceRows+` where d.id = @id`, pgx.NamedArgs{"now": now, "id": id})
}

func scanDeviceRow(row pgx.CollectableRow) (views.DeviceRow, error) {
	var r views.DeviceRow
	var p presenceRow
	var spec, values []byte
	err := row.Scan(append(append([]any{&spec, &r.Customer}, p.fields()...), &r.CustomerName, &values, &r.Faults, &r.ActiveAlarms)...)
	if err != nil {
		return r, err
	}
	device, err := declare.Decode[*devices.Device](spec)
	if err != nil {
		return r, err
	}
	r.Device = *device
	if err := p.fill(&r.Summary); err != nil {
		return r, err
	}
	r.Values, err = latestValues(values)
	return r, err
}

// latestValues reads the values of a presence row: numbers and labels.
func latestValues(text []byte) (map[string]devices.Value, error) {
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, fmt.Errorf("latest values: %w", err)
	}
	values := make(map[string]devices.Value, len(plain))
	for name, v := range plain {
		switch v := v.(type) {
		case float64:
			values[name] = devices.Number(v)
		case string:
			values[name] = devices.Label(v)
		}
	}
	return values, nil
}

// Fleet counts the declared devices by presence as of now, and those whose
// clocks are off by more than a minute.
func (db *DB) Fleet(ctx context.Context, now time.Time) (views.Fleet, error) {
	rows, err := db.q.Query(ctx, `
		with state as (
		  select `+presenceState+` as presence, abs(p.clock_behind) > @clock_off as clock_off
		  from devices d
		  join models m on m.id = d.model
		  left join device_presence p on p.device_id = d.id
		  left join listening l on true)
		select count(*) filter (where presence = 'online'), count(*) filter (where presence = 'late'),
		       count(*) filter (where presence = 'offline'), count(*) filter (where presence = 'unknown'),
		       count(*) filter (where clock_off)
		from state`, pgx.NamedArgs{"now": now, "clock_off": views.ClockOff.Seconds()})
	if err != nil {
		return views.Fleet{}, fmt.Errorf("count devices: %w", err)
	}
	f, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[views.Fleet])
	if err != nil {
		return f, fmt.Errorf("count devices: %w", err)
	}
	return f, nil
}

// OwnerSpans returns who owned a device when, the latest first.
func (db *DB) OwnerSpans(ctx context.Context, device string) ([]views.OwnerSpan, error) {
	rows, err := db.q.Query(ctx, `
		select o.customer_id, c.name, o.owned_from, o.owned_until
		from device_owners o join customers c on c.id = o.customer_id
		where o.device_id = $1 order by o.owned_from desc`, device)
	if err != nil {
		return nil, fmt.Errorf("read owners of %s: %w", device, err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (views.OwnerSpan, error) {
		var o views.OwnerSpan
		var until *time.Time
		err := row.Scan(&o.CustomerID, &o.CustomerName, &o.From, &until)
		o.Until = orZero(until)
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("read owners of %s: %w", device, err)
	}
	return all, nil
}

// ArticleSpec returns one article, nil when it is not declared.
func (db *DB) ArticleSpec(ctx context.Context, id string) (*tickets.Article, error) {
	return loadSpec[*tickets.Article](ctx, db, declare.KindArticle, id)
}

// Models returns the declared models by id.
func (db *DB) Models(ctx context.Context) (map[string]*devices.Model, error) {
	all, err := loadSpecs[*devices.Model](ctx, db, declare.KindModel)
	if err != nil {
		return nil, err
	}
	models := make(map[string]*devices.Model, len(all))
	for _, m := range all {
		models[m.ID] = m
	}
	return models, nil
}

// CustomerNames returns the names of those of the customers that exist.
func (db *DB) CustomerNames(ctx context.Context, ids []string) (map[string]string, error) {
	rows, err := db.q.Query(ctx, `select id, name from customers where id = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read customers' names: %w", err)
	}
	names := make(map[string]string, len(ids))
	var id, name string
	if _, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error { names[id] = name; return nil }); err != nil {
		return nil, fmt.Errorf("read customers' names: %w", err)
	}
	return names, nil
}

// loadSpec reads one declaration, nil when there is none with the id.
func loadSpec[T declare.Declaration](ctx context.Context, db *DB, kind declare.Kind, id string) (T, error) {
	var spec []byte
	var none T
	err := db.q.QueryRow(ctx, `select spec from `+tableOf(kind)+` where id = $1`, id).Scan(&spec)
	if errors.Is(err, pgx.ErrNoRows) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return declare.Decode[T](spec)
}
