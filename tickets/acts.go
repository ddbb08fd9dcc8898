package tickets

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxText bounds what a person may write at once, in characters.
const maxText = 10_000

// Patch is what a person changes about a ticket. Nil fields stay as they are.
type Patch struct {
	Status   *Status
	Priority *Priority
	Assignee *string // "": nobody
	Team     *string
}

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

// ShelveAlarm puts an active alarm aside until a time or until its condition
// ends, whichever is first. Meanwhile an escalation is recorded, but raises no
// priority, reopens nothing and is not announced. The end of the condition is
// told as ever.
func (d *Desk) ShelveAlarm(ctx context.Context, id, person string, until time.Time, reason string) (*Alarm, error) {
	reason, err := checkText("reason", reason)
	if err != nil {
		return nil, err
	}
	until = stored(until)
	return d.onAlarm(ctx, id, person, func(b *book, a *Alarm) error {
		if err := d.mayShelve(b, a, until); err != nil {
			return err
		}
		a.ShelvedUntil, a.ShelvedBy, a.ShelveReason = until, person, reason
		b.changeAlarm(a)
		b.tellAlarm(EventAlarmShelved, a, rand.Text())
		if ticket := b.ticketOf(a); ticket != nil {
			b.note(ticket, Entry{Actor: person, Kind: EntryShelved,
				Text: fmt.Sprintf("Alarm shelved until %s: %s", clock(until), reason)})
			b.changeTicket(ticket)
			b.tellTicket(EventTicketUpdated, ticket, rand.Text())
		}
		return nil
	})
}

func (d *Desk) mayShelve(b *book, a *Alarm, until time.Time) error {
	switch {
	case !a.Active():
		return refuse(ErrConflict, "The condition ended at %s; there is nothing to shelve.", clock(a.ClearedAt))
	case !until.After(b.now):
		return refuse(ErrInvalid, "An alarm is shelved until a time in the future, not %s.", clock(until))
	case until.Sub(b.now) > d.opts.MaxShelve:
		return refuse(ErrInvalid, "An alarm is shelved for %s at most.", span(d.opts.MaxShelve))
	}
	return nil
}

// closeBatch bounds one transaction of [Desk.CloseSolved].
const closeBatch = 500

// CloseSolved closes the tickets that were solved long enough ago, and returns
// how many. A ticket with an alarm that is still open waits for its end.
func (d *Desk) CloseSolved(ctx context.Context, now time.Time) (int, error) {
	now = stored(now)
	before := now.Add(-d.opts.CloseAfter)
	closed := 0
	for {
		n := 0
		err := d.transact(ctx, func(store Store) error {
			records, err := store.Load(ctx, Lookup{SolvedBefore: before, Limit: closeBatch})
			if err != nil {
				return fmt.Errorf("load solved tickets: %w", err)
			}
			b := newBook(records, now)
			n = b.closeSolved(records.Tickets, before)
			return b.save(ctx, store)
		})
		if err != nil {
			return closed, fmt.Errorf("close solved tickets: %w", err)
		}
		closed += n
		if n == 0 {
			return closed, nil
		}
	}
}

func (b *book) closeSolved(tickets []*Ticket, before time.Time) int {
	n := 0
	for _, t := range tickets {
		if t.Status != Solved || !t.SolvedAt.Before(before) || b.openAlarm(t) != nil || !b.move(t, actClose) {
			continue
		}
		n++
		b.note(t, Entry{Kind: EntryClosed, Text: fmt.Sprintf("Closed: solved %s ago.", span(b.now.Sub(t.SolvedAt)))})
		b.tellTicket(EventTicketClosed, t, rand.Text())
	}
	return n
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

// patch makes a person's changes, each with a line in the timeline.
func (b *book) patch(t *Ticket, person string, p Patch) error {
	before := len(b.changes.Entries)
	if p.Priority != nil && *p.Priority != t.Priority {
		b.note(t, Entry{Actor: person, Kind: EntryPriority, Text: fmt.Sprintf("Priority changed from %s to %s.", t.Priority, *p.Priority)})
		t.Priority = *p.Priority
	}
	if p.Team != nil && *p.Team != t.Team {
		b.note(t, Entry{Actor: person, Kind: EntryTeam, Text: changedText("Team", t.Team, *p.Team)})
		t.Team = *p.Team
	}
	if p.Assignee != nil && *p.Assignee != t.Assignee {
		if err := b.assign(t, person, *p.Assignee); err != nil {
			return err
		}
	}
	kind := EventTicketUpdated
	if p.Status != nil && *p.Status != t.Status {
		if err := b.setStatus(t, person, *p.Status); err != nil {
			return err
		}
		switch t.Status {
		case Solved:
			kind = EventTicketSolved
		case Closed:
			kind = EventTicketClosed
		}
	}
	if len(b.changes.Entries) == before {
		return nil // it is all as wished already
	}
	b.changeTicket(t)
	b.tellTicket(kind, t, rand.Text())
	return nil
}

func (b *book) assign(t *Ticket, person, assignee string) error {
	if assignee != "" {
		if !b.move(t, actAssign) {
			return refuse(ErrConflict, "Ticket %s is closed.", t.ID)
		}
	}
	b.note(t, Entry{Actor: person, Kind: EntryAssigned, Text: changedText("Assignee", t.Assignee, assignee)})
	t.Assignee = assignee
	return nil
}

// setStatus brings a ticket into the status a person wants.
func (b *book) setStatus(t *Ticket, person string, wanted Status) error {
	from := t.Status
	act, possible := actFor(wanted)
	if !possible {
		return refuse(ErrConflict, "A ticket does not become %s again.", statusWords(wanted))
	}
	if wanted == Closed && from != Solved && from != Closed {
		return refuse(ErrConflict, "Ticket %s is %s; it can be closed when it is solved.", t.ID, statusWords(from))
	}
	if a := b.openAlarm(t); wanted == Closed && a != nil {
		return refuse(ErrConflict, "An alarm of ticket %s is still open (%s); the ticket can be closed when that has ended.", t.ID, a.ID)
	}
	if other := b.unsolved[t.dedup()]; other != nil && other != t {
		return refuse(ErrConflict, "Ticket %s is about the same thing and not solved; work on that one.", other.ID)
	}
	if !b.move(t, act) {
		return refuse(ErrConflict, "Ticket %s is %s and cannot become %s.", t.ID, statusWords(from), statusWords(wanted))
	}
	b.noteStatus(t, person, from)
	return nil
}

// noteStatus writes what a person's change of status means.
func (b *book) noteStatus(t *Ticket, person string, from Status) {
	entry := Entry{Actor: person, Kind: EntryStatus,
		Text: fmt.Sprintf("Status changed from %s to %s.", statusWords(from), statusWords(t.Status))}
	switch {
	case t.Status == Solved:
		entry.Kind = EntrySolved
		b.solvedByPerson(t, person, &entry)
	case t.Status == Closed:
		entry.Kind = EntryClosed
	case from == Solved:
		entry.Kind = EntryReopened
	}
	b.note(t, entry)
}

// solvedByPerson acknowledges the latched alarms of a ticket that a person
// has solved: they have been seen. A condition that still holds is said.
func (b *book) solvedByPerson(t *Ticket, person string, entry *Entry) {
	for _, a := range b.ofTicket[t.ID] {
		if a.Latched && a.AcknowledgedAt.IsZero() {
			b.acknowledge(a, person, fmt.Sprintf("Alarm acknowledged by solving %s.", t.ID))
		}
		if a.Active() {
			entry.Text += " The condition still holds; should it get worse, the ticket opens again."
		}
	}
}

// acknowledge records that a person has seen an alarm, in it and in its
// ticket's timeline.
func (b *book) acknowledge(a *Alarm, person, text string) {
	a.AcknowledgedAt, a.AcknowledgedBy = b.now, person
	b.changeAlarm(a)
	b.tellAlarm(EventAlarmAcknowledged, a, rand.Text())
	if ticket := b.ticketOf(a); ticket != nil {
		b.note(ticket, Entry{Actor: person, Kind: EntryAcked, Text: text})
	}
}

func changedText(what, from, to string) string {
	none := func(s string) string {
		if s == "" {
			return "nobody"
		}
		return s
	}
	return fmt.Sprintf("%s changed from %s to %s.", what, none(from), none(to))
}

// check returns the patch as it is stored, or what is wrong with it.
func (p Patch) check() (Patch, error) {
	if p.Status != nil && !slices.Contains(Statuses(), *p.Status) {
		return p, refuse(ErrInvalid, "There is no status %q; there are new, open, pending, on_hold, solved and closed.", *p.Status)
	}
	if p.Priority != nil && p.Priority.rank() < 0 {
		return p, refuse(ErrInvalid, "There is no priority %q; there are low, normal, high and urgent.", *p.Priority)
	}
	for _, name := range []**string{&p.Assignee, &p.Team} {
		if *name != nil {
			trimmed := oneLine(**name)
			*name = &trimmed
		}
	}
	return p, nil
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
