package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/idempotency"
)

// ClaimKey takes the key for a request, and reports whether it was free. When
// it was not it returns what is known of its owner.
func (db *DB) ClaimKey(ctx context.Context, key string, request []byte) (bool, idempotency.Answer, error) {
	// A key that another request gives back between the two statements is
	// claimed in the next round.
	for {
		tag, err := db.q.Exec(ctx, `
			insert into idempotency_keys (key, request, status, body) values ($1, $2, 0, '')
			on conflict (key) do nothing`, key, request)
		if err != nil {
			return false, idempotency.Answer{}, fmt.Errorf("claim idempotency key: %w", err)
		}
		if tag.RowsAffected() == 1 {
			return true, idempotency.Answer{}, nil
		}
		var first idempotency.Answer
		err = db.q.QueryRow(ctx, `
			select request, status, content_type, body from idempotency_keys where key = $1`, key).
			Scan(&first.Request, &first.Status, &first.ContentType, &first.Body)
		switch {
		case err == nil:
			return false, first, nil
		case !errors.Is(err, pgx.ErrNoRows):
			return false, idempotency.Answer{}, fmt.Errorf("read idempotency key: %w", err)
		}
	}
}

// KeepAnswer stores the answer of a claimed key.
func (db *DB) KeepAnswer(ctx context.Context, key string, a idempotency.Answer) error {
	_, err := db.q.Exec(ctx, `
		update idempotency_keys set status = @status, content_type = @content_type, body = @body
		where key = @key`,
		pgx.NamedArgs{"key": key, "status": a.Status, "content_type": a.ContentType, "body": orNone(a.Body)})
	if err != nil {
		return fmt.Errorf("keep answer: %w", err)
	}
	return nil
}

// ReleaseKey gives a claimed key back.
func (db *DB) ReleaseKey(ctx context.Context, key string) error {
	if _, err := db.q.Exec(ctx, `delete from idempotency_keys where key = $1 and status = 0`, key); err != nil {
		return fmt.Errorf("release idempotency key: %w", err)
	}
	return nil
}

// PruneKeys forgets keys that were claimed before the time.
func (db *DB) PruneKeys(ctx context.Context, before time.Time) error {
	if _, err := db.q.Exec(ctx, `delete from idempotency_keys where created_at < $1`, before); err != nil {
		return fmt.Errorf("prune idempotency keys: %w", err)
	}
	return nil
}
