package ingest

import "sync"

// handoff hands things from one goroutine to another, in order, and never makes
// the first one wait: that one bounds what it adds by other means.
type handoff[T any] struct {
	mu     sync.Mutex
	list   []T
	closed bool
	wake   chan struct{}
}

func newHandoff[T any]() handoff[T] { return handoff[T]{wake: make(chan struct{}, 1)} }

// add hands over; after close, nothing.
func (h *handoff[T]) add(items ...T) {
	h.mu.Lock()
	if !h.closed {
		h.list = append(h.list, items...)
	}
	h.mu.Unlock()
	h.signal()
}

// close ends the giving: what was added before is still handed over.
func (h *handoff[T]) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.signal()
}

func (h *handoff[T]) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// take waits for things and returns them; ok is false when there are none and
// will be none. spare is used for the next list.
func (h *handoff[T]) take(spare []T) (list []T, ok bool) {
	clear(spare)
	for {
		h.mu.Lock()
		if len(h.list) > 0 {
			list, h.list = h.list, spare[:0]
			h.mu.Unlock()
			return list, true
		}
		closed := h.closed
		h.mu.Unlock()
		if closed {
			return nil, false
		}
		<-h.wake
	}
}
