package load

import (
	"sync"
	"time"
)

// measured is what all connections saw. It is safe for concurrent use.
type measured struct {
	start  time.Time
	warmUp time.Duration // after start: what was due in it is counted and not observed

	mu      sync.Mutex
	sent    int64
	acked   int64
	latency histogram // from when a message was due to its acknowledgement
	late    histogram // from when it was due until it was written
}

// wrote notes messages that were due at those times and are written now.
func (m *measured) wrote(due []time.Time, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent += int64(len(due))
	m.observe(&m.late, due, now)
}

// acknowledged notes messages that were due at those times.
func (m *measured) acknowledged(due []time.Time, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acked += int64(len(due))
	m.observe(&m.latency, due, now)
}

func (m *measured) observe(h *histogram, due []time.Time, now time.Time) {
	for _, at := range due {
		if at.Sub(m.start) >= m.warmUp {
			h.observe(now.Sub(at))
		}
	}
}

func (m *measured) report(elapsed time.Duration) Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Report{
		Sent: m.sent, Acknowledged: m.acked, Elapsed: elapsed,
		P50: m.latency.quantile(0.5), P99: m.latency.quantile(0.99), Max: m.latency.max,
		LateP50: m.late.quantile(0.5), LateP99: m.late.quantile(0.99),
	}
}
