package simulator

import (
	"context"
	"sync"

	"telltale/devices"
)

// message is one report on its way, or a word about a connection.
type message struct {
	unit     devices.ID
	payload  []byte           // of a report
	presence devices.Presence // otherwise
}

// queue is what a connection has to send, in order, bounded. One goroutine
// sends; any may push.
type queue struct {
	mu      sync.Mutex
	waiting []message
	limit   int
	changed chan struct{} // closed and replaced by every change
}

func newQueue(limit int) *queue { return &queue{limit: limit, changed: make(chan struct{})} }

// push appends a message, waiting while the queue is full.
func (q *queue) push(ctx context.Context, m message) error {
	for {
		q.mu.Lock()
		changed := q.changed
		if len(q.waiting) < q.limit {
			q.waiting = append(q.waiting, m)
			q.change()
			q.mu.Unlock()
			return nil
		}
		q.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// at returns the i-th message that waits, if there are so many, and a channel
// that is closed when the queue changes.
func (q *queue) at(i int) (m message, ok bool, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i < len(q.waiting) {
		return q.waiting[i], true, q.changed
	}
	return message{}, false, q.changed
}

// pop forgets the first message: it has arrived.
func (q *queue) pop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting[0] = message{} // let go of the payload
	q.waiting = q.waiting[1:]
	q.change()
}

// waitEmpty waits until nothing waits.
func (q *queue) waitEmpty(ctx context.Context) error {
	for {
		_, waiting, changed := q.at(0)
		if !waiting {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// change wakes all who wait. The caller holds the lock.
func (q *queue) change() {
	close(q.changed)
	q.changed = make(chan struct{})
}
