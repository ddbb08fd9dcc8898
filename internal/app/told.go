package app

import (
	"context"
	"strings"

	"go.uber.org/zap"

	"telltale/tickets"
	"telltale/tickets/outbox"
	"telltale/tickets/recalls"
)

// told collects the events that a transaction writes. They are logged when it
// has committed, and only then: one that is rolled back told nothing.
type told struct{ events []outbox.Event }

// tickets returns the store, with what it writes being collected.
func (t *told) tickets(s tickets.Store) tickets.Store { return tellingTickets{s, t} }

// recalls returns the store, with what it writes being collected.
func (t *told) recalls(s recalls.Store) recalls.Store { return tellingRecalls{s, t} }

type tellingTickets struct {
	tickets.Store
	told *told
}

// Save is [tickets.Store]'s.
func (s tellingTickets) Save(ctx context.Context, changes *tickets.Changes) error {
	s.told.events = append(s.told.events, changes.Events...)
	return s.Store.Save(ctx, changes)
}

type tellingRecalls struct {
	recalls.Store
	told *told
}

// AppendEvents is [recalls.Outbox]'s.
func (s tellingRecalls) AppendEvents(ctx context.Context, events []outbox.Event) error {
	s.told.events = append(s.told.events, events...)
	return s.Store.AppendEvents(ctx, events)
}

// log writes a line for each event: "ticket opened", with the ticket's id and
// the trace of the message that led to it. Alarms that a message raised or ended
// are left out, for the workers log them, also those that nobody is told of.
func (t *told) log(logger *zap.Logger) {
	for i := range t.events {
		e := &t.events[i]
		thing, happened, _ := strings.Cut(e.Type, ".")
		fields := []zap.Field{zap.String(thing+"_id", e.Subject), zap.String("event_id", e.ID)}
		switch {
		case e.Trace != "" && thing == "alarm":
			continue
		case e.Trace != "":
			fields = append(fields, zap.String("trace", e.Trace))
		}
		logger.Info(thing+" "+happened, fields...)
	}
}
