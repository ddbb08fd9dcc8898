package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// readOne reads what the query gives one row of, and returns missing when it
// gives none. Errors name what was read.
func readOne[T any](ctx context.Context, db *DB, what string, missing error, scan pgx.RowToFunc[T], query string, args ...any) (T, error) {
	var none T
	rows, err := db.q.Query(ctx, query, args...)
	if err != nil {
		return none, fmt.Errorf("read %s: %w", what, err)
	}
	one, err := pgx.CollectExactlyOneRow(rows, scan)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return none, missing
	case err != nil:
		return none, fmt.Errorf("read %s: %w", what, err)
	}
	return one, nil
}
