package recalls

import (
	"errors"
	"fmt"
)

// What a caller may branch on. Errors that wrap one of these are of type
// [*Refusal], whose text a user may read.
var (
	ErrNotFound = errors.New("recalls: not found")
	ErrConflict = errors.New("recalls: conflicts with the present state")
	ErrInvalid  = errors.New("recalls: invalid")
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

// NoRecall is the answer to a recall id that names nothing.
func NoRecall(id string) error { return refuse(ErrNotFound, "There is no recall %q.", id) }

// NoHold is the answer to a hold id that names nothing.
func NoHold(id string) error { return refuse(ErrNotFound, "There is no hold %q.", id) }

// NoShipment is the answer to a shipment id that names nothing.
func NoShipment(id string) error { return refuse(ErrNotFound, "There is no shipment %q.", id) }
