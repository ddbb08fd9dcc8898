package ingest

import (
	"errors"
	"sync"
	"syscall"
	"time"
)

// acking is the way from the pipeline back to the client.
type acking struct {
	mu       sync.Mutex
	room     sync.Cond // signals when something was settled
	open     int       // messages in the pipeline
	weight   int       // and their weight
	acks     []byte    // PUBACKs to be written
	awaiting bool      // in the acknowledger's list

	// writing is held by whoever writes, so that packets stay whole. Who has
	// let go of it looks whether acknowledgements were left for it.
	writing sync.Mutex
	spare   []byte // memory of acks, in turn
	writers sync.WaitGroup
	ended   bool // no more writers

	// For writeReady.
	rest       []byte
	onWritable func(fd uintptr) bool
}

// sent notes messages that go into the pipeline, when there is room for them in
// the connection's window.
func (c *connection) sent(it *pending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open > 0 && (c.open+it.messages > windowMessages || c.weight+it.weight > windowWeight) {
		c.room.Wait() // not for ever: the pipeline settles everything
	}
	c.open += it.messages
	c.weight += it.weight
}

// settled notes messages that left the pipeline, to be acknowledged by ids.
func (c *connection) settled(it *pending, ids []uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open -= it.messages
	c.weight -= it.weight
	if !c.failed.Load() {
		for _, id := range ids {
			c.acks = appendPuback(c.acks, id)
		}
	}
	c.room.Signal()
}

// awaitSettled waits until nothing is in the pipeline.
func (c *connection) awaitSettled() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open > 0 {
		c.room.Wait()
	}
}

// takeAcks returns what is to be written. c.writing must be held, and the
// result is valid until then.
func (c *connection) takeAcks() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	acks := c.acks
	c.acks, c.spare = c.spare[:0], acks
	return acks
}

// Write implements [net.Conn] for the library: after the acknowledgements that
// are due.
func (c *connection) Write(p []byte) (int, error) {
	c.writing.Lock()
	if acks := c.takeAcks(); len(acks) > 0 {
		if err := c.write(acks); err != nil {
			c.writing.Unlock()
			return 0, err
		}
	}
	err := c.write(p)
	c.doneWriting()
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// write writes and waits until the client makes room, but not long.
func (c *connection) write(p []byte) error {
	deadline := time.Now().Add(writeTime)
	if until := c.listener.hurried.Load(); until != nil {
		deadline = *until
	}
	_ = c.SetWriteDeadline(deadline)
	if _, err := c.Conn.Write(p); err != nil {
		c.closeNow()
		return err
	}
	_ = c.SetWriteDeadline(time.Time{}) // one that has passed would fail tryWrite
	return nil
}

// doneWriting lets go of writing.
func (c *connection) doneWriting() {
	c.writing.Unlock()
	c.mu.Lock()
	left := len(c.acks) > 0
	c.mu.Unlock()
	if left {
		c.listener.acknowledger.add(c)
	}
}

// writeAcks writes what is due without waiting, here or, when that does not
// work, in a goroutine.
func (c *connection) writeAcks() {
	c.mu.Lock()
	c.awaiting = false
	c.mu.Unlock()
	if c.failed.Load() {
		c.closeNow() // the client sends again what is not acknowledged
		return
	}
	if !c.writing.TryLock() {
		return // whoever writes adds us again
	}
	c.rest = c.takeAcks()
	if c.raw != nil && len(c.rest) > 0 && c.raw.Write(c.onWritable) != nil {
		c.rest = nil // it is closed
	}
	if len(c.rest) > 0 && c.writeLater(c.rest) {
		return
	}
	c.doneWriting()
}

// writeReady writes as much of rest as the socket takes at once.
func (c *connection) writeReady(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), c.rest)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		c.rest = c.rest[max(n, 0):]
		return true
	}
}

// writeLater writes in a goroutine, which holds writing meanwhile; false: the
// connection has ended.
func (c *connection) writeLater(p []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	c.writers.Go(func() {
		_ = c.write(p) // closes the connection when it fails
		c.doneWriting()
	})
	return true
}

// endWriting waits for who still writes.
func (c *connection) endWriting() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.writers.Wait()
}

// acknowledger writes the acknowledgements of all connections. The pipeline,
// which must not wait, only notes what is due.
type acknowledger struct {
	mu     sync.Mutex
	list   []*connection
	busy   bool
	closed bool
	wake   chan struct{}
}

func newAcknowledger() *acknowledger { return &acknowledger{wake: make(chan struct{}, 1)} }

// add has the connection looked after soon.
func (a *acknowledger) add(c *connection) {
	c.mu.Lock()
	known := c.awaiting
	c.awaiting = true
	c.mu.Unlock()
	if known {
		return
	}
	a.mu.Lock()
	a.list = append(a.list, c)
	first := len(a.list) == 1
	a.mu.Unlock()
	if first {
		a.signal()
	}
}

func (a *acknowledger) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run writes until close is called.
func (a *acknowledger) run() {
	var list []*connection
	for {
		<-a.wake
		a.mu.Lock()
		list, a.list = a.list, list[:0]
		a.busy = true
		closed := a.closed
		a.mu.Unlock()
		for _, c := range list {
			c.writeAcks()
		}
		clear(list)
		a.mu.Lock()
		a.busy = false
		a.mu.Unlock()
		if closed {
			return
		}
	}
}

// idle reports whether all that was added is written.
func (a *acknowledger) idle() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.list) == 0 && !a.busy
}

func (a *acknowledger) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.signal()
}
