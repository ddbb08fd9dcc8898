package postgres

import (
	"context"
	"fmt"
	"time"
)

// KeepListening notes that devices are listened to and that all they said
// until a moment is stored. A break of more than grace since it was noted last
// means that they were not: then their silence counts from until on. Several
// nodes may note it.
func (db *DB) KeepListening(ctx context.Context, until time.Time, grace time.Duration) error {
	_, err := db.q.Exec(ctx, `
		insert into listening as l (since, until) values ($1, $1)
		on conflict (one) do update
		set since = case when excluded.until - l.until > $2::interval then excluded.until else l.since end,
		    until = greatest(l.until, excluded.until)`, until, grace)
	if err != nil {
		return fmt.Errorf("note listening: %w", err)
	}
	return nil
}
