package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/tickets/outbox"
)

// ClaimDeliveries takes up to limit deliveries of a destination that are due,
// oldest first, and leases them. A delivery is not due while an earlier one of
// its ordering key is unsettled, so the claimed ones have different keys. One
// whose lease is over is due at once.
func (db *DB) ClaimDeliveries(ctx context.Context, destination string, limit int, lease time.Duration) ([]outbox.Delivery, error) {
	rows, err := db.q.Query(ctx, `
		with due as (
		  select d.id from deliveries d
		  where d.destination = @destination and d.state in ('available', 'running', 'retryable')
		    and (d.state in ('available', 'retryable') and d.next_at <= now()
		         or d.state = 'running' and d.lease_until < now())
		    and not exists (
		      select from deliveries e
		      where e.destination = d.destination and e.ordering_key = d.ordering_key and e.id < d.id
		        and e.state in ('available', 'running', 'retryable'))
		  order by d.id
		  limit @limit
		  for update skip locked)
		update deliveries d set state = 'running', lease_until = now() + @lease, attempts = d.attempts + 1
		from due, events e
		where d.id = due.id and e.id = d.event_id
		returning d.id, d.destination, d.state, d.attempts, d.next_at, d.last_error, d.created_at,
		  e.id, e.position, e.type, e.subject, e.ordering_key, e.at, e.trace, e.data`,
		pgx.NamedArgs{"destination": destination, "limit": limit, "lease": lease})
	if err != nil {
		return nil, fmt.Errorf("claim deliveries to %s: %w", destination, err)
	}
	claimed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (outbox.Delivery, error) {
		var d outbox.Delivery
		e := &d.Event
		err := row.Scan(&d.ID, &d.Destination, &d.State, &d.Attempts, &d.NextAt, &d.LastError, &d.CreatedAt,
			&e.ID, &e.Position, &e.Type, &e.Subject, &e.OrderingKey, &e.At, &e.Trace, &e.Data)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("claim deliveries to %s: %w", destination, err)
	}
	return claimed, nil
}

// SettleDelivery records what became of a claimed delivery. The number of
// attempts fences it: whoever held the delivery before a later claim changes
// nothing.
func (db *DB) SettleDelivery(ctx context.Context, d outbox.Delivery, outcome outbox.Outcome) error {
	_, err := db.q.Exec(ctx, `
		update deliveries set state = @state::text, lease_until = null, next_at = now() + @after, last_error = @error,
		  completed_at = case when @state::text = 'completed' then now() end
		where id = @id and state = 'running' and attempts = @attempts`,
		pgx.NamedArgs{
			"id": d.ID, "attempts": d.Attempts, "state": string(outcome.State),
			"after": outcome.After, "error": outcome.Error,
		})
	if err != nil {
		return fmt.Errorf("settle delivery %d to %s: %w", d.ID, d.Destination, err)
	}
	return nil
}

// OldestUnsent returns the age of the oldest unsettled delivery of each
// destination that has one.
func (db *DB) OldestUnsent(ctx context.Context) (map[string]time.Duration, error) {
	rows, err := db.q.Query(ctx, `
		select destination, now() - min(created_at) from deliveries
		where state in ('available', 'running', 'retryable')
		group by destination`)
	if err != nil {
		return nil, fmt.Errorf("read oldest unsent: %w", err)
	}
	ages := make(map[string]time.Duration)
	var destination string
	var age time.Duration
	_, err = pgx.ForEachRow(rows, []any{&destination, &age}, func() error {
		ages[destination] = age
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read oldest unsent: %w", err)
	}
	return ages, nil
}

// pruneBatch bounds one transaction of [DB.PruneEvents].
const pruneBatch = 5000

// PruneEvents deletes the events of before a time that every destination has
// settled, with their deliveries, and returns how many. Unsent ones stay,
// however old they are.
func (db *DB) PruneEvents(ctx context.Context, before time.Time) (int64, error) {
	var pruned int64
	for {
		var n int64
		err := db.q.QueryRow(ctx, `
			with old as (
			  select e.id from events e
			  where e.at < @before and not exists (
			    select from deliveries d
			    where d.event_id = e.id and d.state in ('available', 'running', 'retryable'))
			  order by e.position
			  limit @limit
			  for update skip locked),
			settled as (delete from deliveries d using old where d.event_id = old.id),
			gone as (delete from events e using old where e.id = old.id returning e.id)
			select count(*) from gone`,
			pgx.NamedArgs{"before": before, "limit": pruneBatch}).Scan(&n)
		if err != nil {
			return pruned, fmt.Errorf("prune events: %w", err)
		}
		pruned += n
		if n < pruneBatch {
			return pruned, nil
		}
	}
}
