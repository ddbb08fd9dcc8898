package postgres

import (
	"context"
	"fmt"
	"time"
)

// nodeGone is how long a node may be silent before nobody waits for it: three
// of its heartbeats.
const nodeGone = 15 * time.Second

// NodeHeartbeat notes that a node runs and works by a version of the
// declarations.
func (db *DB) NodeHeartbeat(ctx context.Context, name string, version int64) error {
	_, err := db.q.Exec(ctx, `
		insert into nodes (name, version, seen_at) values ($1, $2, clock_timestamp())
		on conflict (name) do update set version = excluded.version, seen_at = excluded.seen_at`, name, version)
	if err != nil {
		return fmt.Errorf("note node %s: %w", name, err)
	}
	return nil
}

// NodeLeft notes that a node has stopped.
func (db *DB) NodeLeft(ctx context.Context, name string) error {
	if _, err := db.q.Exec(ctx, `delete from nodes where name = $1`, name); err != nil {
		return fmt.Errorf("note end of node %s: %w", name, err)
	}
	return nil
}

// NodesBehind returns how many running nodes do not work by the version of
// the declarations yet.
func (db *DB) NodesBehind(ctx context.Context, version int64) (int, error) {
	var n int
	err := db.q.QueryRow(ctx, `
		select count(*) from nodes where version < $1 and seen_at > clock_timestamp() - $2::interval`, version, nodeGone,
	).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count nodes behind version %d: %w", version, err)
	}
	return n, nil
}
