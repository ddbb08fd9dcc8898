package postgres_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
	"telltale/tickets/outbox"
)

func event(id, data string) outbox.Event {
	return outbox.Event{
		ID: id, Type: "ticket.opened", Subject: "TT-1", OrderingKey: "TT-1",
		At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Data: json.RawMessage(data),
	}
}

// Writes travel with what comes next: whatever that is, one that fails undoes
// all, and is told.
func TestAWriteThatFailsIsToldByWhatComesNext(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(tx *postgres.DB) error{
		"commit":      func(*postgres.DB) error { return nil },
		"question":    func(tx *postgres.DB) error { _, err := tx.Checkpoints(t.Context(), "rules"); return err },
		"single row":  func(tx *postgres.DB) error { _, err := tx.Checkpoint(t.Context(), "rules", 0); return err },
		"more writes": func(tx *postgres.DB) error { return tx.AppendEvents(t.Context(), []outbox.Event{event("E-3", `{}`)}) },
		"not a write": func(tx *postgres.DB) error { return tx.SaveSnapshot(t.Context(), 0, 1, 1, []byte("state")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			err := db.InTx(t.Context(), func(tx *postgres.DB) error {
				if err := tx.AppendEvents(t.Context(), []outbox.Event{event("E-1", `{}`)}); err != nil {
					t.Fatal(err)
				}
				if err := tx.AppendEvents(t.Context(), []outbox.Event{event("E-2", `no JSON`)}); err != nil {
					t.Fatal(err)
				}
				return next(tx)
			})
			if err == nil {
				t.Error("no error")
			}
			if events, _, err := db.EventsAfter(t.Context(), 0, 10); err != nil || len(events) != 0 {
				t.Errorf("%d events are there (err %v)", len(events), err)
			}
			err = db.InTx(t.Context(), func(tx *postgres.DB) error {
				return tx.AppendEvents(t.Context(), []outbox.Event{event("E-1", `{}`)})
			})
			if events, _, readErr := db.EventsAfter(t.Context(), 0, 10); err != nil || readErr != nil || len(events) != 1 {
				t.Errorf("afterwards %d events (err %v, %v), want 1", len(events), err, readErr)
			}
		})
	}
}

func TestWhatWaitsIsSeenByTheNextQuestion(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	giveUp := errors.New("enough seen")
	err := db.InTx(t.Context(), func(tx *postgres.DB) error {
		if err := tx.AppendEvents(t.Context(), []outbox.Event{event("E-1", `{}`)}); err != nil {
			return err
		}
		if events, _, err := tx.EventsAfter(t.Context(), 0, 10); err != nil || len(events) != 1 {
			t.Errorf("inside %d events (err %v), want 1", len(events), err)
		}
		if err := tx.AppendEvents(t.Context(), []outbox.Event{event("E-2", `{}`)}); err != nil {
			return err
		}
		return giveUp
	})
	if !errors.Is(err, giveUp) {
		t.Errorf("InTx = %v", err)
	}
	if events, _, err := db.EventsAfter(t.Context(), 0, 10); err != nil || len(events) != 0 {
		t.Errorf("given up, and %d events are there (err %v)", len(events), err)
	}
	if err := db.InTx(t.Context(), func(*postgres.DB) error { return nil }); err != nil {
		t.Errorf("a transaction of nothing: %v", err)
	}
}
