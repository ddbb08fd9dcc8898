package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/views"
)

// A sender (a device, or the topic where no device is known) may have this many
// refused messages for one reason; a tenth more, and its oldest are let go.
const (
	maxPerSender   = 10_000
	slackPerSender = maxPerSender / 10
)

// boundSenders lets go of what senders have too much.
func (db *DB) boundSenders(ctx context.Context) error {
	rows, err := db.q.Query(ctx, `select reason, sender from quarantine_senders where kept > 10000 and kept > $1`, maxPerSender+slackPerSender)
	if err != nil {
		return fmt.Errorf("bound quarantine: %w", err)
	}
	type key struct{ Reason, Sender string }
	over, err := pgx.CollectRows(rows, pgx.RowToStructByPos[key])
	if err != nil {
		return fmt.Errorf("bound quarantine: %w", err)
	}
	for _, k := range over {
		_, err := db.letGo(ctx, `
			select a.message_id, a.received_at
			from quarantine q join quarantine_arrivals a on a.message_id = q.id
			where q.reason = @reason and q.sender = @sender
			order by a.replayed_at is null, a.received_at
			limit (select kept - @max from quarantine_senders where reason = @reason and sender = @sender)`,
			pgx.NamedArgs{"reason": k.Reason, "sender": k.Sender, "max": maxPerSender})
		if err != nil {
			return err
		}
	}
	return nil
}

// boundStep is how many arrivals one transaction of BoundQuarantine lets go.
const boundStep = 2000

// BoundQuarantine lets go of refused messages that came last before a time,
// and of more while there are too many of them or their bytes: those that were
// replayed first, then the oldest. It works in steps of one transaction each
// and returns what it let go.
func (db *DB) BoundQuarantine(ctx context.Context, bounds views.QuarantineBounds) (views.LetGo, error) {
	var total views.LetGo
	for {
		var step views.LetGo
		err := db.InTx(ctx, func(tx *DB) (err error) {
			step, err = tx.boundOnce(ctx, bounds)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("bound quarantine: %w", err)
		}
		if step.Arrivals == 0 {
			return total, db.foldSenders(ctx, `last_at < @before`, pgx.NamedArgs{"before": bounds.Before})
		}
		total.Arrivals += step.Arrivals
		total.Waiting += step.Waiting
	}
}

func (db *DB) boundOnce(ctx context.Context, bounds views.QuarantineBounds) (views.LetGo, error) {
	gone, err := db.letGo(ctx, `
		select a.message_id, a.received_at
		from (select id from quarantine where last_at < @before order by last_at limit @step) q
		join quarantine_arrivals a on a.message_id = q.id limit @step`,
		pgx.NamedArgs{"before": bounds.Before, "step": boundStep})
	if err != nil || gone.Arrivals > 0 {
		return gone, err
	}
	var arrivals, bytes int64
	err = db.q.QueryRow(ctx, `select coalesce(sum(kept), 0)::bigint, coalesce(sum(bytes), 0)::bigint from quarantine_senders`).
		Scan(&arrivals, &bytes)
	if err != nil {
		return views.LetGo{}, err
	}
	excess := arrivals - bounds.MaxMessages
	if bytes > bounds.MaxBytes {
		excess = max(excess, 1+arrivals*(bytes-bounds.MaxBytes)/bytes) // their average size; the next step looks again
	}
	if excess <= 0 {
		return views.LetGo{}, nil
	}
	return db.letGo(ctx, `
		select a.message_id, a.received_at
		from (select id from quarantine order by replayed_at is null, last_at limit @step) q
		join quarantine_arrivals a on a.message_id = q.id limit @step`,
		pgx.NamedArgs{"step": min(excess, boundStep)})
}

// letGo deletes the arrivals that a query picks, and messages that have none
// left, and notes with their senders what was not replayed.
func (db *DB) letGo(ctx context.Context, pick string, args pgx.NamedArgs) (views.LetGo, error) {
	rows, err := db.q.Query(ctx, `
		delete from quarantine_arrivals a using (`+pick+`) p
		where a.message_id = p.message_id and a.received_at = p.received_at
		returning a.message_id, a.replayed_at`, args)
	if err != nil {
		return views.LetGo{}, fmt.Errorf("let refused messages go: %w", err)
	}
	var ids []string
	var waiting []bool
	var id string
	var replayed *time.Time
	gone := views.LetGo{}
	if _, err := pgx.ForEachRow(rows, []any{&id, &replayed}, func() error {
		ids, waiting = append(ids, id), append(waiting, replayed == nil)
		gone.Arrivals++
		if replayed == nil {
			gone.Waiting++
		}
		return nil
	}); err != nil {
		return views.LetGo{}, fmt.Errorf("let refused messages go: %w", err)
	}
	if gone.Arrivals == 0 {
		return gone, nil
	}
	if err := db.noteGone(ctx, ids, waiting); err != nil {
		return views.LetGo{}, fmt.Errorf("note refused messages let go: %w", err)
	}
	return gone, nil
}

func (db *DB) noteGone(ctx context.Context, ids []string, waiting []bool) error {
	_, err := db.q.Exec(ctx, `
		with gone as (
			select id, count(*) as arrivals, count(*) filter (where waiting) as waiting
			from unnest($1::text[], $2::boolean[]) as g (id, waiting) group by id
		), ended as (
			delete from quarantine q using gone
			where q.id = gone.id and not exists (select from quarantine_arrivals a where a.message_id = q.id)
			returning q.id, octet_length(q.payload) as bytes
		), shares as (
			select q.reason, q.sender, sum(arrivals) as arrivals, sum(waiting) as waiting, coalesce(sum(bytes), 0) as bytes
			from gone join quarantine q on q.id = gone.id left join ended on ended.id = gone.id
			group by q.reason, q.sender
		)
		update quarantine_senders s
		set kept = s.kept - shares.arrivals, bytes = s.bytes - shares.bytes, let_go = s.let_go + shares.waiting
		from shares where s.reason = shares.reason and s.sender = shares.sender`, ids, waiting)
	if err != nil {
		return err
	}
	return db.foldSenders(ctx, `let_go > 0`, pgx.NamedArgs{})
}

// foldSenders adds up the senders of whom nothing is left in one row for each
// reason, whose sender is empty: however many strangers there were, what is
// remembered of them is bounded by what is kept.
func (db *DB) foldSenders(ctx context.Context, which string, args pgx.NamedArgs) error {
	_, err := db.q.Exec(ctx, `
		with gone as (delete from quarantine_senders where kept = 0 and sender <> '' and `+which+` returning *)
		insert into quarantine_senders as s (reason, sender, device, first_at, last_at, arrivals, kept, bytes, let_go)
		select reason, '', false, min(first_at), max(last_at), sum(arrivals), 0, 0, sum(let_go) from gone group by reason
		on conflict (reason, sender) do update
		set first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at),
		    arrivals = s.arrivals + excluded.arrivals, let_go = s.let_go + excluded.let_go`, args)
	if err != nil {
		return fmt.Errorf("sum up senders of refused messages: %w", err)
	}
	return nil
}
