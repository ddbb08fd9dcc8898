package ingest

import (
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"telltale/devices"
)

// Limits bound what one device may send. The zero value does not.
type Limits struct {
	// DeviceRate is how many messages per second a device may send in the long
	// run; 0: as many as it likes. Of a message with many reports of a device
	// each hundred, begun, count as one.
	DeviceRate float64

	// DeviceBurst is how many messages it may send at once after a silence, to
	// deliver what it stored. Zero: 50 seconds of its rate.
	DeviceBurst float64
}

const (
	burstTime        = 50 * time.Second // of the default burst
	reportsPerCharge = 100
	warnEvery        = time.Minute // of one device's excess

	limitShards = 64
	pruneAt     = 1024 // devices in a shard
)

// limiter knows how much each device has sent of late. It takes about 100 bytes
// for each device that was heard within the time of a burst, and none for the
// others. Its methods are safe for concurrent use.
//
// It is a token bucket for each device, kept as the one instant at which the
// bucket would be full again (the generic cell rate algorithm, ITU-T I.371).
type limiter struct {
	began  time.Time     // the instants are counted from here, by the monotonic clock: setting the other limits nobody
	gap    time.Duration // between messages at the rate
	burst  time.Duration // how far ahead of the clock full may lie
	seed   maphash.Seed
	shards [limitShards]limitShard
}

type limitShard struct {
	mu      sync.Mutex
	buckets map[devices.ID]bucket
	prune   int // size at which to look for full buckets
}

type bucket struct{ full, warned int64 } // nanoseconds after began

// newLimiter returns nil when nothing is limited.
func newLimiter(l Limits) (*limiter, error) {
	if l.DeviceRate < 0 || l.DeviceBurst < 0 || l.DeviceBurst > 0 && l.DeviceBurst < 1 {
		return nil, fmt.Errorf("limits: a device's rate must not be negative and its burst at least 1, not %g and %g", l.DeviceRate, l.DeviceBurst)
	}
	if l.DeviceRate == 0 {
		return nil, nil
	}
	gap := float64(time.Second) / l.DeviceRate
	x := &limiter{began: time.Now(), gap: time.Duration(gap), burst: burstTime, seed: maphash.MakeSeed()}
	if l.DeviceBurst > 0 {
		x.burst = time.Duration(l.DeviceBurst * gap)
	}
	for i := range x.shards {
		x.shards[i] = limitShard{buckets: make(map[devices.ID]bucket), prune: pruneAt}
	}
	return x, nil
}

// excess is what a device sent beyond its limit.
type excess struct {
	over time.Duration // until it is within the limit again
	warn bool          // the operator was not told within warnEvery
}

// charge counts a message with a number of reports, received at now. With
// refuse, a message beyond the limit is not counted: it will not be stored.
func (l *limiter) charge(id devices.ID, reports int, now time.Time, refuse bool) excess {
	cost := int64(l.gap) * int64(1+(reports-1)/reportsPerCharge)
	at := int64(now.Sub(l.began))
	s := &l.shards[maphash.String(l.seed, string(id))%limitShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	b, known := s.buckets[id]
	if !known {
		b = bucket{full: at, warned: at - int64(warnEvery)}
	}
	full := max(b.full, at) + cost
	over := full - at - int64(l.burst)
	var x excess
	if over > 0 {
		x.over = time.Duration(over)
		if x.warn = at-b.warned >= int64(warnEvery); x.warn {
			b.warned = at
		}
	}
	if over <= 0 || !refuse {
		b.full = full
	}
	s.buckets[id] = b
	if len(s.buckets) >= s.prune {
		s.forget(at)
	}
	return x
}

// forget drops the buckets that are full: an absent one is. s.mu must be held.
func (s *limitShard) forget(at int64) {
	for id, b := range s.buckets {
		if b.full <= at {
			delete(s.buckets, id)
		}
	}
	s.prune = max(pruneAt, 2*len(s.buckets))
}
