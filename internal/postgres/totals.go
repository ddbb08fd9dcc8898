package postgres

import (
	"context"
	"fmt"
)

// Totals counts what there is of each kind of outcome, ended ones included.
type Totals struct {
	Alarms, Tickets, Holds, Recalls, Quarantined int64
}

// Totals counts outcomes, for summaries.
func (db *DB) Totals(ctx context.Context) (Totals, error) {
	var t Totals
	err := db.q.QueryRow(ctx, `
		select (select count(*) from alarms where mode = 'live'), (select count(*) from tickets),
		       (select count(*) from holds), (select count(*) from recalls),
		       (select coalesce(sum(count), 0)::bigint from quarantine)`,
	).Scan(&t.Alarms, &t.Tickets, &t.Holds, &t.Recalls, &t.Quarantined)
	if err != nil {
		return Totals{}, fmt.Errorf("count outcomes: %w", err)
	}
	return t, nil
}
