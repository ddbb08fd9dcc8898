package outbox

import (
	"cmp"
	"errors"
	"strings"
	"time"
)

// Policy says when a delivery is tried again and when it is given up. A
// destination that cannot be reached, is overloaded or fails (HTTP 5xx, 408,
// 425, 429) is tried for ever. One that refuses an event (other 4xx) is asked
// again for a day, since a receiver with a wrong address or secret for some
// hours is nothing unusual; then that event is discarded.
type Policy struct {
	// Base is the pause after the first failure; it doubles with each further
	// one. Default: 1 s.
	Base time.Duration

	// MaxFailed bounds the pause while a destination cannot be reached or
	// fails. It is short, because the breaker keeps the load low. Default: 1 min.
	MaxFailed time.Duration

	// MaxRefused bounds the pause while a destination refuses. Default: 15 min.
	MaxRefused time.Duration

	// RefusedFor is how long a refused delivery is kept trying. Default: 24 h.
	RefusedFor time.Duration

	// RefusedAttempts is how often a refused delivery is tried at least,
	// however old it is. Default: 10.
	RefusedAttempts int
}

// Defaults of [Policy].
const (
	defaultBase            = time.Second
	defaultMaxFailed       = time.Minute
	defaultMaxRefused      = 15 * time.Minute
	defaultRefusedFor      = 24 * time.Hour
	defaultRefusedAttempts = 10

	maxRetryAfter = time.Hour // no destination may ask for more
	maxErrorText  = 1000      // bytes of an error that are kept
)

func (p Policy) withDefaults() Policy {
	p.Base = cmp.Or(p.Base, defaultBase)
	p.MaxFailed = cmp.Or(p.MaxFailed, defaultMaxFailed)
	p.MaxRefused = cmp.Or(p.MaxRefused, defaultMaxRefused)
	p.RefusedFor = cmp.Or(p.RefusedFor, defaultRefusedFor)
	p.RefusedAttempts = cmp.Or(p.RefusedAttempts, defaultRefusedAttempts)
	return p
}

// Next decides what becomes of a delivery after an attempt that ended with
// err at the time now. The jitter, 0 to 1, spreads retries: the pause is
// between half of what is due and all of it.
func (p Policy) Next(d Delivery, err error, now time.Time, jitter float64) Outcome {
	if err == nil {
		return Outcome{State: Completed}
	}
	text := shorten(err.Error(), maxErrorText)
	var failure *SendError
	if !errors.As(err, &failure) {
		failure = &SendError{}
	}
	if failure.Refused && d.Attempts >= p.RefusedAttempts && now.Sub(d.CreatedAt) >= p.RefusedFor {
		return Outcome{State: Discarded, Error: text}
	}
	limit := p.MaxFailed
	if failure.Refused {
		limit = p.MaxRefused
	}
	pause := backoff(p.Base, limit, d.Attempts)
	pause -= time.Duration(jitter * float64(pause) / 2)
	return Outcome{State: Retryable, After: max(pause, min(failure.RetryAfter, maxRetryAfter)), Error: text}
}

// backoff returns base doubled attempts-1 times, at most limit.
func backoff(base, limit time.Duration, attempts int) time.Duration {
	pause := base
	for ; attempts > 1 && pause < limit; attempts-- {
		pause *= 2
	}
	return min(pause, limit)
}

// shorten cuts s to at most n bytes and keeps it valid text.
func shorten(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}
