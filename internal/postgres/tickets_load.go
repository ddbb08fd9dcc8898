package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/declare"
	"telltale/tickets"
	"telltale/tickets/crm"
)

// Load returns what the desk asks for and locks it: the tickets first, then
// the alarms, each in ascending order, so that two transactions wait for each
// other and never in a circle. It takes two round trips.
func (db *DB) Load(ctx context.Context, what tickets.Lookup) (*tickets.Records, error) {
	records := &tickets.Records{Owners: map[tickets.OwnedAt]string{}, Customers: map[string]*crm.Customer{}}
	key := splitKeys(what.Keys)

	first := new(pgx.Batch)
	queueMerges(first, records, what.AlarmIDs)
	queueOwners(first, records, what.Owners)
	queueTickets(first, records, what, key)
	if err := db.q.SendBatch(ctx, first).Close(); err != nil {
		return nil, fmt.Errorf("lock tickets: %w", err)
	}

	second := new(pgx.Batch)
	queueAlarms(second, records, what.AlarmIDs, key)
	queueAlarmIDs(second, records)
	queueEarlier(second, records, key, what.SolvedSince)
	queueCustomers(second, records)
	if err := db.q.SendBatch(ctx, second).Close(); err != nil {
		return nil, fmt.Errorf("lock alarms: %w", err)
	}
	return records, complete(records)
}

// errMoved says that rows were committed between two reads that belong
// together. The transaction must be run again.
var errMoved = errors.New("postgres: rows changed while they were read")

// complete reports whether each alarm's ticket is there. One is missing when
// another transaction committed both after the tickets were read and before
// the alarms were.
func complete(records *tickets.Records) error {
	have := make(map[string]bool, len(records.Tickets))
	for _, t := range records.Tickets {
		have[t.ID] = true
	}
	for _, a := range records.Alarms {
		if a.TicketID != "" && !have[a.TicketID] {
			return fmt.Errorf("ticket %s of alarm %s: %w", a.TicketID, a.ID, errMoved)
		}
	}
	return nil
}

// keyColumns are alarm keys as columns for unnest, and the dedup keys of
// their tickets.
type keyColumns struct{ rules, types, ids, modes, dedup []string }

func splitKeys(keys []tickets.AlarmKey) keyColumns {
	k := keyColumns{rules: []string{}, types: []string{}, ids: []string{}, modes: []string{}, dedup: []string{}}
	seen := make(map[tickets.AlarmKey]bool, len(keys))
	for _, key := range keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		k.rules, k.modes = append(k.rules, key.Rule), append(k.modes, string(key.Mode))
		k.types, k.ids = append(k.types, key.Subject.Type), append(k.ids, key.Subject.ID)
		k.dedup = append(k.dedup, key.Key.String())
	}
	return k
}

func queueMerges(batch *pgx.Batch, records *tickets.Records, ids []string) {
	batch.Queue(`select raise_id, alarm_id, before from alarm_merges where raise_id = any($1)`, orNone(ids)).
		Query(func(rows pgx.Rows) (err error) {
			records.Merges, err = pgx.CollectRows(rows, pgx.RowToStructByPos[tickets.Merge])
			return err
		})
}

func queueOwners(batch *pgx.Batch, records *tickets.Records, owned []tickets.OwnedAt) {
	ids := make([]string, len(owned))
	at := make([]time.Time, len(owned))
	for i, o := range owned {
		ids[i], at[i] = string(o.Device), o.At
	}
	batch.Queue(`
		select q.n, o.customer_id
		from unnest($1::text[], $2::timestamptz[]) with ordinality as q (device, at, n)
		join device_owners o on o.device_id = q.device
		  and o.owned_from <= q.at and (o.owned_until is null or q.at < o.owned_until)`, ids, at).
		Query(func(rows pgx.Rows) error {
			var n int
			var customer string
			_, err := pgx.ForEachRow(rows, []any{&n, &customer}, func() error {
				records.Owners[owned[n-1]] = customer
				return nil
			})
			return err
		})
}

// queueTickets asks for the unsolved tickets of the keys, those of the alarms
// and of the keys' open alarms, those by number with the unsolved twin of
// each, and those that may be closed.
func queueTickets(batch *pgx.Batch, records *tickets.Records, what tickets.Lookup, key keyColumns) {
	batch.Queue(`
		select `+ticketColumns+` from tickets t
		where t.number in (
		  select number from tickets
		  where dedup_key = any(@dedup) and status not in ('solved', 'closed')
		  union all
		  select ticket_number from ticket_alarms where alarm_id = any(@alarms)
		  union all
		  select l.ticket_number from alarm_merges m join ticket_alarms l on l.alarm_id = m.alarm_id
		  where m.raise_id = any(@alarms)
		  union all
		  select l.ticket_number
		  from unnest(@rules::text[], @types::text[], @ids::text[], @modes::text[]) as k (rule, type, id, mode)
		  join alarms a on a.rule_id = k.rule and a.subject_type = k.type and a.subject_id = k.id
		    and a.mode = k.mode and `+alarmOpen+`
		  join ticket_alarms l on l.alarm_id = a.id
		  union all
		  select unnest(@numbers::bigint[])
		  union all
		  select twin.number from tickets named
		  join tickets twin on twin.dedup_key = named.dedup_key and twin.status not in ('solved', 'closed')
		  where named.number = any(@numbers)
		  union all
		  (select number from tickets
		   where status = 'solved' and solved_at < @solved_before
		     and not exists (select from ticket_alarms l join alarms a on a.id = l.alarm_id
		                     where l.ticket_number = tickets.number and `+alarmOpen+`)
		   order by solved_at limit @limit))
		order by t.number
		for update of t`,
		pgx.NamedArgs{
			"dedup": key.dedup, "alarms": orNone(what.AlarmIDs),
			"rules": key.rules, "types": key.types, "ids": key.ids, "modes": key.modes,
			"numbers": orNone(what.Tickets), "solved_before": orNil(what.SolvedBefore), "limit": what.Limit,
		}).
		Query(func(rows pgx.Rows) (err error) {
			records.Tickets, err = pgx.CollectRows(rows, scanTicket)
			return err
		})
}

// queueAlarms asks for the alarms by id, those that took in a raise asked
// for, the open ones of the keys and those of the tickets that were found.
func queueAlarms(batch *pgx.Batch, records *tickets.Records, ids []string, key keyColumns) {
	numbers := make([]int64, len(records.Tickets))
	for i, t := range records.Tickets {
		numbers[i] = t.Number
	}
	wanted := slices.Clone(orNone(ids))
	for _, m := range records.Merges {
		wanted = append(wanted, m.AlarmID)
	}
	batch.Queue(`
		select `+alarmColumns+` from alarms a
		where a.id in (
		  select unnest(@wanted::text[])
		  union all
		  select a.id
		  from unnest(@rules::text[], @types::text[], @ids::text[], @modes::text[]) as k (rule, type, id, mode)
		  join alarms a on a.rule_id = k.rule and a.subject_type = k.type and a.subject_id = k.id
		    and a.mode = k.mode and `+alarmOpen+`
		  union all
		  select a.id from ticket_alarms l join alarms a on a.id = l.alarm_id
		  where l.ticket_number = any(@numbers) and `+alarmOpen+`)
		order by a.id
		for update of a`,
		pgx.NamedArgs{
			"wanted": wanted, "rules": key.rules, "types": key.types, "ids": key.ids, "modes": key.modes,
			"numbers": numbers,
		}).
		Query(func(rows pgx.Rows) (err error) {
			records.Alarms, err = pgx.CollectRows(rows, scanAlarm)
			return err
		})
}

// queueAlarmIDs asks for the alarms of the tickets that were found, now that
// these are locked: what their own query read may be older than the lock.
func queueAlarmIDs(batch *pgx.Batch, records *tickets.Records) {
	numbers := make([]int64, len(records.Tickets))
	index := make(map[int64]*tickets.Ticket, len(records.Tickets))
	for i, t := range records.Tickets {
		numbers[i] = t.Number
		index[t.Number] = t
		t.AlarmIDs = nil
	}
	batch.Queue(`
		select l.ticket_number, l.alarm_id from ticket_alarms l join alarms a on a.id = l.alarm_id
		where l.ticket_number = any($1) order by a.raised_at, a.id`, numbers).
		Query(func(rows pgx.Rows) error {
			var number int64
			var id string
			_, err := pgx.ForEachRow(rows, []any{&number, &id}, func() error {
				index[number].AlarmIDs = append(index[number].AlarmIDs, id)
				return nil
			})
			return err
		})
}

// queueEarlier asks for the last solved ticket of each key and customer.
func queueEarlier(batch *pgx.Batch, records *tickets.Records, key keyColumns, since time.Time) {
	batch.Queue(`
		select distinct on (t.dedup_key, t.customer_id) `+ticketColumns+` from tickets t
		where t.dedup_key = any($1) and t.status in ('solved', 'closed') and t.solved_at >= $2
		order by t.dedup_key, t.customer_id, t.number desc`, key.dedup, since).
		Query(func(rows pgx.Rows) (err error) {
			records.Earlier, err = pgx.CollectRows(rows, scanTicket)
			return err
		})
}

func queueCustomers(batch *pgx.Batch, records *tickets.Records) {
	wanted := map[string]bool{}
	for _, id := range records.Owners {
		wanted[id] = true
	}
	for _, t := range records.Tickets {
		wanted[t.CustomerID] = true
	}
	ids := make([]string, 0, len(wanted))
	for id := range wanted {
		ids = append(ids, id)
	}
	batch.Queue(`select id, spec from customers where id = any($1)`, ids).
		Query(func(rows pgx.Rows) error {
			var id string
			var spec []byte
			_, err := pgx.ForEachRow(rows, []any{&id, &spec}, func() error {
				customer, err := declare.Decode[*crm.Customer](spec)
				records.Customers[id] = customer
				return err
			})
			return err
		})
}

// orNone returns list, or an empty one for nil, which SQL would read as null.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
