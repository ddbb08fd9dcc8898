package console

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"telltale/internal/access"
	"telltale/internal/idempotency"
	"telltale/tickets/outbox"
)

// Deps is what the console asks and acts through. All fields are required.
type Deps struct {
	Access  *access.Gate
	Answers Answers
	Events  Events
}

// validate names every part that is missing.
func (d Deps) validate() error {
	var errs []error
	v := reflect.ValueOf(d)
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			errs = append(errs, fmt.Errorf("%s is missing", v.Type().Field(i).Name))
		}
	}
	return errors.Join(errs...)
}

// Answers keeps the answers to requests with an Idempotency-Key.
type Answers interface {
	idempotency.Store
	PruneKeys(ctx context.Context, before time.Time) error
}

// Events is the table of everything that others want to hear of.
type Events interface {
	// LastEvent returns the highest position so far, 0 when there is none.
	LastEvent(ctx context.Context) (int64, error)

	// EventsAfter returns up to limit events after a position, ascending, and
	// what else was going on when they were read.
	EventsAfter(ctx context.Context, after int64, limit int) ([]outbox.Event, outbox.Snapshot, error)

	// WatchEvents calls wake whenever there may be new events. It returns when
	// ctx ends or the connection is lost.
	WatchEvents(ctx context.Context, wake func()) error
}
