package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

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
