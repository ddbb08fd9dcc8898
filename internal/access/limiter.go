package access

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter bounds how often each key may try. Its memory is bounded too: at
// capacity it forgets keys that have their full allowance back, and if there
// are none it refuses new keys, so that an attacker with many addresses
// cannot push out the record of their own attempts. Safe for concurrent use.
type limiter struct {
	every time.Duration // one more try per this much time
	burst int           // tries at once
	max   int           // keys remembered

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

func newLimiter(every time.Duration, burst, max int) *limiter {
	return &limiter{every: every, burst: burst, max: max, keys: make(map[string]*rate.Limiter)}
}

// allow takes one try of the key and reports whether there was one.
func (l *limiter) allow(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	lim, ok := l.keys[key]
	if !ok {
		if len(l.keys) >= l.max {
			l.forget(now)
		}
		if len(l.keys) >= l.max {
			return false
		}
		lim = rate.NewLimiter(rate.Every(l.every), l.burst)
		l.keys[key] = lim
	}
	return lim.AllowN(now, 1)
}

func (l *limiter) forget(now time.Time) {
	for key, lim := range l.keys {
		if lim.TokensAt(now) >= float64(l.burst) {
			delete(l.keys, key)
		}
	}
}
