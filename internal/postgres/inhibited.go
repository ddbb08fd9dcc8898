package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"telltale/rules"
)

// InhibitingAlarms returns the active alarms of some rules: those that hold
// others back beyond their own device.
func (db *DB) InhibitingAlarms(ctx context.Context, ids []string) ([]rules.OpenAlarm, error) {
	rows, err := db.q.Query(ctx, `
		select rule_id, subject_type, subject_id, mode from alarms
		where rule_id = any($1) and cleared_at is null
		order by rule_id, subject_type, subject_id, mode`, ids)
	if err != nil {
		return nil, fmt.Errorf("read inhibiting alarms: %w", err)
	}
	alarms, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a rules.OpenAlarm, err error) {
		return a, row.Scan(&a.Key.Rule, &a.Key.Subject.Type, &a.Key.Subject.ID, &a.Mode)
	})
	if err != nil {
		return nil, fmt.Errorf("read inhibiting alarms: %w", err)
	}
	return alarms, nil
}

// SaveInhibited keeps what the rule engine of a partition was told after message
// seq. Like the checkpoint it belongs into a transaction that
// [DB.AdvanceCheckpoint] fences.
func (db *DB) SaveInhibited(ctx context.Context, partition int, seq uint64, places []rules.Place) error {
	_, err := db.q.Exec(ctx, `
		insert into rule_inhibited (partition, seq, places) values ($1, $2, $3)
		on conflict (partition, seq) do update set places = excluded.places`,
		partition, int64(seq), records(orNone(places)))
	if err != nil {
		return fmt.Errorf("save what partition %d was told: %w", partition, err)
	}
	return nil
}

// LoadInhibited returns what the engine of a partition was told from message
// since on, ascending.
func (db *DB) LoadInhibited(ctx context.Context, partition int, since uint64) (seqs []uint64, places [][]rules.Place, err error) {
	rows, err := db.q.Query(ctx, `select seq, places from rule_inhibited where partition = $1 and seq >= $2 order by seq`,
		partition, int64(since))
	if err != nil {
		return nil, nil, fmt.Errorf("load what partition %d was told: %w", partition, err)
	}
	var seq int64
	var text []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &text}, func() error {
		var at []rules.Place
		if err := json.Unmarshal(text, &at); err != nil {
			return err
		}
		seqs, places = append(seqs, uint64(seq)), append(places, at)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("load what partition %d was told: %w", partition, err)
	}
	return seqs, places, nil
}

// forgetInhibited drops what was told before a snapshot: that is in it.
func (db *DB) forgetInhibited(ctx context.Context, partition int, seq uint64) error {
	_, err := db.q.Exec(ctx, `delete from rule_inhibited where partition = $1 and seq < $2`, partition, int64(seq))
	if err != nil {
		return fmt.Errorf("forget what partition %d was told: %w", partition, err)
	}
	return nil
}
