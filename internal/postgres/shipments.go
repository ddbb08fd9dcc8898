package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/internal/declare"
	"telltale/rules/excursion"
	"telltale/tickets/recalls"
)

// LockShipment returns a shipment with its profile and what was decided about
// it, locked until the transaction ends; or [recalls.NoShipment]'s error. The
// lock is compatible with the one that storing a trace point takes for its
// foreign key: two workers that stored points of one shipment would otherwise
// wait for each other here.
func (db *DB) LockShipment(ctx context.Context, id string) (*recalls.Case, error) {
	return db.readCase(ctx, id, ` for no key update of s`)
}

// ReadCase is LockShipment without the lock.
func (db *DB) ReadCase(ctx context.Context, id string) (*recalls.Case, error) {
	return db.readCase(ctx, id, ``)
}

func (db *DB) readCase(ctx context.Context, id, lock string) (*recalls.Case, error) {
	var c recalls.Case
	var shipment, profile, assessment []byte
	err := db.q.QueryRow(ctx, `
		select s.spec, p.spec, s.grounds, s.assessment
		from shipments s join storage_profiles p on p.id = s.profile
		where s.id = $1`+lock, id).Scan(&shipment, &profile, &c.Grounds, &assessment)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, recalls.NoShipment(id)
	}
	if err != nil {
		return nil, fmt.Errorf("read shipment %s: %w", id, err)
	}
	if c.Shipment, err = declare.Decode[*shipments.Shipment](shipment); err != nil {
		return nil, err
	}
	if c.Profile, err = declare.Decode[*shipments.StorageProfile](profile); err != nil {
		return nil, err
	}
	c.Last, err = readAssessment(assessment)
	return &c, err
}

// readAssessment decodes what SaveAssessment stored; nil for null.
func readAssessment(text []byte) (*excursion.Assessment, error) {
	if text == nil {
		return nil, nil
	}
	a := new(excursion.Assessment)
	return a, json.Unmarshal(text, a)
}

// SaveAssessment stores a judgement and the grounds that were acted upon.
func (db *DB) SaveAssessment(ctx context.Context, a *excursion.Assessment, grounds []string) error {
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode assessment of %s: %w", a.Shipment, err)
	}
	_, err = db.q.Exec(ctx, `
		update shipments set verdict = $2, assessment = $3, assessed_at = $4, grounds = $5 where id = $1`,
		a.Shipment, string(a.Verdict), text, a.ComputedAt, orEmptyList(grounds))
	if err != nil {
		return fmt.Errorf("save assessment of %s: %w", a.Shipment, err)
	}
	return nil
}

// orEmptyList keeps null out of columns that have none.
func orEmptyList(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// ShipmentsWithLots returns the ids of the shipments that carry any of the
// lots, ascending. A lot without GTIN means any with its number.
func (db *DB) ShipmentsWithLots(ctx context.Context, lots []recalls.Lot) ([]string, error) {
	gtins, numbers := lotColumns(lots)
	rows, err := db.q.Query(ctx, `
		select distinct l.shipment_id
		from unnest($1::text[], $2::text[]) as wanted (gtin, lot)
		join shipment_lots l on l.lot = wanted.lot and (wanted.gtin = '' or l.gtin = wanted.gtin)
		order by l.shipment_id`, gtins, numbers)
	if err != nil {
		return nil, fmt.Errorf("find shipments of lots: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find shipments of lots: %w", err)
	}
	return ids, nil
}

func lotColumns(lots []recalls.Lot) (gtins, numbers []string) {
	for _, l := range lots {
		gtins, numbers = append(gtins, l.GTIN), append(numbers, l.Lot)
	}
	return gtins, numbers
}

// summaryColumns of shipments s; scanSummary reads them.
const summaryColumns = `
	s.spec, s.verdict, s.assessment, s.assessed_at,
	(select count(*) from holds h where h.shipment_id = s.id and h.released_at is null),
	array(select r.number from recalls r where r.shipment_ids @> array[s.id] order by r.number)`

// ListShipments returns the selected shipments, the latest departure first.
// The list begins anew when query.After names no shipment.
func (db *DB) ListShipments(ctx context.Context, query recalls.ShipmentQuery) ([]recalls.Summary, error) {
	rows, err := db.q.Query(ctx, `
		select `+summaryColumns+` from shipments s
		left join shipments p on p.id = @after
		where (p.id is null or (s.departed_at, s.id) < (p.departed_at, p.id))
		  and (@verdict = '' or s.verdict = @verdict)
		  and (@customer = '' or exists (select from shipment_consignees c
		       where c.shipment_id = s.id and c.customer_id = @customer))
		  and (@lot = '' or exists (select from shipment_lots l where l.shipment_id = s.id and l.lot = @lot))
		  and (@device = '' or exists (select from shipment_loggers l where l.shipment_id = s.id and l.device_id = @device))
		order by s.departed_at desc, s.id desc
		limit @limit`,
		pgx.NamedArgs{
			"after": query.After, "verdict": string(query.Verdict), "customer": query.Customer,
			"lot": query.Lot, "device": string(query.Device), "limit": rowLimit(query.Limit),
		})
	if err != nil {
		return nil, fmt.Errorf("list shipments: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanSummary)
	if err != nil {
		return nil, fmt.Errorf("list shipments: %w", err)
	}
	return list, nil
}

// Shipment returns one shipment, or [recalls.NoShipment]'s error.
func (db *DB) Shipment(ctx context.Context, id string) (*recalls.Summary, error) {
	summary, err := readOne(ctx, db, "shipment "+id, recalls.NoShipment(id), scanSummary,
		`select `+summaryColumns+` from shipments s where s.id = $1`, id)
	if err != nil {
		return nil, err
	}
	return &summary, nil
}

func scanSummary(row pgx.CollectableRow) (recalls.Summary, error) {
	var s recalls.Summary
	var spec, assessment []byte
	var assessedAt *time.Time
	var numbers []int64
	if err := row.Scan(&spec, &s.Verdict, &assessment, &assessedAt, &s.Held, &numbers); err != nil {
		return s, err
	}
	shipment, err := declare.Decode[*shipments.Shipment](spec)
	if err != nil {
		return s, err
	}
	s.Shipment, s.AssessedAt = *shipment, orZero(assessedAt)
	for _, number := range numbers {
		s.Recalls = append(s.Recalls, recalls.RecallID(number))
	}
	s.Assessment, err = readAssessment(assessment)
	return s, err
}

// LoadTrace returns all temperatures stored for a shipment.
func (db *DB) LoadTrace(ctx context.Context, shipment string) (excursion.Trace, error) {
	rows, err := db.q.Query(ctx, `
		select device_id, observed_at, celsius from trace_points
		where shipment_id = $1 order by device_id, observed_at`, shipment)
	if err != nil {
		return nil, fmt.Errorf("load trace of %s: %w", shipment, err)
	}
	trace := make(excursion.Trace)
	var device devices.ID
	var point excursion.Point
	_, err = pgx.ForEachRow(rows, []any{&device, &point.At, &point.C}, func() error {
		trace[device] = append(trace[device], point)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load trace of %s: %w", shipment, err)
	}
	return trace, nil
}
