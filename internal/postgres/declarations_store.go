package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/internal/declare"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/crm"
)

// touched picks the declarations of one kind that a plan creates or changes,
// with their specs.
type touched struct {
	specs map[declare.Ref]string
}

func newTouched(plan declare.Plan) touched {
	t := touched{make(map[declare.Ref]string)}
	for _, change := range plan.Changes {
		if change.Action != declare.Unchanged {
			t.specs[change.Ref] = string(change.Spec)
		}
	}
	return t
}

// specColumns are the first two values of a statement, column by column, as
// unnest takes them.
type specColumns struct{ ids, specs []string }

func (t touched) add(c *specColumns, kind declare.Kind, id string) bool {
	spec, ok := t.specs[declare.Ref{Kind: kind, ID: id}]
	if ok {
		c.ids, c.specs = append(c.ids, id), append(c.specs, spec)
	}
	return ok
}

// storeDeclarations writes what the plan touches, each kind after those it
// refers to.
func (db *DB) storeDeclarations(ctx context.Context, set *declare.Set, plan declare.Plan, author string) error {
	t := newTouched(plan)
	steps := []struct {
		kind  declare.Kind
		store func() error
	}{
		{declare.KindArticle, func() error { return db.storeArticles(ctx, t, set.Articles) }},
		{declare.KindModel, func() error { return db.storeModels(ctx, t, set.Models) }},
		{declare.KindCustomer, func() error { return db.storeCustomers(ctx, t, set.Customers) }},
		{declare.KindDevice, func() error { return db.storeDevices(ctx, t, set.Devices) }},
		{declare.KindProfile, func() error { return db.storeProfiles(ctx, t, set.Profiles) }},
		{declare.KindShipment, func() error { return db.storeShipments(ctx, t, set.Shipments) }},
		{declare.KindRule, func() error { return db.storeRules(ctx, t, set.Rules, author) }},
		{declare.KindMaintenance, func() error { return db.storeMaintenance(ctx, t, set.Maintenance) }},
	}
	for _, step := range steps {
		if err := step.store(); err != nil {
			return fmt.Errorf("store %s declarations: %w", step.kind, err)
		}
	}
	return nil
}

// exec runs one statement of a store step, unless there is nothing to do.
func (db *DB) exec(ctx context.Context, rows int, sql string, args ...any) error {
	if rows == 0 {
		return nil
	}
	batch := new(pgx.Batch)
	batch.Queue(sql, args...)
	return db.write(ctx, batch)
}

func (db *DB) storeArticles(ctx context.Context, t touched, articles []*tickets.Article) error {
	var c specColumns
	var titles []string
	for _, a := range articles {
		if t.add(&c, declare.KindArticle, a.ID) {
			titles = append(titles, a.Title)
		}
	}
	return db.exec(ctx, len(c.ids), `
		insert into articles (id, title, spec)
		select id, title, spec::jsonb from unnest($1::text[], $2::text[], $3::text[]) as new (id, title, spec)
		on conflict (id) do update set title = excluded.title, spec = excluded.spec, updated_at = now()`,
		c.ids, titles, c.specs)
}

func (db *DB) storeModels(ctx context.Context, t touched, models []*devices.Model) error {
	var c specColumns
	for _, m := range models {
		t.add(&c, declare.KindModel, m.ID)
	}
	return db.exec(ctx, len(c.ids), `
		insert into models (id, spec)
		select id, spec::jsonb from unnest($1::text[], $2::text[]) as new (id, spec)
		on conflict (id) do update set spec = excluded.spec, updated_at = now()`,
		c.ids, c.specs)
}

func (db *DB) storeCustomers(ctx context.Context, t touched, customers []*crm.Customer) error {
	var c specColumns
	var names, tiers []string
	for _, customer := range customers {
		if t.add(&c, declare.KindCustomer, customer.ID) {
			names, tiers = append(names, customer.Name), append(tiers, customer.Tier)
		}
	}
	return db.exec(ctx, len(c.ids), `
		insert into customers (id, name, tier, spec)
		select id, name, tier, spec::jsonb
		from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as new (id, name, tier, spec)
		on conflict (id) do update
		set name = excluded.name, tier = excluded.tier, spec = excluded.spec, updated_at = now()`,
		c.ids, names, tiers, c.specs)
}

func (db *DB) storeDevices(ctx context.Context, t touched, all []*devices.Device) error {
	var c specColumns
	var models, serials, sites []string
	var owners ownerColumns
	for _, d := range all {
		if t.add(&c, declare.KindDevice, string(d.ID)) {
			models, serials, sites = append(models, d.Model), append(serials, d.Serial), append(sites, d.Site)
			owners.add(d)
		}
	}
	err := db.exec(ctx, len(c.ids), `
		insert into devices (id, model, serial, site, spec)
		select id, model, serial, site, spec::jsonb
		from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as new (id, model, serial, site, spec)
		on conflict (id) do update
		set model = excluded.model, serial = excluded.serial, site = excluded.site,
		    spec = excluded.spec, updated_at = now()`,
		c.ids, models, serials, sites, c.specs)
	if err != nil {
		return err
	}
	if err := db.exec(ctx, len(c.ids), `delete from device_owners where device_id = any($1)`, c.ids); err != nil {
		return fmt.Errorf("clear owners: %w", err)
	}
	return db.exec(ctx, len(owners.devices), `
		insert into device_owners (device_id, customer_id, owned_from, owned_until)
		select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])`,
		owners.devices, owners.customers, owners.from, owners.until)
}

type ownerColumns struct {
	devices, customers []string
	from               []time.Time
	until              []*time.Time
}

func (c *ownerColumns) add(d *devices.Device) {
	for _, o := range d.Owners {
		c.devices, c.customers = append(c.devices, string(d.ID)), append(c.customers, o.Customer)
		c.from, c.until = append(c.from, o.From), append(c.until, nullTime(o.Until))
	}
}

// nullTime turns Go's zero time into SQL's null.
func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (db *DB) storeProfiles(ctx context.Context, t touched, profiles []*shipments.StorageProfile) error {
	var c specColumns
	for _, p := range profiles {
		t.add(&c, declare.KindProfile, p.ID)
	}
	return db.exec(ctx, len(c.ids), `
		insert into storage_profiles (id, spec)
		select id, spec::jsonb from unnest($1::text[], $2::text[]) as new (id, spec)
		on conflict (id) do update set spec = excluded.spec, updated_at = now()`,
		c.ids, c.specs)
}

func (db *DB) storeMaintenance(ctx context.Context, t touched, all []*rules.Maintenance) error {
	var c specColumns
	for _, m := range all {
		t.add(&c, declare.KindMaintenance, m.ID)
	}
	return db.exec(ctx, len(c.ids), `
		insert into maintenance (id, spec)
		select id, spec::jsonb from unnest($1::text[], $2::text[]) as new (id, spec)
		on conflict (id) do update set spec = excluded.spec, updated_at = now()`,
		c.ids, c.specs)
}

// storeRules writes rules and keeps each new version. A rule's version counts
// the changes of its spec, and only those.
func (db *DB) storeRules(ctx context.Context, t touched, all []*rules.Rule, author string) error {
	var c specColumns
	var modes []string
	for _, r := range all {
		if t.add(&c, declare.KindRule, r.ID) {
			modes = append(modes, string(r.Mode))
		}
	}
	return db.exec(ctx, len(c.ids), `
		with stored as (
		  insert into rules (id, version, mode, spec)
		  select id, 1, mode, spec::jsonb from unnest($1::text[], $2::text[], $3::text[]) as new (id, mode, spec)
		  on conflict (id) do update
		  set version = rules.version + 1, mode = excluded.mode, spec = excluded.spec, updated_at = now()
		  returning id, version, spec
		)
		insert into rule_versions (rule_id, version, spec, author)
		select id, version, spec, $4 from stored`,
		c.ids, modes, c.specs, author)
}
