package tickets

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

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
