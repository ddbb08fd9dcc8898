package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/tickets/recalls"
)

// recallColumns of recalls r; scanRecall reads them.
const recallColumns = `
	r.number, r.status, r.class, r.reason, r.shipment_ids, r.lots, r.explanation,
	r.proposed_at, r.updated_at, r.closed_at`

// runningRecalls is what the unique index recalls_one_running covers.
const runningRecalls = `r.status not in ('closed', 'rejected')`

// storedLot is a lot as recalls.lots holds it.
type storedLot struct {
	GTIN string `json:"gtin"`
	Lot  string `json:"lot"`
}

// ListRecalls returns the selected recalls with items and signatures, newest
// first. It wraps [recalls.ErrInvalid] when query.After is no recall id.
func (db *DB) ListRecalls(ctx context.Context, query recalls.Query) ([]*recalls.Recall, error) {
	before, err := listBefore(query.After, recalls.RecallNumber)
	if err != nil {
		return nil, err
	}
	return db.selectRecalls(ctx, `
		where r.number < @before
		  and (cardinality(@statuses::text[]) = 0 or r.status = any(@statuses))
		  and (@shipment = '' or r.shipment_ids @> array[@shipment::text])
		  and (@customer = '' or exists (select from recall_items i
		       where i.recall_number = r.number and i.customer_id = @customer))
		  and (@lot = '' or r.lots @> jsonb_build_array(jsonb_build_object('lot', @lot::text)))
		order by r.number desc
		limit @limit`,
		pgx.NamedArgs{
			"before": before, "statuses": words(query.Statuses), "shipment": query.Shipment,
			"customer": query.Customer, "lot": query.Lot, "limit": rowLimit(query.Limit),
		})
}

// listBefore returns the number that a list goes on before.
func listBefore(after string, parse func(string) (int64, bool)) (int64, error) {
	if after == "" {
		return math.MaxInt64, nil
	}
	number, ok := parse(after)
	if !ok {
		return 0, &recalls.Refusal{Reason: recalls.ErrInvalid, Sentence: "The list cannot go on: the cursor is not valid."}
	}
	return number, nil
}

// Recall returns one recall, or [recalls.NoRecall]'s error.
func (db *DB) Recall(ctx context.Context, id string) (*recalls.Recall, error) {
	return db.oneRecall(ctx, id, ``)
}

// LockRecall returns one recall, locked until the transaction ends, or
// [recalls.NoRecall]'s error.
func (db *DB) LockRecall(ctx context.Context, id string) (*recalls.Recall, error) {
	return db.oneRecall(ctx, id, ` for no key update of r`)
}

func (db *DB) oneRecall(ctx context.Context, id, lock string) (*recalls.Recall, error) {
	number, ok := recalls.RecallNumber(id)
	if !ok {
		return nil, recalls.NoRecall(id)
	}
	list, err := db.selectRecalls(ctx, `where r.number = @number`+lock, pgx.NamedArgs{"number": number})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, recalls.NoRecall(id)
	}
	return list[0], nil
}

// LockRunningRecall returns the recall with the key that is neither rejected
// nor closed, locked until the transaction ends; nil when there is none.
func (db *DB) LockRunningRecall(ctx context.Context, key string) (*recalls.Recall, error) {
	list, err := db.selectRecalls(ctx, `where r.dedup_key = @key and `+runningRecalls+` for no key update of r`,
		pgx.NamedArgs{"key": key})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// RunningRecallOf returns the id of the newest recall that is neither
// rejected nor closed and takes back the lot of the shipment; "" for none.
func (db *DB) RunningRecallOf(ctx context.Context, shipment string, lot recalls.Lot) (string, error) {
	var number int64
	err := db.q.QueryRow(ctx, `
		select r.number from recalls r
		where r.shipment_ids @> array[$1::text] and `+runningRecalls+`
		  and r.lots @> jsonb_build_array(jsonb_build_object('gtin', $2::text, 'lot', $3::text))
		order by r.number desc limit 1`, shipment, lot.GTIN, lot.Lot).Scan(&number)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find recall of lot %s: %w", lot.Lot, err)
	}
	return recalls.RecallID(number), nil
}

// selectRecalls reads recalls by a condition, with items and signatures.
func (db *DB) selectRecalls(ctx context.Context, where string, args pgx.NamedArgs) ([]*recalls.Recall, error) {
	rows, err := db.q.Query(ctx, `select `+recallColumns+` from recalls r `+where, args)
	if err != nil {
		return nil, fmt.Errorf("read recalls: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanRecall)
	if err != nil {
		return nil, fmt.Errorf("read recalls: %w", err)
	}
	byNumber := make(map[int64]*recalls.Recall, len(list))
	numbers := make([]int64, len(list))
	for i, r := range list {
		byNumber[r.Number], numbers[i] = r, r.Number
	}
	if len(list) == 0 {
		return list, nil
	}
	if err := db.addItems(ctx, byNumber, numbers); err != nil {
		return nil, fmt.Errorf("read items of recalls: %w", err)
	}
	if err := db.addSignatures(ctx, byNumber, numbers); err != nil {
		return nil, fmt.Errorf("read signatures of recalls: %w", err)
	}
	return list, nil
}

func scanRecall(row pgx.CollectableRow) (*recalls.Recall, error) {
	var r recalls.Recall
	var lots []storedLot
	var text []byte
	var closed *time.Time
	err := row.Scan(&r.Number, &r.Status, &r.Class, &r.Reason, &r.ShipmentIDs, &text, &r.Explanation,
		&r.ProposedAt, &r.UpdatedAt, &closed)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &lots); err != nil {
		return nil, fmt.Errorf("lots of recall %d: %w", r.Number, err)
	}
	for _, l := range lots {
		r.Lots = append(r.Lots, recalls.Lot(l))
	}
	r.ID, r.ClosedAt = recalls.RecallID(r.Number), orZero(closed)
	return &r, nil
}

func (db *DB) addItems(ctx context.Context, byNumber map[int64]*recalls.Recall, numbers []int64) error {
	rows, err := db.q.Query(ctx, `
		select recall_number, id, customer_id, shipment_id, gtin, lot, quantity, notice, answered_at,
		       returned, destroyed, used
		from recall_items where recall_number = any($1) order by id`, numbers)
	if err != nil {
		return err
	}
	var number int64
	var it recalls.Item
	var answered *time.Time
	_, err = pgx.ForEachRow(rows, []any{
		&number, &it.ID, &it.CustomerID, &it.ShipmentID, &it.GTIN, &it.Lot, &it.Quantity, &it.Notice, &answered,
		&it.Returned, &it.Destroyed, &it.Used,
	}, func() error {
		it.AnsweredAt = orZero(answered)
		byNumber[number].Items = append(byNumber[number].Items, it)
		return nil
	})
	return err
}

func (db *DB) addSignatures(ctx context.Context, byNumber map[int64]*recalls.Recall, numbers []int64) error {
	rows, err := db.q.Query(ctx, `
		select recall_number, person, meaning, comment, signed_at
		from recall_signatures where recall_number = any($1) order by signed_at, meaning, person`, numbers)
	if err != nil {
		return err
	}
	var number int64
	var s recalls.Signature
	_, err = pgx.ForEachRow(rows, []any{&number, &s.Person, &s.Meaning, &s.Comment, &s.At}, func() error {
		byNumber[number].Signatures = append(byNumber[number].Signatures, s)
		return nil
	})
	return err
}
