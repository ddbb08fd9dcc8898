package outbox

import "time"

// breaker keeps load off a destination that fails. It is closed as long as
// fewer than its limit of attempts in a row have failed; then it is open for a
// pause that doubles with each further failure, and lets one attempt through
// after it. One success closes it.
type breaker struct {
	failures int
	openTill time.Time
}

const (
	breakerLimit    = 5
	breakerBase     = time.Second
	breakerMaxPause = time.Minute
)

// allows returns how many deliveries may be claimed at the time now, out of
// the number wanted.
func (b *breaker) allows(wanted int, now time.Time) int {
	switch {
	case b.failures < breakerLimit:
		return wanted
	case now.Before(b.openTill):
		return 0
	default:
		return 1
	}
}

// record takes note of how an attempt ended.
func (b *breaker) record(err error, now time.Time) {
	if err == nil {
		*b = breaker{}
		return
	}
	b.failures++
	if b.failures >= breakerLimit {
		b.openTill = now.Add(backoff(breakerBase, breakerMaxPause, b.failures-breakerLimit+1))
	}
}

// open reports whether the breaker keeps attempts back.
func (b *breaker) open() bool { return b.failures >= breakerLimit }
