package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/ingest"
	"telltale/internal/views"
)

// replayLock is the key of the advisory lock under which replays go on: one
// round at a time, whichever node does it, or a device's messages would
// overtake each other.
const replayLock = 0x7E11_7A1F

const replayColumns = `number, requested_by, requested_at, reason, selected, accepted, refused, failure, finished_at`

// selects is the condition of a replay's messages, with the replay's columns
// as r. Of what was too large only the beginning is kept: that cannot be
// replayed.
const selects = `q.reason <> 'too_large'
	and (r.reason = '' or q.reason = r.reason)
	and (cardinality(r.devices) = 0 or q.devices && r.devices)
	and (r.topic = '' or q.topic ~ r.topic)
	and (cardinality(r.ids) = 0 or q.id = any(r.ids))`

// RequestReplay asks the gateways to take refused messages again: all that
// are selected, came until now and were not replayed since; those named by id
// also if they were. It returns the replay that was noted; one that selects
// nothing is finished at once.
func (db *DB) RequestReplay(ctx context.Context, s views.ReplaySelection, by string, now time.Time) (views.Replay, error) {
	var replay views.Replay
	err := db.InTx(ctx, func(tx *DB) error {
		if err := tx.waitAgain(ctx, s.IDs); err != nil {
			return err
		}
		rows, err := tx.q.Query(ctx, `
			with r as (
				select @reason::text as reason, @devices::text[] as devices, @topic::text as topic, @ids::text[] as ids
			), counted as (
				select count(*) as n from r, quarantine q join quarantine_arrivals a on a.message_id = q.id
				where a.replayed_at is null and a.received_at <= @now and `+selects+`
			)
			insert into replays (requested_by, requested_at, reason, devices, topic, ids, selected, finished_at)
			select @by, @now, r.reason, r.devices, r.topic, r.ids, n, case when n = 0 then @now::timestamptz end from r, counted
			returning `+replayColumns,
			pgx.NamedArgs{
				"reason": string(s.Reason), "devices": orNone(s.Devices), "topic": topicPattern(s.Topic),
				"ids": orNone(s.IDs), "by": by, "now": now,
			})
		if err != nil {
			return err
		}
		replay, err = pgx.CollectExactlyOneRow(rows, scanReplay)
		return err
	})
	if err != nil {
		return views.Replay{}, fmt.Errorf("request replay: %w", err)
	}
	return replay, nil
}

// waitAgain lets messages that were replayed wait for another replay.
func (db *DB) waitAgain(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := db.q.Exec(ctx, `
		with again as (update quarantine set replayed_at = null where id = any($1) and reason <> 'too_large' returning id)
		update quarantine_arrivals a set replayed_at = null from again where a.message_id = again.id`, ids)
	return err
}

// RequestClaimedReplays asks for the replay of what was refused from devices
// that are declared by now, if every running node knows them, and returns how
// many devices those are. A device is asked for again only when more of it was
// refused, or when its declaration changed.
func (db *DB) RequestClaimedReplays(ctx context.Context, now time.Time) (int, error) {
	var claimed []string
	err := db.InTx(ctx, func(tx *DB) error {
		version, err := tx.DeclarationsVersion(ctx)
		if err != nil {
			return err
		}
		if behind, err := tx.NodesBehind(ctx, version); err != nil || behind > 0 {
			return err
		}
		rows, err := tx.q.Query(ctx, `
			update quarantine_senders s set tried_at = @now
			where (s.reason, s.sender) in (
				select s.reason, s.sender from quarantine_senders s join devices d on d.id = s.sender
				where s.reason = @reason and (s.tried_at is null or s.tried_at < greatest(s.last_at, d.updated_at))
				order by s.sender limit 1000 for update of s skip locked)
			returning s.sender`, pgx.NamedArgs{"reason": string(ingest.UnknownDevice), "now": now})
		if err != nil {
			return err
		}
		claimed, err = pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(claimed) == 0 {
			return err
		}
		_, err = tx.RequestReplay(ctx, views.ReplaySelection{Reason: ingest.UnknownDevice, Devices: claimed}, "declared", now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("request replay of declared devices: %w", err)
	}
	return len(claimed), nil
}

// Replays returns the latest replays, those that go on first.
func (db *DB) Replays(ctx context.Context, limit int) ([]views.Replay, error) {
	rows, err := db.q.Query(ctx, `
		select `+replayColumns+` from replays order by finished_at is not null, number desc limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list replays: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanReplay)
	if err != nil {
		return nil, fmt.Errorf("list replays: %w", err)
	}
	return all, nil
}

// Replay returns one replay, or an error that is [ingest.ErrNotQuarantined].
func (db *DB) Replay(ctx context.Context, number int64) (views.Replay, error) {
	rows, err := db.q.Query(ctx, `select `+replayColumns+` from replays where number = $1`, number)
	if err != nil {
		return views.Replay{}, fmt.Errorf("read replay %d: %w", number, err)
	}
	replay, err := pgx.CollectExactlyOneRow(rows, scanReplay)
	if err = meant(err, noRows(ingest.ErrNotQuarantined)); err != nil {
		return replay, fmt.Errorf("read replay %d: %w", number, err)
	}
	return replay, nil
}

func scanReplay(row pgx.CollectableRow) (views.Replay, error) {
	var r views.Replay
	var finished *time.Time
	err := row.Scan(&r.Number, &r.RequestedBy, &r.RequestedAt, &r.Reason, &r.Selected, &r.Accepted, &r.Refused, &r.Failure, &finished)
	r.FinishedAt = orZero(finished)
	return r, err
}

// SelectWaiting returns the messages that a replay would begin with, in its
// order and each as often as it came, with ReceivedAt the time of that arrival.
func (db *DB) SelectWaiting(ctx context.Context, s views.ReplaySelection, limit int) ([]ingest.Quarantined, error) {
	rows, err := db.q.Query(ctx, `
		with r as (select @reason::text as reason, @devices::text[] as devices, @topic::text as topic, @ids::text[] as ids)
		select `+refusedColumns+`, a.received_at
		from r, quarantine_arrivals a join quarantine q on q.id = a.message_id
		where (a.replayed_at is null or cardinality(r.ids) > 0) and `+selects+`
		order by a.received_at, a.message_id
		limit @limit`,
		pgx.NamedArgs{
			"reason": string(s.Reason), "devices": orNone(s.Devices), "topic": topicPattern(s.Topic),
			"ids": orNone(s.IDs), "limit": limit,
		})
	if err != nil {
		return nil, fmt.Errorf("select messages to replay: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanArrival)
	if err != nil {
		return nil, fmt.Errorf("select messages to replay: %w", err)
	}
	return all, nil
}

// scanArrival reads a message as it came at one time: the last column.
func scanArrival(row pgx.CollectableRow) (ingest.Quarantined, error) {
	var q ingest.Quarantined
	var observed *time.Time
	var skip any
	var first time.Time
	err := row.Scan(&q.ID, &q.Reason, &q.Detail, &q.Source, &q.Devices, &q.Topic, &q.ClientID, &q.Payload, &first,
		&observed, &q.Retained, &skip, &skip, &skip, &skip, &skip, &q.ReceivedAt)
	q.ObservedAt = orZero(observed)
	return q, err
}

// replayBytes bounds the payloads of one round, beyond its first.
const replayBytes = 4 << 20

// ReplayRound does the next stretch of the oldest replay that goes on: up to
// limit messages are handed to replay in the order they came, and what became
// of them is noted, in one transaction. It returns how many that were, and
// false when there is nothing to do or another node is at it.
//
// When replay fails, the same messages wait for the next round. A crash after
// it replays the round again: the readings are the same, at the same times,
// and stored once.
func (db *DB) ReplayRound(ctx context.Context, limit int, now time.Time, replay func([]ingest.Quarantined) ([]ingest.Verdict, error)) (n int, more bool, err error) {
	var failure error
	err = db.InTx(ctx, func(tx *DB) error {
		n, more, failure = 0, false, nil
		number, ok, err := tx.replayInTurn(ctx)
		if err != nil || !ok {
			return err
		}
		messages, err := tx.nextArrivals(ctx, number, limit)
		if err != nil {
			return err
		}
		round := &replayed{number: number, last: len(messages) < limit}
		if few := withinBytes(messages, replayBytes); few < len(messages) {
			messages, round.last = messages[:few], false
		}
		verdicts, err := replay(messages)
		if err != nil {
			failure = err
			return tx.noteReplayFailure(ctx, number, err)
		}
		for i := range messages {
			round.add(&messages[i], &verdicts[i])
		}
		n, more = len(messages), true
		return round.note(ctx, tx, now)
	})
	if err != nil {
		return 0, false, fmt.Errorf("replay refused messages: %w", err)
	}
	return n, more, failure
}

// replayInTurn returns the oldest replay that goes on, and locks all of them
// for the transaction; false when there is none or somebody else has it.
func (db *DB) replayInTurn(ctx context.Context) (number int64, ok bool, err error) {
	var mine bool
	if err := db.q.QueryRow(ctx, `select pg_try_advisory_xact_lock($1)`, int64(replayLock)).Scan(&mine); err != nil || !mine {
		return 0, false, err
	}
	err = db.q.QueryRow(ctx, `select number from replays where finished_at is null order by number limit 1`).Scan(&number)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	return number, err == nil, err
}

// withinBytes returns how many messages, at least one, have so many bytes.
func withinBytes(messages []ingest.Quarantined, most int) int {
	for i := range messages {
		if most -= len(messages[i].Payload); most < 0 {
			return max(i, 1)
		}
	}
	return len(messages)
}

func (db *DB) noteReplayFailure(ctx context.Context, number int64, failure error) error {
	_, err := db.q.Exec(ctx, `update replays set failure = $2 where number = $1`, number, storableText(failure.Error()))
	return err
}

func (db *DB) nextArrivals(ctx context.Context, number int64, limit int) ([]ingest.Quarantined, error) {
	rows, err := db.q.Query(ctx, `
		select `+refusedColumns+`, a.received_at
		from replays r, quarantine_arrivals a join quarantine q on q.id = a.message_id
		where r.number = $1 and a.replayed_at is null and a.received_at <= r.requested_at
		  and (a.received_at, a.message_id) > (r.cursor_at, r.cursor_id) and `+selects+`
		order by a.received_at, a.message_id
		limit $2`, number, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanArrival)
}

// replayed is what became of the messages of one round, column by column.
type replayed struct {
	number   int64
	last     bool // nothing is left
	ids      []string
	times    []time.Time
	accepted []bool
	outcomes []string

	// Of those that are refused for the same reason again, as it is now.
	details, devices []*string
	refused          int64
}

func (r *replayed) add(m *ingest.Quarantined, v *ingest.Verdict) {
	r.ids, r.times = append(r.ids, m.ID), append(r.times, m.ReceivedAt)
	r.accepted = append(r.accepted, v.Refused == nil)
	if v.Refused == nil {
		outcome := "accepted"
		if v.Otherwise != "" {
			outcome = string(v.Otherwise)
		}
		r.outcomes = append(r.outcomes, outcome)
		r.details, r.devices = append(r.details, nil), append(r.devices, nil)
		return
	}
	r.refused++
	r.outcomes = append(r.outcomes, string(m.Reason))
	detail := storableText(v.Refused.Detail)
	ids := make([]string, len(v.Refused.Devices))
	for i, id := range v.Refused.Devices {
		ids[i] = string(id)
	}
	devices := strings.Join(ids, "\n") // no id holds one; see devices.ValidID
	r.details, r.devices = append(r.details, &detail), append(r.devices, &devices)
}

// note stores the round. A message is replayed when all its arrivals are.
func (r *replayed) note(ctx context.Context, tx *DB, now time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		update quarantine_arrivals a set replayed_at = $4::timestamptz
		from unnest($1::text[], $2::timestamptz[], $3::boolean[]) as r (id, at, accepted)
		where a.message_id = r.id and a.received_at = r.at and r.accepted`, r.ids, r.times, r.accepted, now)
	batch.Queue(`
		update quarantine q
		set tried_at = $6::timestamptz, outcome = r.outcome, detail = coalesce(r.detail, q.detail),
		    devices = coalesce(string_to_array(r.devices, e'\n'), q.devices),
		    replayed_at = case when exists (select from quarantine_arrivals a where a.message_id = q.id and a.replayed_at is null)
		                  then null else $6::timestamptz end
		from (select distinct on (id) id, outcome, detail, devices
		      from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[]) as u (id, at, outcome, detail, devices)
		      order by id, at desc) r
		where q.id = r.id`, r.ids, r.times, r.outcomes, r.details, r.devices, now)
	accepted := int64(len(r.ids)) - r.refused
	batch.Queue(`
		update replays
		set accepted = accepted + $2, refused = refused + $3, failure = '', finished_at = case when $4 then $5::timestamptz end
		where number = $1`, r.number, accepted, r.refused, r.last, now)
	if n := len(r.ids); n > 0 {
		batch.Queue(`update replays set cursor_at = $2, cursor_id = $3 where number = $1`, r.number, r.times[n-1], r.ids[n-1])
	}
	return tx.q.SendBatch(ctx, batch).Close()
}
