package tickets

import (
	"crypto/rand"
	"fmt"
	"slices"
)

// Patch is what a person changes about a ticket. Nil fields stay as they are.
type Patch struct {
	Status   *Status
	Priority *Priority
	Assignee *string // "": nobody
	Team     *string
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

// patch makes a person's changes, each with a line in the timeline.
func (b *book) patch(t *Ticket, person string, p Patch) error {
	if t.Status == Closed && p != (Patch{Status: p.Status}) {
		return refuse(ErrConflict, "Ticket %s is closed; only comments can be added to it.", t.ID)
	}
	before := len(b.changes.Entries)
	if p.Priority != nil && *p.Priority != t.Priority {
		b.note(t, Entry{Actor: person, Kind: EntryPriority, Text: fmt.Sprintf("Priority changed from %s to %s.", t.Priority, *p.Priority)})
		t.Priority, t.PriorityBy = *p.Priority, person
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
