package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/tickets/recalls"
)

// holdColumns of holds h; scanHold reads them.
const holdColumns = `
	h.number, h.shipment_id, h.gtin, h.lot, h.reason, h.placed_at, h.released_at,
	coalesce(h.released_by, ''), h.release_reason`

// ListHolds returns the selected holds, newest first. It wraps
// [recalls.ErrInvalid] when query.After is no hold id.
func (db *DB) ListHolds(ctx context.Context, query recalls.HoldQuery) ([]recalls.Hold, error) {
	before, err := listBefore(query.After, recalls.HoldNumber)
	if err != nil {
		return nil, err
	}
	rows, err := db.q.Query(ctx, `
		select `+holdColumns+` from holds h
		where h.number < @before
		  and (not @in_force or h.released_at is null)
		  and (@shipment = '' or h.shipment_id = @shipment)
		  and (@lot = '' or h.lot = @lot)
		order by h.number desc
		limit @limit`,
		pgx.NamedArgs{
			"before": before, "in_force": query.InForce, "shipment": query.Shipment, "lot": query.Lot,
			"limit": rowLimit(query.Limit),
		})
	if err != nil {
		return nil, fmt.Errorf("list holds: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanHold)
	if err != nil {
		return nil, fmt.Errorf("list holds: %w", err)
	}
	return list, nil
}

func scanHold(row pgx.CollectableRow) (recalls.Hold, error) {
	var h recalls.Hold
	var number int64
	var released *time.Time
	err := row.Scan(&number, &h.ShipmentID, &h.GTIN, &h.Lot, &h.Reason, &h.PlacedAt, &released,
		&h.ReleasedBy, &h.ReleaseReason)
	h.ID, h.ReleasedAt = recalls.HoldID(number), orZero(released)
	return h, err
}

// PlaceHolds holds the lots that are not on hold yet, and returns the new
// holds with their ids.
func (db *DB) PlaceHolds(ctx context.Context, holds []recalls.Hold) ([]recalls.Hold, error) {
	batch := new(pgx.Batch)
	var placed []recalls.Hold
	for _, h := range holds {
		batch.Queue(`
			insert into holds as h (shipment_id, gtin, lot, reason, placed_at)
			select $1, $2, $3, $4, $5
			where not exists (select from holds where shipment_id = $1 and gtin = $2 and lot = $3 and released_at is null)
			on conflict (shipment_id, gtin, lot) where released_at is null do nothing
			returning `+holdColumns, h.ShipmentID, h.GTIN, h.Lot, h.Reason, h.PlacedAt,
		).Query(func(rows pgx.Rows) error {
			added, err := pgx.CollectRows(rows, scanHold)
			placed = append(placed, added...)
			return err
		})
	}
	if batch.Len() == 0 {
		return nil, nil
	}
	if err := db.q.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("place holds: %w", err)
	}
	return placed, nil
}

// LockHold returns a hold, locked together with its shipment until the
// transaction ends, or [recalls.NoHold]'s error.
func (db *DB) LockHold(ctx context.Context, id string) (*recalls.Hold, error) {
	number, ok := recalls.HoldNumber(id)
	if !ok {
		return nil, recalls.NoHold(id)
	}
	// The shipment first, as whoever places holds does.
	_, err := db.q.Exec(ctx, `
		select from shipments where id = (select shipment_id from holds where number = $1) for no key update`, number)
	if err != nil {
		return nil, fmt.Errorf("lock shipment of hold %s: %w", id, err)
	}
	hold, err := readOne(ctx, db, "hold "+id, recalls.NoHold(id), scanHold,
		`select `+holdColumns+` from holds h where h.number = $1 for no key update`, number)
	if err != nil {
		return nil, err
	}
	return &hold, nil
}

// ReleaseHold stores when, by whom and why a hold was released.
func (db *DB) ReleaseHold(ctx context.Context, h *recalls.Hold) error {
	number, ok := recalls.HoldNumber(h.ID)
	if !ok {
		return recalls.NoHold(h.ID)
	}
	_, err := db.q.Exec(ctx, `
		update holds set released_at = $2, released_by = $3, release_reason = $4 where number = $1`,
		number, h.ReleasedAt, h.ReleasedBy, h.ReleaseReason)
	if err != nil {
		return fmt.Errorf("release hold %s: %w", h.ID, err)
	}
	return nil
}
