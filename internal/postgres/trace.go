package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/views"
	"telltale/tickets"
)

// Trace returns what followed from a message, as far as it is kept: alarms and
// lines of tickets for ever, events and their deliveries until they are pruned.
// The log itself is not asked.
func (db *DB) Trace(ctx context.Context, position views.Position) (views.Trace, error) {
	trace := views.Trace{Position: position}
	rows, err := db.q.Query(ctx, `
		-- An alarm and what it does to a ticket are decided together, and written down a moment apart.
		with told as (select * from events where trace = @trace)
		select 1 as place, 0::bigint as line, least(recorded_at, (select min(l.at) from ticket_timeline l where l.trace = @trace)) as at, 'alarm' as kind, subject_id as device, id as alarm, 0 as ticket,
		  rule_id || ' raised' as text
		from alarms where trace = @trace
		union all
		select 2, l.id, l.at, 'ticket', '', '', l.ticket_number, l.kind || ': ' || split_part(l.body, e'\n', 1)
		from ticket_timeline l where l.trace = @trace
		union all
		select 3, position, at, 'event', '', '', 0, type || ' of ' || subject || ', ' || id from told
		union all
		select 4, d.id,
		  case when d.state = 'completed' then d.completed_at else d.created_at end,
		  case d.state when 'completed' then 'delivered' when 'discarded' then 'discarded' else 'waiting' end, '', '', 0,
		  t.type || ' to ' || d.destination || ', ' || d.attempts || case d.attempts when 1 then ' attempt' else ' attempts' end
		    || case when d.last_error <> '' then ': ' || d.last_error else '' end
		from told t join deliveries d on d.event_id = t.id
		order by at, place, line, alarm`, pgx.NamedArgs{"trace": position.String()})
	if err != nil {
		return trace, fmt.Errorf("read trace %s: %w", position, err)
	}
	trace.Steps, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (views.Step, error) {
		var s views.Step
		var place int
		var line, ticket int64
		var at time.Time
		if err := row.Scan(&place, &line, &at, &s.Kind, &s.Device, &s.Alarm, &ticket, &s.Text); err != nil {
			return s, err
		}
		s.At = at.UTC()
		if ticket != 0 {
			s.Ticket = tickets.FormatID(ticket)
		}
		return s, nil
	})
	if err != nil {
		return trace, fmt.Errorf("read trace %s: %w", position, err)
	}
	return trace, nil
}
