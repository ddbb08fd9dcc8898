package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// partSize is how much of a snapshot one row holds.
const partSize = 1 << 20

// SaveSnapshot keeps the rule engine's state after message seq of a partition,
// taken under a version of the declarations. It replaces the one before, never
// a later one. It belongs into a transaction that [DB.AdvanceCheckpoint] or
// [DB.HoldLease] fences. After an error state may still be read.
func (db *DB) SaveSnapshot(ctx context.Context, partition int, seq uint64, version int64, state []byte) error {
	err := db.InTx(ctx, func(tx *DB) error {
		// The first row is locked from here on: whoever saves another one waits.
		tag, err := tx.q.Exec(ctx, `
			insert into rule_snapshots as s (partition, seq, version) values ($1, $2, $3)
			on conflict (partition) do update set seq = excluded.seq, version = excluded.version, taken_at = now()
			where s.seq <= excluded.seq`, partition, seq, version)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if _, err := tx.q.Exec(ctx, `delete from rule_snapshot_parts where partition = $1`, partition); err != nil {
			return err
		}
		parts := slices.Collect(slices.Chunk(state, partSize))
		_, err = tx.q.CopyFrom(ctx, pgx.Identifier{"rule_snapshot_parts"}, []string{"partition", "number", "state"},
			pgx.CopyFromSlice(len(parts), func(i int) ([]any, error) { return []any{partition, i, parts[i]}, nil }))
		if err != nil {
			return err
		}
		return tx.forgetInhibited(ctx, partition, seq)
	})
	if err != nil {
		return fmt.Errorf("save snapshot of partition %d: %w", partition, err)
	}
	return nil
}

// LoadSnapshot returns the last snapshot of a partition; all zero when there
// is none.
func (db *DB) LoadSnapshot(ctx context.Context, partition int) (seq uint64, version int64, state []byte, err error) {
	// One statement, so that header and parts are of the same snapshot.
	rows, err := db.q.Query(ctx, `
		select s.seq, s.version, p.state
		from rule_snapshots s left join rule_snapshot_parts p using (partition)
		where partition = $1 order by p.number`, partition)
	if err != nil {
		return 0, 0, nil, fmt.Errorf("load snapshot of partition %d: %w", partition, err)
	}
	var part []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &version, &part}, func() error {
		state = append(state, part...)
		return nil
	})
	if err != nil {
		return 0, 0, nil, fmt.Errorf("load snapshot of partition %d: %w", partition, err)
	}
	return seq, version, state, nil
}

// SnapshotPositions returns, by partition, the position of the rule engine's
// last snapshot: a restart replays the log from there, so nothing behind it
// may be dropped.
func (db *DB) SnapshotPositions(ctx context.Context) (map[int]uint64, error) {
	rows, err := db.q.Query(ctx, `select partition, seq from rule_snapshots`)
	if err != nil {
		return nil, fmt.Errorf("read positions of snapshots: %w", err)
	}
	positions := make(map[int]uint64)
	var partition int
	var seq uint64
	_, err = pgx.ForEachRow(rows, []any{&partition, &seq}, func() error {
		positions[partition] = seq
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read positions of snapshots: %w", err)
	}
	return positions, nil
}
