package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// declarationsPoll is how often the version is read although nobody announced
// a new one: a connection pooler or a fail-over may swallow announcements.
const declarationsPoll = 5 * time.Second

// WaitDeclarations blocks until the version of the declarations is above
// after, and returns it. It holds a connection of its own, outside the pool,
// while it waits.
func (db *DB) WaitDeclarations(ctx context.Context, after int64) (int64, error) {
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return 0, fmt.Errorf("listen for declarations: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "listen "+declarationsChannel); err != nil {
		return 0, fmt.Errorf("listen for declarations: %w", err)
	}
	for {
		// Read after LISTEN: a change between the two is announced as well.
		var version int64
		if err := conn.QueryRow(ctx, `select version from declarations`).Scan(&version); err != nil {
			return 0, fmt.Errorf("read version of declarations: %w", err)
		}
		if version > after {
			return version, nil
		}
		if err := waitNotification(ctx, conn, declarationsPoll); err != nil {
			return 0, fmt.Errorf("listen for declarations: %w", err)
		}
	}
}

// waitNotification returns nil when something was announced or the time is
// over.
func waitNotification(ctx context.Context, conn *pgx.Conn, limit time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := conn.WaitForNotification(waiting)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
