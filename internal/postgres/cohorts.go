package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ShareCohorts keeps what the rule engine of a partition tells the others of
// its devices, in place of what it told before. Like the checkpoint it belongs
// into a transaction that [DB.AdvanceCheckpoint] fences.
func (db *DB) ShareCohorts(ctx context.Context, partition int, shared []byte) error {
	_, err := db.q.Exec(ctx, `
		insert into rule_cohorts (partition, shared) values ($1, $2)
		on conflict (partition) do update set shared = excluded.shared, shared_at = now()`, partition, shared)
	if err != nil {
		return fmt.Errorf("share cohorts of partition %d: %w", partition, err)
	}
	return nil
}

// SharedCohorts returns what all partitions but one told, by partition.
func (db *DB) SharedCohorts(ctx context.Context, but int) ([][]byte, error) {
	rows, err := db.q.Query(ctx, `select shared from rule_cohorts where partition <> $1 order by partition`, but)
	if err != nil {
		return nil, fmt.Errorf("read shared cohorts: %w", err)
	}
	shared, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read shared cohorts: %w", err)
	}
	return shared, nil
}
