package tickets

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxText bounds what a person may write at once, in characters.
const maxText = 10_000

// Comment adds a person's text to a ticket's timeline. A public one may be
// shown to the customer. It returns the ticket without its timeline, as all
// acts on tickets do.
func (d *Desk) Comment(ctx context.Context, id, person, text string, public bool) (*Ticket, error) {
	text, err := checkText("comment", text)
	if err != nil {
		return nil, err
	}
	return d.onTicket(ctx, id, person, func(b *book, t *Ticket) error {
		b.note(t, Entry{Actor: person, Kind: EntryComment, Text: text, Public: public})
		b.changeTicket(t)
		b.tellTicket(EventTicketUpdated, t, rand.Text())
		return nil
	})
}

// Update changes status, priority, assignee or team of a ticket, all or none
// of what the patch names. Solving a ticket acknowledges its latched alarms.
// It wraps [ErrConflict] when the ticket's life cycle has no such step.
func (d *Desk) Update(ctx context.Context, id, person string, patch Patch) (*Ticket, error) {
	patch, err := patch.check()
	if err != nil {
		return nil, err
	}
	return d.onTicket(ctx, id, person, func(b *book, t *Ticket) error {
		return b.patch(t, person, patch)
	})
}

// Close closes a solved ticket for good.
func (d *Desk) Close(ctx context.Context, id, person string) (*Ticket, error) {
	closed := Closed
	return d.Update(ctx, id, person, Patch{Status: &closed})
}

// AcknowledgeAlarm records that a person has seen the alarm and what they say
// to it. An alarm that was only open because it is latched is closed by that,
// and its ticket with it.
func (d *Desk) AcknowledgeAlarm(ctx context.Context, id, person, comment string) (*Alarm, error) {
	comment, err := checkText("comment", comment)
	if err != nil {
		return nil, err
	}
	return d.onAlarm(ctx, id, person, func(b *book, a *Alarm) error {
		if !a.AcknowledgedAt.IsZero() {
			return refuse(ErrConflict, "The alarm was acknowledged by %s at %s.", a.AcknowledgedBy, clock(a.AcknowledgedAt))
		}
		b.acknowledge(a, person, "Alarm acknowledged: "+comment)
		ticket := b.ticketOf(a)
		if ticket == nil {
			return nil
		}
		if a.Latched && !a.Active() && ticket.Status.Unsolved() {
			b.settle(ticket, rand.Text(), "")
			return nil
		}
		b.changeTicket(ticket)
		b.tellTicket(EventTicketUpdated, ticket, rand.Text())
		return nil
	})
}

// onTicket runs a person's act on a ticket in a transaction of its own.
func (d *Desk) onTicket(ctx context.Context, id, person string, do func(*book, *Ticket) error) (*Ticket, error) {
	number, ok := ParseID(id)
	if !ok {
		return nil, NoTicket(id)
	}
	var ticket *Ticket
	err := d.act(ctx, person, Lookup{Tickets: []int64{number}}, func(b *book) error {
		t := b.tickets[id]
		if t == nil {
			return NoTicket(id)
		}
		ticket = t
		return do(b, t)
	})
	if err != nil {
		return nil, err
	}
	return ticket, nil
}

// onAlarm runs a person's act on an alarm in a transaction of its own.
func (d *Desk) onAlarm(ctx context.Context, id, person string, do func(*book, *Alarm) error) (*Alarm, error) {
	var alarm *Alarm
	err := d.act(ctx, person, Lookup{AlarmIDs: []string{id}}, func(b *book) error {
		a := b.alarms[id]
		if a == nil {
			return NoAlarm(id)
		}
		alarm = a
		return do(b, a)
	})
	if err != nil {
		return nil, err
	}
	return alarm, nil
}

func (d *Desk) act(ctx context.Context, person string, what Lookup, do func(*book) error) error {
	if strings.TrimSpace(person) == "" {
		return refuse(ErrInvalid, "It must be said who does this.")
	}
	return d.transact(ctx, func(store Store) error {
		records, err := store.Load(ctx, what)
		if err != nil {
			return fmt.Errorf("load tickets: %w", err)
		}
		b := newBook(records, d.now())
		if err := do(b); err != nil {
			return err
		}
		return b.save(ctx, store)
	})
}

// checkText returns a person's text as it is stored.
func checkText(what, text string) (string, error) {
	text = strings.TrimSpace(clean(text))
	if text == "" {
		return "", refuse(ErrInvalid, "A %s is required.", what)
	}
	if utf8.RuneCountInString(text) > maxText {
		return "", refuse(ErrInvalid, "The %s is longer than %d characters.", what, maxText)
	}
	return text, nil
}
