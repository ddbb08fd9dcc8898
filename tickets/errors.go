package tickets

import (
	"errors"
	"fmt"
)

// What a caller may branch on. Errors that wrap one of these are of type
// [*Refusal], whose text a user may read.
var (
	ErrNotFound = errors.New("tickets: not found")
	ErrConflict = errors.New("tickets: conflicts with the present state")
	ErrInvalid  = errors.New("tickets: invalid")
)

// Refusal says in a sentence for people why something was not done. It wraps
// one of [ErrNotFound], [ErrConflict] and [ErrInvalid].
type Refusal struct {
	Reason   error
	Sentence string
}

// Error returns the sentence.
func (r *Refusal) Error() string { return r.Sentence }

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Reason }

func refuse(reason error, format string, args ...any) error {
	return &Refusal{Reason: reason, Sentence: fmt.Sprintf(format, args...)}
}

// NoTicket is the answer to a ticket id that names nothing.
func NoTicket(id string) error { return refuse(ErrNotFound, "There is no ticket %q.", id) }

// NoHeldAlarm is the answer to an id that names no alarm that was held back.
func NoHeldAlarm(id string) error {
	return refuse(ErrNotFound, "There is no alarm %q that was held back.", id)
}

// NoAlarm is the answer to an alarm id that names nothing.
func NoAlarm(id string) error { return refuse(ErrNotFound, "There is no alarm %q.", id) }
