package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/declare"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/crm"
)

// Load returns what the desk asks for and locks it: the tickets first, then
// the alarms, each in ascending order, so that two transactions wait for each
// other and never in a circle. It takes two round trips.
func (db *DB) Load(ctx context.Context, what tickets.Lookup) (*tickets.Records, error) {
	records := &tickets.Records{Owners: map[tickets.OwnedAt]string{}, Customers: map[string]*crm.Customer{}}
	key := splitKeys(what.Keys)
	if !what.SolvedBefore.IsZero() {
		numbers, err := db.closable(ctx, what.SolvedBefore, what.Limit)
		if err != nil {
			return nil, err
		}
		what.Tickets = append(numbers, what.Tickets...)
	}
	if !what.ShelvedBefore.IsZero() {
		ids, err := db.shelved(ctx, what.ShelvedBefore, what.Limit)
		if err != nil {
			return nil, err
		}
		what.AlarmIDs = append(ids, what.AlarmIDs...)
	}

	first := new(pgx.Batch)
	queuePlans(first, byIndex)
	queueMerges(first, records, what.AlarmIDs)
	queueHeld(first, records, what.Held)
	queueOwners(first, records, what.Raises)
	queueTickets(first, records, what, key)
	queueNumbers(first, records, what.Numbers)
	if err := db.q.SendBatch(ctx, first).Close(); err != nil {
		return nil, fmt.Errorf("lock tickets: %w", err)
	}

	second := new(pgx.Batch)
	queueAlarms(second, records, what.AlarmIDs, what.Keys)
	queueAlarmIDs(second, records)
	queueEarlier(second, records, what)
	queueCustomers(second, records)
	if what.ActedOn {
		queueActedOn(second, records)
	}
	queuePlans(second, byCost)
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

// plans is how the planner may choose for the rest of a transaction.
type plans string

const (
	byCost plans = "on"

	// byIndex makes it look rows up by index, one by one. It would read whole
	// tables while they are small, and a prepared statement keeps to its plan
	// while they grow a thousandfold in a storm of alarms.
	byIndex plans = "off"
)

// queuePlans switches how the following statements are planned.
func queuePlans(batch *pgx.Batch, p plans) {
	cache := "auto"
	if p == byIndex {
		cache = "force_generic_plan" // planning takes longer than looking up
	}
	batch.Queue(`select set_config('enable_seqscan', $1, true), set_config('enable_hashjoin', $1, true),
		set_config('enable_mergejoin', $1, true), set_config('plan_cache_mode', $2, true)`, string(p), cache)
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

func queueOwners(batch *pgx.Batch, records *tickets.Records, raises []tickets.Raise) {
	ids := make([]string, len(raises))
	at := make([]time.Time, len(raises))
	for i, r := range raises {
		ids[i], at[i] = string(r.Device), r.At
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
				records.Owners[raises[n-1].OwnedAt] = customer
				return nil
			})
			return err
		})
}

// queueTickets asks for the unsolved tickets of the keys, those of the alarms
// and of the keys' open alarms, and those by number with the unsolved twin of
// each. The numbers are gathered into an array first, because it makes the
// planner take the index, whatever it believes about the tables' sizes.
func queueTickets(batch *pgx.Batch, records *tickets.Records, what tickets.Lookup, key keyColumns) {
	batch.Queue(`
		select `+ticketColumns+`, '{}'::text[] from tickets t
		where t.number = any(array(
		  select number from tickets
		  where dedup_key = any(@dedup) and status not in ('solved', 'closed')
		  union all
		  select ticket_number from ticket_alarms where alarm_id = any(@alarms)
		  union all
		  select l.ticket_number from alarm_merges m join ticket_alarms l on l.alarm_id = m.alarm_id
		  where m.raise_id = any(@alarms)
		  union all
		  select l.ticket_number from (`+openOfKeys+`) o join ticket_alarms l on l.alarm_id = o.id
		  union all
		  select unnest(@numbers::bigint[])
		  union all
		  select twin.number from tickets named
		  join tickets twin on twin.dedup_key = named.dedup_key and twin.status not in ('solved', 'closed')
		  where named.number = any(@numbers)))
		order by t.number
		for update of t`,
		pgx.NamedArgs{
			"dedup": key.dedup, "alarms": orNone(what.AlarmIDs),
			"rules": key.rules, "types": key.types, "ids": key.ids, "modes": key.modes,
			"numbers": orNone(what.Tickets),
		}).
		Query(func(rows pgx.Rows) (err error) {
			records.Tickets, err = pgx.CollectRows(rows, scanTicket)
			return err
		})
}

// queueNumbers takes numbers that no ticket has.
func queueNumbers(batch *pgx.Batch, records *tickets.Records, n int) {
	if n == 0 {
		return
	}
	batch.Queue(`select nextval(pg_get_serial_sequence('tickets', 'number')) from generate_series(1, $1) order by 1`, n).
		Query(func(rows pgx.Rows) (err error) {
			records.Numbers, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		})
}

// closable returns the tickets that were solved before a time and have no
// open alarm. They are not locked yet, so the desk looks again.
func (db *DB) closable(ctx context.Context, before time.Time, limit int) ([]int64, error) {
	rows, err := db.q.Query(ctx, `
		select t.number from tickets t
		where t.status = 'solved' and t.solved_at < $1
		  and not exists (select from ticket_alarms l join alarms a on a.id = l.alarm_id
		                  where l.ticket_number = t.number and `+alarmOpen+`)
		order by t.solved_at
		limit $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("find tickets to close: %w", err)
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("find tickets to close: %w", err)
	}
	return numbers, nil
}

// shelved returns the active alarms whose shelf ends before a time and wants
// something done. They are not locked yet, so the desk looks again.
func (db *DB) shelved(ctx context.Context, before time.Time, limit int) ([]string, error) {
	rows, err := db.q.Query(ctx, `
		select id from alarms
		where shelved_until is not null and unshelved_at is null and shelved_until <= $1 and cleared_at is null
		order by shelf_reminded and shelved_until > now(), shelved_until
		limit $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("find shelved alarms: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find shelved alarms: %w", err)
	}
	return ids, nil
}

// openOfKeys are the ids of the open alarms of keys. The limit holds back
// the planner from reading all open alarms at once instead.
const openOfKeys = `
	select a.id
	from unnest(@rules::text[], @types::text[], @ids::text[], @modes::text[]) as k (rule, type, id, mode)
	cross join lateral (
	  select a.id from alarms a
	  where a.rule_id = k.rule and a.subject_type = k.type and a.subject_id = k.id and a.mode = k.mode
	    and ` + alarmOpen + `
	  limit 1) a`

// queueAlarms asks for the alarms by id, those that took in a raise asked
// for, the open ones of the keys and those of the tickets that were found. An
// open alarm of a ticket is the open one of the ticket's rule and device.
func queueAlarms(batch *pgx.Batch, records *tickets.Records, ids []string, keys []tickets.AlarmKey) {
	keys = slices.Clone(keys)
	for _, t := range records.Tickets {
		if t.RuleID != "" {
			subject := rules.Subject{Type: "device", ID: t.DeviceID}
			keys = append(keys, tickets.AlarmKey{Key: rules.Key{Rule: t.RuleID, Subject: subject}, Mode: rules.Live})
		}
	}
	wanted := slices.Clone(orNone(ids))
	for _, m := range records.Merges {
		wanted = append(wanted, m.AlarmID)
	}
	key := splitKeys(keys)
	batch.Queue(`
		select `+alarmColumns+` from alarms a
		where a.id = any(array(select unnest(@wanted::text[]) union all`+openOfKeys+`))
		order by a.id
		for update of a`,
		pgx.NamedArgs{"wanted": wanted, "rules": key.rules, "types": key.types, "ids": key.ids, "modes": key.modes}).
		Query(func(rows pgx.Rows) (err error) {
			records.Alarms, err = pgx.CollectRows(rows, scanAlarm)
			return err
		})
}

// queueAlarmIDs asks for the alarms of the tickets that were found, now that
// these are locked: the query that locks reads what is older than its locks.
func queueAlarmIDs(batch *pgx.Batch, records *tickets.Records) {
	numbers := make([]int64, len(records.Tickets))
	index := make(map[int64]*tickets.Ticket, len(records.Tickets))
	for i, t := range records.Tickets {
		numbers[i] = t.Number
		index[t.Number] = t
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

// queueEarlier asks for the last solved ticket of each key that may get a new
// one, for the customer who would get it.
func queueEarlier(batch *pgx.Batch, records *tickets.Records, what tickets.Lookup) {
	keys, customers := make([]string, len(what.Raises)), make([]string, len(what.Raises))
	for i, r := range what.Raises {
		keys[i], customers[i] = r.Key.String(), records.Owners[r.OwnedAt]
	}
	batch.Queue(`
		select t.number, q.key, q.customer, t.solved_at
		from (select distinct key, customer from unnest($1::text[], $2::text[]) as q (key, customer)) q
		cross join lateral (
		  select number, solved_at from tickets
		  where dedup_key = q.key and coalesce(customer_id, '') = q.customer and status in ('solved', 'closed')
		  order by number desc limit 1) t
		where t.solved_at >= $3`, keys, customers, what.SolvedSince).
		Query(func(rows pgx.Rows) (err error) {
			records.Earlier, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (tickets.Earlier, error) {
				var e tickets.Earlier
				var number int64
				err := row.Scan(&number, &e.DedupKey, &e.CustomerID, &e.SolvedAt)
				e.ID = tickets.FormatID(number)
				return e, err
			})
			return err
		})
}

// queueActedOn asks on which of the tickets that were found a person has acted.
func queueActedOn(batch *pgx.Batch, records *tickets.Records) {
	numbers := make([]int64, len(records.Tickets))
	for i, t := range records.Tickets {
		numbers[i] = t.Number
	}
	batch.Queue(`
		select distinct ticket_number from ticket_timeline where ticket_number = any($1) and actor <> $2`, numbers, tickets.Self).
		Query(func(rows pgx.Rows) error {
			acted, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			records.ActedOn = make(map[int64]bool, len(acted))
			for _, number := range acted {
				records.ActedOn[number] = true
			}
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
