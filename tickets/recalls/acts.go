package recalls

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxText bounds what a person may write at once, in characters.
const maxText = 10_000

// Meanings of a [Signature].
const (
	MeaningApproved = "approved"
	MeaningRejected = "rejected"
	MeaningClosed   = "closed"
)

// Approve signs a proposed recall. The second signature, by another person,
// approves it. The comment may be empty.
func (d *Desk) Approve(ctx context.Context, id, person, comment string) (*Recall, error) {
	return d.onRecall(ctx, id, person, comment, func(r *Recall, now time.Time) (string, error) {
		return r.approve(person, comment, now)
	})
}

// Reject ends a proposed recall. It needs a reason.
func (d *Desk) Reject(ctx context.Context, id, person, reason string) (*Recall, error) {
	return d.onRecall(ctx, id, person, reason, func(r *Recall, now time.Time) (string, error) {
		return r.reject(person, reason, now)
	})
}

// Close ends an approved recall. It needs a reason as long as somebody has
// not answered or a unit is not accounted for.
func (d *Desk) Close(ctx context.Context, id, person, reason string) (*Recall, error) {
	return d.onRecall(ctx, id, person, reason, func(r *Recall, now time.Time) (string, error) {
		return r.close(person, reason, now)
	})
}

// Answer is what a consignee says about its units: totals, not differences.
// All zero is an answer too.
type Answer struct {
	Item      int64 // Item.ID
	Returned  int64
	Destroyed int64
	Used      int64
}

// Answer records what became of a consignee's units. A later answer replaces
// the one before.
func (d *Desk) Answer(ctx context.Context, id, person string, a Answer) (*Recall, error) {
	return d.onRecall(ctx, id, person, "", func(r *Recall, now time.Time) (string, error) {
		return r.answer(a, now)
	})
}

// onRecall runs a person's act on a locked recall, stores what it changed,
// and announces it under the type the act returns.
func (d *Desk) onRecall(ctx context.Context, id, person, text string,
	act func(r *Recall, now time.Time) (event string, err error),
) (*Recall, error) {
	if err := checkPerson(person, text); err != nil {
		return nil, err
	}
	var done *Recall
	err := d.transact(ctx, func(store Store) error {
		r, err := store.LockRecall(ctx, id)
		if err != nil {
			return err
		}
		now := d.now()
		event, err := act(r, now)
		if err != nil {
			return err
		}
		r.UpdatedAt = now
		if err := store.SaveRecall(ctx, r); err != nil {
			return fmt.Errorf("save recall %s: %w", id, err)
		}
		done = r
		return appendEvent(ctx, store, newEvent(event, r.ID, r.ID, now, r.View()))
	})
	return done, err
}

func (r *Recall) approve(person, comment string, now time.Time) (string, error) {
	approvals := 0
	for _, s := range r.Signatures {
		if s.Meaning != MeaningApproved {
			continue
		}
		if s.Person == person && r.Status == Proposed {
			return "", refuse(ErrConflict,
				"%s has signed recall %s already; a second person must sign it.", person, r.ID)
		}
		approvals++
	}
	to, ok := next(r.Status, sign, approvals)
	if !ok {
		return "", r.refuseAct(sign)
	}
	r.Status = to
	r.sign(person, MeaningApproved, comment, now)
	if to == Approved {
		return EventRecallApproved, nil
	}
	return EventRecallUpdated, nil
}

func (r *Recall) reject(person, reason string, now time.Time) (string, error) {
	to, ok := next(r.Status, reject, 0)
	if !ok {
		return "", r.refuseAct(reject)
	}
	if strings.TrimSpace(reason) == "" {
		return "", refuse(ErrInvalid, "A recall is rejected with a reason.")
	}
	r.Status, r.ClosedAt = to, now
	r.sign(person, MeaningRejected, reason, now)
	return EventRecallRejected, nil
}

func (r *Recall) close(person, reason string, now time.Time) (string, error) {
	to, ok := next(r.Status, finish, 0)
	if !ok {
		return "", r.refuseAct(finish)
	}
	if b := r.Balance(); !b.Closes() && strings.TrimSpace(reason) == "" {
		return "", refuse(ErrConflict,
			"%d of %d consignees have answered and %d of %d units are not accounted for; closing now needs a reason.",
			b.Answered, b.Consignees, b.Unaccounted, b.Quantity)
	}
	r.Status, r.ClosedAt = to, now
	r.sign(person, MeaningClosed, reason, now)
	return EventRecallClosed, nil
}

func (r *Recall) answer(a Answer, now time.Time) (string, error) {
	to, ok := next(r.Status, answer, 0)
	if !ok {
		return "", r.refuseAct(answer)
	}
	i := slices.IndexFunc(r.Items, func(it Item) bool { return it.ID == a.Item })
	if i < 0 {
		return "", refuse(ErrNotFound, "Recall %s has no item %d.", r.ID, a.Item)
	}
	it := &r.Items[i]
	left := it.Quantity
	for _, n := range [...]int64{a.Returned, a.Destroyed, a.Used} {
		if n < 0 {
			return "", refuse(ErrInvalid, "A quantity is never negative.")
		}
		if n > left { // by subtraction, for a sum may overflow
			return "", refuse(ErrInvalid, "%s received %d units of lot %s; more cannot be returned, destroyed and used together.",
				it.CustomerID, it.Quantity, it.Lot)
		}
		left -= n
	}
	r.Status = to
	it.Returned, it.Destroyed, it.Used, it.AnsweredAt = a.Returned, a.Destroyed, a.Used, now
	return EventRecallAnswered, nil
}

func (r *Recall) sign(person, meaning, comment string, now time.Time) {
	r.Signatures = append(r.Signatures, Signature{Person: person, Meaning: meaning, Comment: comment, At: now})
}

// ReleaseHold lets a lot be used again. It needs a reason, and a recall of
// the lot must be decided first.
func (d *Desk) ReleaseHold(ctx context.Context, id, person, reason string) (*Hold, error) {
	if err := checkPerson(person, reason); err != nil {
		return nil, err
	}
	if strings.TrimSpace(reason) == "" {
		return nil, refuse(ErrInvalid, "A lot is released with a reason.")
	}
	var done *Hold
	err := d.transact(ctx, func(store Store) error {
		h, err := store.LockHold(ctx, id)
		if err != nil {
			return err
		}
		if !h.ReleasedAt.IsZero() {
			return refuse(ErrConflict, "Hold %s was released by %s at %s.", h.ID, h.ReleasedBy, clock(h.ReleasedAt))
		}
		recall, err := store.RunningRecallOf(ctx, h.ShipmentID, Lot{GTIN: h.GTIN, Lot: h.Lot})
		if err != nil {
			return err
		}
		if recall != "" {
			return refuse(ErrConflict, "Lot %s is under recall %s; reject or close the recall first.", h.Lot, recall)
		}
		h.ReleasedAt, h.ReleasedBy, h.ReleaseReason = d.now(), person, reason
		if err := store.ReleaseHold(ctx, h); err != nil {
			return fmt.Errorf("release hold %s: %w", id, err)
		}
		done = h
		return appendEvent(ctx, store, newEvent(EventHoldReleased, shipmentKey(h.ShipmentID), h.ID, h.ReleasedAt, h.View()))
	})
	return done, err
}

func checkPerson(person, text string) error {
	switch {
	case person == "":
		return refuse(ErrInvalid, "Say who you are.")
	case utf8.RuneCountInString(text) > maxText:
		return refuse(ErrInvalid, "A text may have up to %d characters.", maxText)
	case !validText(text):
		return refuse(ErrInvalid, "A text must be valid UTF-8.")
	}
	return nil
}

// validText reports whether the store can hold the text.
func validText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
