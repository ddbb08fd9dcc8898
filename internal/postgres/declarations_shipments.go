package postgres

import (
	"context"
	"fmt"
	"time"

	"telltale/devices/shipments"
	"telltale/internal/declare"
)

// storeShipments writes shipments and rewrites their loggers, lots and
// consignees. The last assessment of a shipment stays: it is no declaration.
func (db *DB) storeShipments(ctx context.Context, t touched, all []*shipments.Shipment) error {
	var c specColumns
	var profiles, carriers []string
	var departed []time.Time
	var arrived []*time.Time
	var changed []*shipments.Shipment
	for _, s := range all {
		if t.add(&c, declare.KindShipment, s.ID) {
			profiles, carriers = append(profiles, s.Profile), append(carriers, s.Carrier)
			departed, arrived = append(departed, s.DepartedAt), append(arrived, nullTime(s.ArrivedAt))
			changed = append(changed, s)
		}
	}
	err := db.exec(ctx, len(c.ids), `
		insert into shipments (id, profile, carrier, departed_at, arrived_at, spec)
		select id, profile, carrier, departed_at, arrived_at, spec::jsonb
		from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[])
		  as new (id, profile, carrier, departed_at, arrived_at, spec)
		on conflict (id) do update
		set profile = excluded.profile, carrier = excluded.carrier, departed_at = excluded.departed_at,
		    arrived_at = excluded.arrived_at, spec = excluded.spec, updated_at = now()`,
		c.ids, profiles, carriers, departed, arrived, c.specs)
	if err != nil {
		return err
	}
	for _, table := range []string{"shipment_loggers", "shipment_lots", "shipment_consignees"} {
		if err := db.exec(ctx, len(c.ids), `delete from `+table+` where shipment_id = any($1)`, c.ids); err != nil {
			return fmt.Errorf("clear %s: %w", table, err)
		}
	}
	if err := db.storeLoggers(ctx, changed); err != nil {
		return fmt.Errorf("store loggers: %w", err)
	}
	if err := db.storeLots(ctx, changed); err != nil {
		return fmt.Errorf("store lots: %w", err)
	}
	if err := db.storeConsignees(ctx, changed); err != nil {
		return fmt.Errorf("store consignees: %w", err)
	}
	return nil
}

func (db *DB) storeLoggers(ctx context.Context, all []*shipments.Shipment) error {
	var ids, devices, metrics []string
	var from []time.Time
	var until []*time.Time
	for _, s := range all {
		for _, l := range s.Loggers {
			ids, devices, metrics = append(ids, s.ID), append(devices, string(l.Device)), append(metrics, l.Metric)
			from, until = append(from, l.From), append(until, nullTime(l.Until))
		}
	}
	return db.exec(ctx, len(ids), `
		insert into shipment_loggers (shipment_id, device_id, metric, watched_from, watched_until)
		select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])`,
		ids, devices, metrics, from, until)
}

func (db *DB) storeLots(ctx context.Context, all []*shipments.Shipment) error {
	var ids, gtins, lots, units []string
	var quantities []int64
	for _, s := range all {
		for _, l := range s.Lots {
			ids, gtins, lots = append(ids, s.ID), append(gtins, l.GTIN), append(lots, l.Lot)
			quantities, units = append(quantities, l.Quantity), append(units, l.Unit)
		}
	}
	return db.exec(ctx, len(ids), `
		insert into shipment_lots (shipment_id, gtin, lot, quantity, unit)
		select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])`,
		ids, gtins, lots, quantities, units)
}

func (db *DB) storeConsignees(ctx context.Context, all []*shipments.Shipment) error {
	var ids, customers, lots []string
	var quantities []int64
	for _, s := range all {
		for _, c := range s.Consignees {
			ids, customers = append(ids, s.ID), append(customers, c.Customer)
			lots, quantities = append(lots, c.Lot), append(quantities, c.Quantity)
		}
	}
	return db.exec(ctx, len(ids), `
		insert into shipment_consignees (shipment_id, customer_id, lot, quantity)
		select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])`,
		ids, customers, lots, quantities)
}
