package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"telltale/ingest/codec"
)

// KeepBirths stores births of Sparkplug nodes and devices, each in place of the
// one before; one without a payload is void.
func (db *DB) KeepBirths(ctx context.Context, births []codec.Birth) error {
	batch := &pgx.Batch{}
	for _, b := range births {
		if len(b.Payload) == 0 {
			batch.Queue(`delete from sparkplug_births where topic = $1`, b.Topic)
			continue
		}
		batch.Queue(`
			insert into sparkplug_births (topic, payload, received_at) values ($1, $2, $3)
			on conflict (topic) do update set payload = excluded.payload, received_at = excluded.received_at`,
			b.Topic, b.Payload, b.ReceivedAt)
	}
	if err := db.q.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("keep %d births: %w", len(births), err)
	}
	return nil
}

// Births returns the births that are kept, the earliest first, and of one
// moment a node's before its devices'.
func (db *DB) Births(ctx context.Context) ([]codec.Birth, error) {
	rows, err := db.q.Query(ctx, `
		select topic, payload, received_at from sparkplug_births
		order by received_at, split_part(topic, '/', 3) desc`)
	if err != nil {
		return nil, fmt.Errorf("read births: %w", err)
	}
	births, err := pgx.CollectRows(rows, pgx.RowToStructByPos[codec.Birth])
	if err != nil {
		return nil, fmt.Errorf("read births: %w", err)
	}
	return births, nil
}
