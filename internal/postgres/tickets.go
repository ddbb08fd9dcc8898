package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/tickets"
)

// ticketColumns of tickets t; scanTicket reads them, followed by the ids of
// the ticket's alarms.
const ticketColumns = `
	t.number, t.status, t.priority, t.subject, t.dedup_key, coalesce(t.customer_id, ''),
	coalesce(t.contact_id, ''), coalesce(t.device_id, ''), coalesce(t.rule_id, ''),
	t.team, t.assignee, t.article_id, t.occurrences, t.observed_at, t.opened_at, t.updated_at,
	t.solved_at, t.closed_at, t.external_refs, t.priority_by`

// ticketAlarms are the ids of the alarms of tickets t in the order they were
// raised.
const ticketAlarms = `
	array(select l.alarm_id from ticket_alarms l join alarms a on a.id = l.alarm_id
	      where l.ticket_number = t.number order by a.raised_at, a.id)`

// replanned has a statement planned for its arguments each time: a filter
// that is not asked for must not keep the planner from an index for another.
const replanned = pgx.QueryExecModeDescribeExec

// ListTickets returns the selected tickets without their timelines, newest
// first. It wraps [tickets.ErrInvalid] when query.After is no ticket id.
func (db *DB) ListTickets(ctx context.Context, query tickets.Query) ([]*tickets.Ticket, error) {
	before := int64(math.MaxInt64)
	if query.After != "" {
		number, ok := tickets.ParseID(query.After)
		if !ok {
			return nil, badCursor()
		}
		before = number
	}
	rows, err := db.q.Query(ctx, `
		select `+ticketColumns+`,`+ticketAlarms+` from tickets t
		where t.number < @before
		  and (cardinality(@statuses::text[]) = 0 or t.status = any(@statuses))
		  and (@customer = '' or t.customer_id = @customer)
		  and (@device = '' or t.device_id = @device)
		  and (@rule = '' or t.rule_id = @rule)
		order by t.number desc
		limit @limit`,
		replanned, pgx.NamedArgs{
			"before": before, "statuses": words(query.Statuses), "customer": query.Customer,
			"device": query.Device, "rule": query.Rule, "limit": rowLimit(query.Limit),
		})
	if err != nil {
		return nil, fmt.Errorf("list tickets: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanTicket)
	if err != nil {
		return nil, fmt.Errorf("list tickets: %w", err)
	}
	return list, nil
}

// badCursor is the answer to a list that cannot go on where it is asked to.
func badCursor() error {
	return &tickets.Refusal{Reason: tickets.ErrInvalid, Sentence: "The list cannot go on: the cursor is not valid."}
}

// Ticket returns one ticket with its timeline, or an error that wraps
// [tickets.ErrNotFound].
func (db *DB) Ticket(ctx context.Context, id string) (*tickets.Ticket, error) {
	number, ok := tickets.ParseID(id)
	if !ok {
		return nil, tickets.NoTicket(id)
	}
	ticket, err := readOne(ctx, db, "ticket "+id, tickets.NoTicket(id), scanTicket,
		`select `+ticketColumns+`,`+ticketAlarms+` from tickets t where t.number = $1`, number)
	if err != nil {
		return nil, err
	}
	if ticket.Timeline, err = db.timeline(ctx, number); err != nil {
		return nil, fmt.Errorf("read timeline of ticket %s: %w", id, err)
	}
	return ticket, nil
}

// CountTickets returns how many tickets stand in each status; statuses
// without any are left out.
func (db *DB) CountTickets(ctx context.Context) (map[tickets.Status]int64, error) {
	rows, err := db.q.Query(ctx, `select status, count(*) from tickets group by status`)
	if err != nil {
		return nil, fmt.Errorf("count tickets: %w", err)
	}
	counts := make(map[tickets.Status]int64)
	var status string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&status, &n}, func() error {
		counts[tickets.Status(status)] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count tickets: %w", err)
	}
	return counts, nil
}

func (db *DB) timeline(ctx context.Context, number int64) ([]tickets.Entry, error) {
	rows, err := db.q.Query(ctx, `
		select id, at, actor, kind, body, public, trace from ticket_timeline
		where ticket_number = $1 order by id`, number)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (tickets.Entry, error) {
		var e tickets.Entry
		err := row.Scan(&e.ID, &e.At, &e.Actor, &e.Kind, &e.Text, &e.Public, &e.Trace)
		return e, err
	})
}

func scanTicket(row pgx.CollectableRow) (*tickets.Ticket, error) {
	t := new(tickets.Ticket)
	var status, priority string
	var solved, closed *time.Time
	var refs []byte
	err := row.Scan(&t.Number, &status, &priority, &t.Subject, &t.DedupKey, &t.CustomerID,
		&t.ContactID, &t.DeviceID, &t.RuleID,
		&t.Team, &t.Assignee, &t.ArticleID, &t.Occurrences, &t.ObservedAt, &t.OpenedAt, &t.UpdatedAt,
		&solved, &closed, &refs, &t.PriorityBy, &t.AlarmIDs)
	if err != nil {
		return nil, err
	}
	t.ID = tickets.FormatID(t.Number)
	t.Status, t.Priority = tickets.Status(status), tickets.Priority(priority)
	t.SolvedAt, t.ClosedAt = timeOf(solved), timeOf(closed)
	if err := json.Unmarshal(refs, &t.ExternalRefs); err != nil {
		return nil, fmt.Errorf("external references of ticket %s: %w", t.ID, err)
	}
	return t, nil
}

// words returns named strings as plain ones, never nil.
func words[T ~string](list []T) []string {
	plain := make([]string, len(list))
	for i, w := range list {
		plain[i] = string(w)
	}
	return plain
}
