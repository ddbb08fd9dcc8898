package ingest

import (
	"context"
	"sync"
	"time"

	"telltale/devices"
)

// pending is one message on its way, or some that one sender hands over
// together and that share their fate: decoded and checked by the goroutine that
// brought them, then flushed together with others.
type pending struct {
	messages    int
	special     []string // outcomes of those that are not just accepted
	reports     []devices.Report
	quarantined []Quarantined
	weight      int           // estimated bytes of memory
	pause       time.Duration // that the sender owes for devices beyond their limit

	// expires is when the sender stops waiting for room in the queue; zero:
	// never.
	expires time.Time
	sender  sender
}

// sender is who handed messages over and waits to hear what became of them.
type sender interface {
	// waits reports whether the sender still waits at now. What it sent before
	// it stopped waiting is not stored: it will send that again.
	waits(now time.Time) bool

	// settle says what became of the messages; nil: they are stored. It must
	// not block. The pending is the sender's again.
	settle(err error)
}

// reset makes the pending empty, and keeps its memory unless that is large.
func (it *pending) reset() {
	if it.weight > keepWeight {
		it.reports, it.quarantined = nil, nil
	}
	clear(it.quarantined)
	it.messages, it.weight, it.pause = 0, 0, 0
	it.special, it.reports, it.quarantined = it.special[:0], it.reports[:0], it.quarantined[:0]
}

// Estimated memory, for the queue's bound.
const (
	messageWeight = 256
	reportWeight  = 136
	readingWeight = 40

	// keepWeight is up to where the memory of a pending is used again.
	keepWeight = 64 << 10
)

func (it *pending) weigh() {
	w := messageWeight * it.messages
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

	mu       sync.Mutex
	items    []*pending
	messages int
	bytes    int
	closed   bool
	space    chan struct{} // closed when room was made; nil when nobody waits

	wake chan struct{} // holds one signal that there are items
}

func newQueue(maxMessages, maxBytes int) *queue {
	return &queue{maxMessages: maxMessages, maxBytes: maxBytes, wake: make(chan struct{}, 1)}
}

// put adds an item and waits for room when there is none, until ctx is done,
// the item has expired or the queue is closed.
func (q *queue) put(ctx context.Context, it *pending) error {
	for {
		space, err := q.offer(it)
		if space == nil {
			return err
		}
		if err := awaitSpace(ctx, space, it.expires); err != nil {
			return err
		}
	}
}

// offer adds an item if there is room for it. Otherwise it returns a channel
// that is closed when some was made.
func (q *queue) offer(it *pending) (space <-chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrStopped
	}
	// A single item may exceed the limits, but only when it is alone.
	if len(q.items) > 0 && (q.messages+it.messages > q.maxMessages || q.bytes+it.weight > q.maxBytes) {
		if q.space == nil {
			q.space = make(chan struct{})
		}
		return q.space, nil
	}
	q.items = append(q.items, it)
	q.messages += it.messages
	q.bytes += it.weight
	if len(q.items) == 1 { // else the flusher knows, or is at it
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
	return nil, nil
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
	taken := q.items[:n]
	dst = append(dst, taken...)
	q.removed(taken)
	rest := copy(q.items, q.items[n:])
	clear(q.items[rest:])
	q.items = q.items[:rest]
	return dst
}

// expire removes and returns the items whose senders have stopped waiting.
func (q *queue) expire(now time.Time) []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	var gone []*pending
	q.items, gone = splitExpired(q.items, now)
	q.removed(gone)
	return gone
}

// splitExpired keeps, in place, the items whose senders wait at now.
func splitExpired(items []*pending, now time.Time) (kept, gone []*pending) {
	kept = items[:0]
	for _, it := range items {
		if it.sender.waits(now) {
			kept = append(kept, it)
		} else {
			gone = append(gone, it)
		}
	}
	clear(items[len(kept):])
	return kept, gone
}

// removed notes that items were taken out, and wakes who waits for room. q.mu
// must be held.
func (q *queue) removed(items []*pending) {
	for _, it := range items {
		q.messages -= it.messages
		q.bytes -= it.weight
	}
	if len(items) > 0 {
		q.madeSpace()
	}
}

// madeSpace wakes who waits for room. q.mu must be held.
func (q *queue) madeSpace() {
	if q.space != nil {
		close(q.space)
		q.space = nil
	}
}

// close refuses further items and sends everybody who waits away.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.madeSpace()
}

func (q *queue) size() (messages, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.messages, q.bytes
}
