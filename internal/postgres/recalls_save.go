package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/tickets/recalls"
)

// AddRecall stores a new recall with its items under the key, and gives it
// its number, id and the items' ids. It wraps [recalls.ErrConflict] when a
// recall with the key is undecided or running.
func (db *DB) AddRecall(ctx context.Context, r *recalls.Recall, key string) error {
	lots := make([]storedLot, len(r.Lots))
	for i, l := range r.Lots {
		lots[i] = storedLot(l)
	}
	text, err := json.Marshal(lots)
	if err != nil {
		return fmt.Errorf("encode lots of recall: %w", err)
	}
	err = db.q.QueryRow(ctx, `
		insert into recalls (status, class, reason, shipment_ids, lots, explanation, proposed_at, updated_at, closed_at, dedup_key)
		values (@status, @class, @reason, @shipments, @lots, @explanation, @proposed, @updated, @closed, @key)
		returning number`,
		pgx.NamedArgs{
			"status": string(r.Status), "class": r.Class, "reason": r.Reason,
			"shipments": orEmptyList(r.ShipmentIDs), "lots": text, "explanation": orEmptyList(r.Explanation),
			"proposed": r.ProposedAt, "updated": r.UpdatedAt, "closed": nullTime(r.ClosedAt), "key": key,
		}).Scan(&r.Number)
	if err != nil {
		return fmt.Errorf("add recall: %w", meant(err, violates("recalls_one_running", recalls.ErrConflict)))
	}
	r.ID = recalls.RecallID(r.Number)
	return db.addNewItems(ctx, r)
}

func (db *DB) addNewItems(ctx context.Context, r *recalls.Recall) error {
	batch := new(pgx.Batch)
	for i := range r.Items {
		it := &r.Items[i]
		batch.Queue(`
			insert into recall_items (recall_number, customer_id, shipment_id, gtin, lot, quantity, notice)
			values ($1, $2, $3, $4, $5, $6, $7) returning id`,
			r.Number, it.CustomerID, it.ShipmentID, it.GTIN, it.Lot, it.Quantity, it.Notice,
		).QueryRow(func(row pgx.Row) error { return row.Scan(&it.ID) })
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := db.q.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("add items of recall %s: %w", r.ID, err)
	}
	return nil
}

// SaveRecall stores what may change of a recall: status, class, explanation,
// times, new signatures, and the notices and answers of its items. What was
// signed is never changed.
func (db *DB) SaveRecall(ctx context.Context, r *recalls.Recall) error {
	batch := new(pgx.Batch)
	batch.Queue(`
		update recalls set status = $2, class = $3, explanation = $4, updated_at = $5, closed_at = $6 where number = $1`,
		r.Number, string(r.Status), r.Class, orEmptyList(r.Explanation), r.UpdatedAt, nullTime(r.ClosedAt))
	for _, s := range r.Signatures {
		batch.Queue(`
			insert into recall_signatures (recall_number, person, meaning, comment, signed_at)
			values ($1, $2, $3, $4, $5) on conflict do nothing`, r.Number, s.Person, s.Meaning, s.Comment, s.At)
	}
	queueItems(batch, r)
	if err := db.q.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("save recall %s: %w", r.ID, err)
	}
	return nil
}

func queueItems(batch *pgx.Batch, r *recalls.Recall) {
	n := len(r.Items)
	ids, notices, answered := make([]int64, n), make([]string, n), make([]*time.Time, n)
	returned, destroyed, used := make([]int64, n), make([]int64, n), make([]int64, n)
	for i := range r.Items {
		it := &r.Items[i]
		ids[i], notices[i], answered[i] = it.ID, it.Notice, nullTime(it.AnsweredAt)
		returned[i], destroyed[i], used[i] = it.Returned, it.Destroyed, it.Used
	}
	batch.Queue(`
		update recall_items i
		set notice = c.notice, answered_at = c.answered_at, returned = c.returned, destroyed = c.destroyed, used = c.used
		from unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[])
		  as c (id, notice, answered_at, returned, destroyed, used)
		where i.recall_number = $1 and i.id = c.id`, r.Number, ids, notices, answered, returned, destroyed, used)
}
