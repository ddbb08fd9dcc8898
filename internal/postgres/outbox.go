package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/tickets/outbox"
)

// AppendEvents stores events, in order, with one delivery for each
// destination that wants them, in the current transaction. An event whose id
// is stored already changes nothing. To keep events of one ordering key in
// order, the transaction must hold the lock of what the key names (its ticket
// or recall) by then. Listeners are woken when the transaction commits.
func (db *DB) AppendEvents(ctx context.Context, events []outbox.Event) error {
	batch := new(pgx.Batch)
	db.queueEvents(batch, events)
	if batch.Len() == 0 {
		return nil
	}
	if err := db.write(ctx, batch); err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	return nil
}

func (db *DB) queueEvents(batch *pgx.Batch, events []outbox.Event) {
	if len(events) == 0 {
		return
	}
	n := len(events)
	ids, types, subjects := make([]string, n), make([]string, n), make([]string, n)
	keys, data, at := make([]string, n), make([]string, n), make([]time.Time, n)
	traces := make([]string, n)
	var eventIDs, eventKeys, destinations []string
	for i, e := range events {
		ids[i], types[i], subjects[i] = e.ID, e.Type, e.Subject
		keys[i], data[i], at[i] = e.OrderingKey, string(e.Data), e.At
		traces[i] = e.Trace
		for _, name := range db.destinations {
			if db.wants == nil || db.wants(name, e.Type) {
				eventIDs, eventKeys = append(eventIDs, e.ID), append(eventKeys, e.OrderingKey)
				destinations = append(destinations, name)
			}
		}
	}
	batch.Queue(`
		insert into events (id, type, subject, ordering_key, at, data, trace)
		select id, type, subject, ordering_key, at, data, trace
		from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::text[])
		  with ordinality as e (id, type, subject, ordering_key, at, data, trace, n)
		order by n
		on conflict (id) do nothing`, ids, types, subjects, keys, at, data, traces)
	if len(eventIDs) > 0 {
		batch.Queue(`
			insert into deliveries (event_id, ordering_key, destination)
			select event_id, ordering_key, destination
			from unnest($1::text[], $2::text[], $3::text[]) with ordinality as d (event_id, ordering_key, destination, n)
			order by n
			on conflict (event_id, destination) do nothing`, eventIDs, eventKeys, destinations)
	}
	// Within one transaction PostgreSQL announces the same payload once.
	batch.Queue(`select pg_notify($1, '')`, eventsChannel)
}
