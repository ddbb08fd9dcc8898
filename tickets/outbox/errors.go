package outbox

import "time"

// SendError is a failed attempt, with what the destination made known about
// the next one. Any other error counts as a destination that is out of reach.
type SendError struct {
	// Refused says that the destination is there and does not want this event
	// as it is (most of HTTP 4xx). It may change its mind: receivers are
	// misconfigured for hours.
	Refused bool

	// RetryAfter is how long the destination asks to be left alone. Zero: it
	// did not say.
	RetryAfter time.Duration

	Err error
}

// Error returns the cause's text.
func (e *SendError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }
