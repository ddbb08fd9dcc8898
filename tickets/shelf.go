package tickets

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// shelfBatch bounds one transaction of [Desk.TendShelves].
const shelfBatch = 500

// Shelved reports whether a person has put the alarm aside at the time now. A
// shelf ends with its time, with the condition, or when a person takes the
// alarm off it, whichever is first.
func (a *Alarm) Shelved(now time.Time) bool {
	return a.Active() && a.UnshelvedAt.IsZero() && now.Before(a.ShelvedUntil)
}

// onShelf reports whether the end of the alarm's shelf has yet to be told.
func (a *Alarm) onShelf() bool {
	return a.Active() && !a.ShelvedUntil.IsZero() && a.UnshelvedAt.IsZero()
}

// shelvedFrom returns when the alarm was shelved; records from before that
// was kept have it shelved as long ago as it may be.
func (a *Alarm) shelvedFrom(longest time.Duration) time.Time {
	if a.ShelvedAt.IsZero() {
		return a.ShelvedUntil.Add(-longest)
	}
	return a.ShelvedAt
}

// ShelveAlarm puts an active alarm aside until a time or until its condition
// ends, whichever is first. Meanwhile an escalation or another raise is
// recorded, but raises no priority, reopens nothing and is not announced. The
// end of the condition is told as ever, and so is the end of the shelf, with a
// reminder before it.
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
		a.ShelvedAt, a.ShelvedUntil, a.ShelvedBy, a.ShelveReason = b.now, until, person, reason
		a.UnshelvedAt, a.ShelfReminded = time.Time{}, false
		b.changeAlarm(a)
		b.tellAlarm(EventAlarmShelved, a, rand.Text())
		b.noteShelf(a, Entry{Actor: person, Kind: EntryShelved,
			Text: fmt.Sprintf("Alarm shelved until %s: %s", clock(until), reason)})
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

// UnshelveAlarm takes an alarm off its shelf before its time.
func (d *Desk) UnshelveAlarm(ctx context.Context, id, person string) (*Alarm, error) {
	return d.onAlarm(ctx, id, person, func(b *book, a *Alarm) error {
		if !a.Shelved(b.now) {
			return refuse(ErrConflict, "The alarm is not shelved.")
		}
		d.unshelve(b, a, person, "Taken off the shelf before its time.")
		return nil
	})
}

// TendShelves ends the shelves whose time is over and reminds of those whose
// time is near. It returns how many alarms it changed.
func (d *Desk) TendShelves(ctx context.Context, now time.Time) (int, error) {
	now = stored(now)
	tended := 0
	for {
		n := 0
		err := d.transact(ctx, func(store Store) error {
			records, err := store.Load(ctx, Lookup{ShelvedBefore: now.Add(d.opts.RemindShelved), Limit: shelfBatch})
			if err != nil {
				return fmt.Errorf("load shelved alarms: %w", err)
			}
			b := newBook(records, now)
			n = d.tendShelves(b, records.Alarms)
			return b.save(ctx, store)
		})
		if err != nil {
			return tended, fmt.Errorf("tend shelves: %w", err)
		}
		tended += n
		if n < shelfBatch {
			return tended, nil
		}
	}
}

func (d *Desk) tendShelves(b *book, alarms []*Alarm) int {
	n := 0
	for _, a := range alarms {
		switch {
		case !a.onShelf():
			continue // loaded as another alarm of a ticket
		case !b.now.Before(a.ShelvedUntil):
			d.unshelve(b, a, Self, "The time on the shelf is over.")
		case !a.ShelfReminded && !b.now.Before(d.remindAt(a)):
			a.ShelfReminded = true
			b.changeAlarm(a)
			b.tellAlarm(EventAlarmShelfEnding, a, clock(a.ShelvedUntil))
			b.noteShelf(a, Entry{Kind: EntryShelved, Text: fmt.Sprintf(
				"The shelf of %s ends at %s, and the condition still holds.", a.ShelvedBy, clock(a.ShelvedUntil))})
		default:
			continue
		}
		n++
	}
	return n
}

// remindAt is when the end of a shelf is announced: some time before it, for a
// short shelf in its last quarter.
func (d *Desk) remindAt(a *Alarm) time.Time {
	lead := min(d.opts.RemindShelved, a.ShelvedUntil.Sub(a.shelvedFrom(d.opts.MaxShelve))/4)
	return a.ShelvedUntil.Add(-lead)
}

// unshelve ends a shelf of an alarm that still holds: what was kept quiet on
// it counts from now on.
func (d *Desk) unshelve(b *book, a *Alarm, who, why string) {
	a.UnshelvedAt = b.now
	b.changeAlarm(a)
	b.tellAlarm(EventAlarmUnshelved, a, rand.Text())
	ticket := b.ticketOf(a)
	if ticket == nil {
		return
	}
	b.note(ticket, Entry{Actor: who, Kind: EntryUnshelved, Text: fmt.Sprintf(
		"%s The condition still holds, severity %s.", why, a.Severity)})
	rule := b.ruleOf(d.catalog, a.Key.Rule, a.RuleVersion, a.Mode)
	wanted := b.priorityAt(ticket, rule, a.Severity)
	b.worsen(ticket, wanted, fmt.Sprintf("severity %s", a.Severity), "")
	b.tellTicket(EventTicketUpdated, ticket, rand.Text())
}

// noteShelf writes a line about a shelf into the timeline of the alarm's
// ticket, if it has one.
func (b *book) noteShelf(a *Alarm, e Entry) {
	ticket := b.ticketOf(a)
	if ticket == nil {
		return
	}
	b.note(ticket, e)
	b.changeTicket(ticket)
	b.tellTicket(EventTicketUpdated, ticket, rand.Text())
}
