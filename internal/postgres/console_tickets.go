package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/views"
	"telltale/rules"
	"telltale/tickets"
)

// The pages' lists. A list is read with one row more than it shows, which
// says whether there is a next page; its cursor is the sort key of the last
// row shown, so that rows that come and go meanwhile neither hide nor repeat
// others.

// pageOf cuts rows to the limit and names the cursor behind the last.
func pageOf[T any](rows []T, limit int, cursor func(T) string) views.Page[T] {
	if len(rows) <= limit {
		return views.Page[T]{Rows: rows}
	}
	rows = rows[:limit]
	return views.Page[T]{Rows: rows, Next: cursor(rows[limit-1])}
}

// contains makes a pattern for LIKE out of what a person typed.
func contains(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.TrimSpace(text)) + "%"
}

// ticketRank orders the inbox: what needs work before what does not, then by
// priority. Lists and cursors share it.
const ticketRank = `(case when t.status in ('solved', 'closed') then 0
	else case t.priority when 'urgent' then 4 when 'high' then 3 when 'normal' then 2 else 1 end end)`

// TicketRows returns tickets for the inbox, the gravest first, then the
// newest.
func (db *DB) TicketRows(ctx context.Context, q views.TicketQuery) (views.Page[views.TicketRow], error) {
	limit := cmp.Or(q.Limit, views.DefaultLimit)
	rank, number := splitCursor(q.After)
	statuses := make([]string, len(q.Statuses))
	for i, s := range q.Statuses {
		statuses[i] = string(s)
	}
	rows, err := db.q.Query(ctx, `
		select t.number, `+ticketRank+`, t.status, t.priority, t.subject, coalesce(t.customer_id, ''),
		       coalesce(c.name, ''), coalesce(t.device_id, ''), t.assignee, t.occurrences, t.opened_at, t.updated_at
		from tickets t left join customers c on c.id = t.customer_id
		where (cardinality(@statuses::text[]) = 0 or t.status = any(@statuses))
		  and (@priority = '' or t.priority = @priority)
		  and (@customer = '' or t.customer_id = @customer)
		  and (@device = '' or t.device_id = @device)
		  and (@assignee = '' or t.assignee = @assignee)
		  and (@text = '%%' or t.subject ilike @text or c.name ilike @text or t.device_id ilike @text
		       or 'T-' || lpad(t.number::text, 6, '0') ilike @text)
		  and (@number = 0 or (`+ticketRank+`, t.number) < (@rank, @number))
		order by `+ticketRank+` desc, t.number desc
		limit @limit`,
		pgx.NamedArgs{
			"statuses": statuses, "priority": string(q.Priority), "customer": q.Customer, "device": q.Device,
			"assignee": q.Assignee, "text": contains(q.Text), "rank": rank, "number": number, "limit": limit + 1,
		})
	if err != nil {
		return views.Page[views.TicketRow]{}, fmt.Errorf("list tickets: %w", err)
	}
	type ranked struct {
		views.TicketRow
		cursor string
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ranked, error) {
		var r ranked
		var number, rank int64
		err := row.Scan(&number, &rank, &r.Status, &r.Priority, &r.Subject, &r.CustomerID,
			&r.CustomerName, &r.DeviceID, &r.Assignee, &r.Occurrences, &r.OpenedAt, &r.UpdatedAt)
		r.ID = tickets.FormatID(number)
		r.cursor = fmt.Sprintf("%d.%d", rank, number)
		return r, err
	})
	if err != nil {
		return views.Page[views.TicketRow]{}, fmt.Errorf("list tickets: %w", err)
	}
	page := pageOf(all, limit, func(r ranked) string { return r.cursor })
	out := views.Page[views.TicketRow]{Next: page.Next, Rows: make([]views.TicketRow, len(page.Rows))}
	for i, r := range page.Rows {
		out.Rows[i] = r.TicketRow
	}
	return out, nil
}

// splitCursor reads "rank.number". What is no cursor is the first page.
func splitCursor(cursor string) (rank, number int64) {
	left, right, _ := strings.Cut(cursor, ".")
	rank, err1 := strconv.ParseInt(left, 10, 64)
	number, err2 := strconv.ParseInt(right, 10, 64)
	if err1 != nil || err2 != nil {
		return 0, 0
	}
	return rank, number
}

// Tally counts what waits for people.
func (db *DB) Tally(ctx context.Context) (views.Tally, error) {
	tally := views.Tally{Tickets: map[tickets.Status]int64{}, Unsolved: map[tickets.Priority]int64{}}
	rows, err := db.q.Query(ctx, `select status, priority, count(*) from tickets group by status, priority`)
	if err != nil {
		return tally, fmt.Errorf("count tickets: %w", err)
	}
	var status tickets.Status
	var priority tickets.Priority
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&status, &priority, &n}, func() error {
		tally.Tickets[status] += n
		if status.Unsolved() {
			tally.Unsolved[priority] += n
		}
		return nil
	})
	if err != nil {
		return tally, fmt.Errorf("count tickets: %w", err)
	}
	err = db.q.QueryRow(ctx, `select
		(select count(*) from recalls where status = 'proposed'),
		(select count(*) from recalls where status in ('approved', 'executing')),
		(select count(*) from shipments s where `+shipmentAtRisk+`),
		(select count(*) from shipments where arrived_at is null),
		(select count(*) from alarms where cleared_at is null and mode = 'live'),
		(select count(*) from quarantine where replayed_at is null)`).
		Scan(&tally.RecallsToSign, &tally.RecallsRunning, &tally.ShipmentsAtRisk, &tally.ShipmentsMoving,
			&tally.ActiveAlarms, &tally.Refused)
	if err != nil {
		return tally, fmt.Errorf("count what waits: %w", err)
	}
	return tally, nil
}

// AlarmRows returns alarms: active ones first, the gravest of them on top,
// then the newest.
func (db *DB) AlarmRows(ctx context.Context, q views.AlarmQuery) ([]views.AlarmRow, error) {
	rows, err := db.q.Query(ctx, `
		select a.id, a.rule_id, coalesce(r.spec ->> 'title', ''), a.subject_type, a.subject_id, a.mode, a.severity,
		       a.raised_at, a.cleared_at, a.withdrawn_at, a.acknowledged_at, coalesce(a.acknowledged_by, ''), a.shelved_until,
		       coalesce(a.shelved_by, ''), coalesce(a.shelve_reason, ''), a.occurrences, ta.ticket_number
		from alarms a
		left join rules r on r.id = a.rule_id
		left join ticket_alarms ta on ta.alarm_id = a.id
		where (@device = '' or a.subject_type = 'device' and a.subject_id = @device)
		  and (@rule = '' or a.rule_id = @rule)
		  and (@ticket = '' or 'T-' || lpad(ta.ticket_number::text, 6, '0') = @ticket)
		  and (not @active or a.cleared_at is null)
		  and (not @live or a.mode = 'live')
		  and (@shelved_at::timestamptz is null
		    or a.cleared_at is null and a.unshelved_at is null and a.shelved_until > @shelved_at)
		order by a.cleared_at is null desc,
		         case when a.cleared_at is null then array_position(array['critical', 'major', 'minor', 'info'], a.severity) end,
		         a.raised_at desc, a.id
		limit @limit`,
		pgx.NamedArgs{
			"device": q.Device, "rule": q.Rule, "ticket": q.Ticket, "active": q.Active,
			"live": q.Live, "shelved_at": timeOrNull(q.ShelvedAt), "limit": cmp.Or(q.Limit, views.DefaultLimit),
		})
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanAlarmRow)
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	return all, nil
}

func scanAlarmRow(row pgx.CollectableRow) (views.AlarmRow, error) {
	var a views.AlarmRow
	var severity string
	var cleared, withdrawn, acknowledged, shelved *time.Time
	var ticket *int64
	err := row.Scan(&a.ID, &a.RuleID, &a.RuleTitle, &a.Subject.Type, &a.Subject.ID, &a.Mode, &severity,
		&a.RaisedAt, &cleared, &withdrawn, &acknowledged, &a.AcknowledgedBy, &shelved,
		&a.ShelvedBy, &a.ShelveReason, &a.Occurrences, &ticket)
	if err != nil {
		return a, err
	}
	a.ClearedAt, a.WithdrawnAt, a.AcknowledgedAt, a.ShelvedUntil = orZero(cleared), orZero(withdrawn), orZero(acknowledged), orZero(shelved)
	if ticket != nil {
		a.TicketID = tickets.FormatID(*ticket)
	}
	a.Severity, err = rules.ParseSeverity(severity)
	return a, err
}

// orZero returns the time, zero for null.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
