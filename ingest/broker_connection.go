package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// scratchSize is what is read from a connection at once. A connection that
	// has sent nothing holds no such buffer.
	scratchSize = 4 << 10

	// smallPacket is the size up to which a packet may lie in memory incomplete
	// without asking. What is larger shares largePackets bytes with all others,
	// counted with its copies and what it is decoded to, until the pipeline has
	// taken it; and it has packetTime to arrive.
	smallPacket  = 4 << 10
	largePackets = 64 << 20
	largeCopies  = 4
	packetTime   = time.Minute

	// greetingSize bounds the packets of a client that has not logged in.
	greetingSize = 16 << 10
)

// connection is a client's connection as the MQTT library sees it:
//
//	client --bytes--> connection --plain PUBLISH--> express --> pipeline
//	   ^                  |                                        |
//	   |                  +--any other packet--> library           |stored
//	   +---------------------PUBACKs-------------------- acknowledger
//
// It hands the library whole packets, one after the other, and none before
// what came earlier on the express way is acknowledged: so the client sees its
// acknowledgements in the order of its messages [MQTT-4.6.0-2]. A connection
// that cannot be written to is closed; the library would go on after a part of
// a packet.
type connection struct {
	net.Conn
	listener *listener
	raw      syscall.RawConn // nil: encrypted

	reading
	acking
	express *express // nil until the client has logged in

	// failed says that a message was not stored: nothing that comes after it
	// may be acknowledged, and the connection is closed.
	failed atomic.Bool
}

// reading is what belongs to the goroutine in which the library reads.
type reading struct {
	in      []byte // read and not dealt with; lies in scratch or, if own, in memory of its own
	own     bool
	scratch *[scratchSize]byte
	passing int           // bytes of the packet in hand that the library is still to get
	heard   time.Time     // of the client: the last read
	idle    time.Duration // after which it must have been heard of again; 0: no limit

	large   int64 // bytes taken from largePackets
	largeAt time.Time

	// armed is the deadline set at the socket. It lies at or before the real
	// one and is moved only when it has passed, not with each message.
	armed time.Time

	// For readReady.
	target  []byte // nil: a scratch buffer
	n       int
	err     error
	onReady func(fd uintptr) bool
}

func newConnection(conn net.Conn, l *listener) *connection {
	c := &connection{Conn: conn, listener: l}
	c.room.L = &c.mu
	if plain, ok := conn.(*net.TCPConn); ok {
		c.raw, _ = plain.SyscallConn()
		c.onReady, c.onWritable = c.readReady, c.writeReady
	}
	return c
}

// Read implements [net.Conn] for the library.
func (c *connection) Read(p []byte) (int, error) {
	for c.passing == 0 {
		if err := c.advance(); err != nil {
			return 0, err
		}
	}
	p = p[:min(len(p), c.passing)]
	if len(c.in) == 0 {
		c.releaseScratch()
		n, err := c.read(p)
		c.passing -= n
		return n, err
	}
	n := copy(p, c.in)
	c.consume(n)
	c.passing -= n
	return n, nil
}

// advance does one step towards the next packet for the library: it deals with
// a packet for the express way, or reads.
func (c *connection) advance() error {
	if c.failed.Load() {
		return net.ErrClosed
	}
	size, known := packetSize(c.in)
	switch {
	case !known:
		return c.fill(0)
	case c.express == nil && size > greetingSize:
		return fmt.Errorf("packet of %d bytes before the login", size)
	case c.express == nil || c.in[0]>>4 != typePublish || size > maxPacket:
		return c.pass(size)
	case len(c.in) < size:
		return c.fill(size)
	}
	m, topic, ok := c.express.takes(c.in[:size])
	if !ok {
		return c.pass(size)
	}
	c.express.add(m, topic, c.heard)
	c.consume(size)
	return nil
}

// pass lets the library have the next packet.
func (c *connection) pass(size int) error {
	c.submit()
	if c.in[0]>>4 != typePingreq {
		c.awaitSettled()
	}
	if c.failed.Load() {
		return net.ErrClosed
	}
	c.passing = size
	if size > maxPacket {
		return nil // the library will not read it
	}
	return c.allow(size)
}

// fill waits for more bytes, of a packet of the given size if that is known.
func (c *connection) fill(size int) error {
	c.submit()
	if len(c.in) == 0 {
		c.releaseBuffers()
		n, err := c.read(nil)
		if err != nil {
			return err
		}
		c.in = c.scratch[:n]
		return nil
	}
	if want := max(size, 64); !c.own || cap(c.in) < want {
		if err := c.allow(size); err != nil {
			return err
		}
		in := append(make([]byte, 0, want), c.in...)
		c.releaseScratch()
		c.in, c.own = in, true
	}
	n, err := c.read(c.in[len(c.in):cap(c.in)])
	c.in = c.in[:len(c.in)+n]
	return err
}

// consume lets go of the first n bytes of in.
func (c *connection) consume(n int) {
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = c.in[:0:0]
	}
}

func (c *connection) submit() {
	if c.express != nil {
		c.express.submit()
	}
}

// allow waits until there is memory for a packet of the given size.
func (c *connection) allow(size int) error {
	c.disallow()
	if size <= smallPacket {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), packetTime)
	defer cancel()
	memory := int64(largeCopies * size)
	if err := c.listener.large.Acquire(ctx, memory); err != nil {
		return fmt.Errorf("wait for the memory of a packet of %d bytes: %w", size, err)
	}
	c.large, c.largeAt = memory, time.Now()
	return nil
}

func (c *connection) disallow() {
	if c.large > 0 {
		c.listener.large.Release(c.large)
		c.large = 0
	}
}

func (c *connection) releaseScratch() {
	if c.scratch != nil {
		c.listener.scratch.Put(c.scratch)
		c.scratch = nil
	}
}

func (c *connection) releaseBuffers() {
	c.in, c.own = nil, false
	c.releaseScratch()
	c.disallow()
}

// end gives back what the connection holds. Nobody reads from it any more.
func (c *connection) end() {
	c.submit()
	c.awaitSettled()
	c.releaseBuffers()
	c.endWriting()
}

// SetDeadline implements [net.Conn] for the library: until when the client has
// to send something. Writing has its own limit.
func (c *connection) SetDeadline(t time.Time) error {
	c.heard, c.idle = time.Now(), 0
	if !t.IsZero() {
		c.idle = t.Sub(c.heard)
	}
	return nil
}

// due is when the client must have sent more; zero: it need not.
func (c *connection) due() time.Time {
	var due time.Time
	if c.idle > 0 {
		due = c.heard.Add(c.idle)
	}
	if c.large > 0 {
		if arrived := c.largeAt.Add(packetTime); due.IsZero() || arrived.Before(due) {
			due = arrived
		}
	}
	return due
}

// read reads into p, or into a scratch buffer when p is nil.
func (c *connection) read(p []byte) (int, error) {
	c.heard = time.Now() // we may have kept it waiting
	for {
		due := c.due()
		if c.armed.IsZero() != due.IsZero() || c.armed.After(due) {
			c.arm(due)
		}
		n, err := c.readOnce(p)
		if err == nil {
			c.heard = time.Now()
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || c.listener.hurried.Load() != nil ||
			!due.IsZero() && !time.Now().Before(due) {
			return n, err
		}
		c.arm(due)
	}
}

func (c *connection) arm(due time.Time) {
	c.armed = due
	_ = c.SetReadDeadline(due)
	if until := c.listener.hurried.Load(); until != nil {
		_ = c.SetReadDeadline(*until)
	}
}

// hurry bounds all that is left to be done. Others than the reader call it.
func (c *connection) hurry(until time.Time) { _ = c.Conn.SetDeadline(until) }

func (c *connection) readOnce(p []byte) (int, error) {
	if c.raw == nil {
		if p == nil {
			p = c.takeScratch()
		}
		return c.Conn.Read(p)
	}
	c.target, c.n, c.err = p, 0, nil
	if err := c.raw.Read(c.onReady); err != nil {
		return 0, err
	}
	return c.n, c.err
}

func (c *connection) takeScratch() []byte {
	if c.scratch == nil {
		c.scratch = c.listener.scratch.Get().(*[scratchSize]byte)
	}
	return c.scratch[:]
}

// readReady reads when there may be something to read; false: there was not. A
// connection that waits here holds no buffer.
func (c *connection) readReady(fd uintptr) bool {
	p := c.target
	if p == nil {
		p = c.takeScratch()
	}
	n, err := readNow(fd, p)
	if err == syscall.EAGAIN {
		if c.target == nil {
			c.releaseScratch()
		}
		return false
	}
	c.n, c.err = n, err
	return true
}

// closeNow closes the socket without a TLS goodbye, which might wait.
func (c *connection) closeNow() {
	if encrypted, ok := c.Conn.(*tls.Conn); ok {
		_ = encrypted.NetConn().Close()
		return
	}
	_ = c.Conn.Close()
}
