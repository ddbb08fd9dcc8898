package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/ingest"
	"telltale/internal/views"
)

// AddQuarantined stores refused messages. A message that was refused before is
// counted, and each time it came waits for replay; the same message at the same
// time is one. Of senders that have too many, the oldest are let go and
// counted. Call it in the transaction of the consumer's checkpoint.
func (db *DB) AddQuarantined(ctx context.Context, messages []ingest.Quarantined) error {
	if len(messages) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for i := range messages {
		batch.Queue(addQuarantined, quarantinedArgs(&messages[i]))
	}
	if err := db.q.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store %d quarantined messages: %w", len(messages), err)
	}
	return db.boundSenders(ctx)
}

// A message of several devices is the share of the first, and counts for the
// last contact of each. It stays the share of whom it was at first, when the
// same comes again and is another's by now. An arrival that was replayed and comes once more, as
// when the history refuses what the pipeline took, waits again and is not
// counted.
const addQuarantined = `
	with arrival as (
		insert into quarantine_arrivals (message_id, received_at) values (@id, @received_at)
		on conflict (message_id, received_at) do update set replayed_at = null
		returning case when xmax = 0 then 1 else 0 end as fresh
	), message as (
		insert into quarantine as q (id, reason, detail, source, devices, sender, topic, client_id, payload,
		                             received_at, last_at, observed_at, retained)
		values (@id, @reason, @detail, @source, @devices, @sender, @topic, @client_id, @payload,
		        @received_at, @received_at, @observed_at, @retained)
		on conflict (id) do update
		set count = q.count + (select fresh from arrival), detail = excluded.detail, source = excluded.source,
		    devices = excluded.devices, observed_at = excluded.observed_at,
		    received_at = least(q.received_at, excluded.received_at), last_at = greatest(q.last_at, excluded.last_at),
		    replayed_at = null
		returning q.sender, case when xmax = 0 then octet_length(q.payload) else 0 end as bytes
	)
	insert into quarantine_senders as s (reason, sender, device, first_at, last_at, arrivals, kept, bytes)
	select @reason, name, name = any(@devices), @received_at, @received_at, 1,
	       case when name = message.sender then 1 else 0 end, case when name = message.sender then bytes else 0 end
	from message, (select from arrival where fresh = 1) as came,
	     lateral (select unnest(@devices::text[]) union select message.sender) as names (name)
	on conflict (reason, sender) do update
	set first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at),
	    arrivals = s.arrivals + 1, kept = s.kept + excluded.kept, bytes = s.bytes + excluded.bytes`

func quarantinedArgs(q *ingest.Quarantined) pgx.NamedArgs {
	devices := make([]string, len(q.Devices))
	for i, id := range q.Devices {
		devices[i] = storableText(string(id))
	}
	topic, client := storableText(q.Topic), storableText(q.ClientID)
	sender := cmp.Or(topic, client)
	if len(devices) > 0 {
		sender = devices[0]
	}
	return pgx.NamedArgs{
		"id": q.ID, "reason": string(q.Reason), "detail": storableText(q.Detail), "source": storableText(q.Source),
		"devices": devices, "sender": sender, "topic": topic, "client_id": client, "payload": orEmpty(q.Payload),
		"received_at": q.ReceivedAt, "observed_at": storableTime(q.ObservedAt), "retained": q.Retained,
	}
}

// orEmpty keeps nothing from becoming null.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// storableText is s as PostgreSQL can hold it: a topic or client id comes
// from a stranger and may be no UTF-8 or hold zero bytes.
func storableText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// storableTime is a device's time as people can read it; null when it says
// none, or one beyond the year 9999.
func storableTime(t time.Time) *time.Time {
	if t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return nil
	}
	return &t
}

const refusedColumns = `q.id, q.reason, q.detail, q.source, q.devices, q.topic, q.client_id, q.payload, q.received_at,
	q.observed_at, q.retained, q.last_at, q.count, q.replayed_at, q.tried_at, q.outcome`

// ListQuarantined returns refused messages, the one that came last first. A
// cursor is of the last row of the page before.
func (db *DB) ListQuarantined(ctx context.Context, q views.RefusedQuery) (views.Page[views.RefusedRow], error) {
	none := views.Page[views.RefusedRow]{}
	limit := cmp.Or(q.Limit, views.DefaultLimit)
	afterAt, afterID, err := refusedCursor(q.After)
	if err != nil {
		return none, err
	}
	rows, err := db.q.Query(ctx, `
		select `+refusedColumns+`
		from quarantine q
		where (@reason = '' or q.reason = @reason)
		  and (@device = '' or q.devices @> array[@device])
		  and (@topic = '' or q.topic ~ @topic)
		  and (@text = '' or q.detail ilike @like or q.topic ilike @like or q.client_id ilike @like
		       or position(convert_to(@text, 'UTF8') in q.payload) > 0)
		  and (@since::timestamptz is null or q.last_at >= @since)
		  and (@until::timestamptz is null or q.received_at < @until)
		  and (not @waiting or q.replayed_at is null)
		  and (@after_id = '' or (q.last_at, q.id) < (@after_at, @after_id))
		order by q.last_at desc, q.id desc
		limit @limit`,
		pgx.NamedArgs{
			"reason": string(q.Reason), "device": q.Device, "topic": topicPattern(q.Topic),
			"text": q.Text, "like": contains(q.Text), "since": nullTime(q.Since), "until": nullTime(q.Until),
			"waiting": q.Waiting, "after_at": afterAt, "after_id": afterID, "limit": limit + 1,
		})
	if err != nil {
		return none, fmt.Errorf("list quarantine: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanRefused)
	if err != nil {
		return none, fmt.Errorf("list quarantine: %w", err)
	}
	return pageOf(all, limit, func(r views.RefusedRow) string {
		return strconv.FormatInt(r.LastAt.UnixMicro(), 10) + " " + r.ID
	}), nil
}

// refusedCursor takes a cursor apart. Its time is never null: a comparison
// with null would end the list.
func refusedCursor(after string) (time.Time, string, error) {
	if after == "" {
		return time.Time{}, "", nil
	}
	at, id, _ := strings.Cut(after, " ")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" {
		return time.Time{}, "", fmt.Errorf("%w: %q", views.ErrCursor, after)
	}
	return time.UnixMicro(micros), id, nil
}

// Refused returns one refused message, or an error that is
// [ingest.ErrNotQuarantined].
func (db *DB) Refused(ctx context.Context, id string) (views.RefusedRow, error) {
	rows, err := db.q.Query(ctx, `select `+refusedColumns+` from quarantine q where q.id = $1`, id)
	if err != nil {
		return views.RefusedRow{}, fmt.Errorf("read quarantine: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, scanRefused)
	if err = meant(err, noRows(ingest.ErrNotQuarantined)); err != nil {
		return row, fmt.Errorf("read %s of quarantine: %w", id, err)
	}
	return row, nil
}

func scanRefused(row pgx.CollectableRow) (views.RefusedRow, error) {
	var r views.RefusedRow
	var observed, replayed, tried *time.Time
	err := row.Scan(&r.ID, &r.Reason, &r.Detail, &r.Source, &r.Devices, &r.Topic, &r.ClientID, &r.Payload,
		&r.ReceivedAt, &observed, &r.Retained, &r.LastAt, &r.Count, &replayed, &tried, &r.Outcome)
	r.ObservedAt, r.ReplayedAt, r.TriedAt = orZero(observed), orZero(replayed), orZero(tried)
	return r, err
}
