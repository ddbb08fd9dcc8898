package ingest

import (
	"context"
	"sync"
	"time"

	"telltale/devices"
)

// pending is one message on its way: decoded and checked by the goroutine that
// brought it, then flushed together with others.
type pending struct {
	outcome     string
	reports     []devices.Report
	quarantined []Quarantined
	weight      int // estimated bytes of memory

	// expires is when the sender stops waiting; zero: never.
	expires time.Time

	// One of the two is told what became of the message: nil means stored.
	waiter   chan error // of a blocking call; holds one result
	callback func(error)
}

// finish tells the sender and lets go of the message.
func (it *pending) finish(err error) {
	if it.callback != nil {
		it.callback(err)
		return
	}
	it.waiter <- err
}

// Estimated memory, for the queue's bound.
const (
	messageWeight = 256
	reportWeight  = 136
	readingWeight = 40
)

func (it *pending) weigh() {
	w := messageWeight
	for i := range it.reports {
		w += reportWeight + len(it.reports[i].Readings)*readingWeight
	}
	for i := range it.quarantined {
		w += messageWeight + len(it.quarantined[i].Payload)
	}
	it.weight = w
}

// queue holds the messages that wait for the next flush, first in, first out.
// A full queue makes its callers wait: that is the back-pressure which reaches
// the device through its connection.
type queue struct {
	maxMessages int
	maxBytes    int

	mu     sync.Mutex
	items  []*pending
	bytes  int
	closed bool
	space  chan struct{} // closed when room was made; nil when nobody waits

	wake chan struct{} // holds one signal that there are items
}

func newQueue(maxMessages, maxBytes int) *queue {
	return &queue{maxMessages: maxMessages, maxBytes: maxBytes, wake: make(chan struct{}, 1)}
}

// put adds an item and waits for room when there is none, until ctx is done,
// the item has expired or the queue is closed.
func (q *queue) put(ctx context.Context, it *pending) error {
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return ErrStopped
		}
		// A single item may exceed the bytes, but only when it is alone.
		if len(q.items) == 0 || len(q.items) < q.maxMessages && q.bytes+it.weight <= q.maxBytes {
			q.items = append(q.items, it)
			q.bytes += it.weight
			q.mu.Unlock()
			select {
			case q.wake <- struct{}{}:
			default:
			}
			return nil
		}
		if q.space == nil {
			q.space = make(chan struct{})
		}
		space := q.space
		q.mu.Unlock()
		if err := awaitSpace(ctx, space, it.expires); err != nil {
			return err
		}
	}
}

func awaitSpace(ctx context.Context, space <-chan struct{}, expires time.Time) error {
	var expired <-chan time.Time
	if !expires.IsZero() {
		timer := time.NewTimer(time.Until(expires))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-space:
		return nil
	case <-expired:
		return ErrNotStored
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take moves items to dst, the oldest first, up to a number of bytes but at
// least one.
func (q *queue) take(dst []*pending, maxBytes int) []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, bytes := 0, 0
	for n < len(q.items) && (n == 0 || bytes+q.items[n].weight <= maxBytes) {
		bytes += q.items[n].weight
		n++
	}
	dst = append(dst, q.items[:n]...)
	rest := copy(q.items, q.items[n:])
	clear(q.items[rest:])
	q.items = q.items[:rest]
	q.bytes -= bytes
	q.madeSpace(n)
	return dst
}

// expire removes and returns the items whose senders have stopped waiting.
func (q *queue) expire(now time.Time) []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	var gone []*pending
	q.items, gone = splitExpired(q.items, now)
	for _, it := range gone {
		q.bytes -= it.weight
	}
	q.madeSpace(len(gone))
	return gone
}

// splitExpired keeps, in place, the items that have not expired at now.
func splitExpired(items []*pending, now time.Time) (kept, gone []*pending) {
	kept = items[:0]
	for _, it := range items {
		if !it.expires.IsZero() && it.expires.Before(now) {
			gone = append(gone, it)
		} else {
			kept = append(kept, it)
		}
	}
	clear(items[len(kept):])
	return kept, gone
}

// madeSpace wakes who waits for room. q.mu must be held.
func (q *queue) madeSpace(n int) {
	if n > 0 && q.space != nil {
		close(q.space)
		q.space = nil
	}
}

// close refuses further items and sends everybody who waits away.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.madeSpace(1)
}

func (q *queue) size() (messages, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items), q.bytes
}
