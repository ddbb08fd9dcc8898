package load

import (
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	// drainTime bounds the wait for acknowledgements after the last message.
	drainTime = 30 * time.Second

	// writeBytes is how much is written at once.
	writeBytes = 16 << 10
)

// client is one connection. It publishes for its share of the devices, in two
// goroutines: whoever finds that a message is due and fits into the window
// writes it. Its own goroutine reads acknowledgements and makes room.
type client struct {
	conn   net.Conn
	opts   *Options
	index  int
	topics []string
	breach []time.Duration // of topics: when after start the device goes too warm; 0: never
	start  time.Time
	seen   *measured

	in   [256]byte // read and not dealt with
	held int       // bytes of it

	mu      sync.Mutex
	due     int         // messages that should have been written by now
	n       int         // messages written
	free    []uint16    // packet identifiers not in use: the window
	sent    []time.Time // when the PUBLISH was due, by packet identifier; zero: not under way
	wrote   []time.Time // when what is written at once was due
	pending []byte      // memory for what is written at once
	ending  bool        // nothing more will be due
}

func newClient(conn net.Conn, opts *Options, index int, seen *measured) *client {
	c := &client{conn: conn, opts: opts, index: index, seen: seen}
	for d := index; d < opts.Devices; d += opts.Connections {
		c.topics = append(c.topics, "telltale/"+fmt.Sprintf(opts.DeviceID, d)+"/telemetry")
		c.breach = append(c.breach, opts.breachAfter(d))
	}
	if len(c.topics) == 0 { // more connections than devices: share one
		c.topics = []string{"telltale/" + fmt.Sprintf(opts.DeviceID, index%opts.Devices) + "/telemetry"}
		c.breach = []time.Duration{0}
	}
	c.sent = make([]time.Time, opts.Window+1)
	for id := opts.Window; id >= 1; id-- {
		c.free = append(c.free, uint16(id))
	}
	return c
}

// run reads acknowledgements until the end, and returns when all that was due is
// acknowledged.
func (c *client) run() error {
	for !c.finished() {
		n, err := c.conn.Read(c.in[c.held:])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if c.finished() {
				return nil
			}
			return fmt.Errorf("%d messages not acknowledged after %s", c.open(), drainTime)
		case err != nil:
			return fmt.Errorf("read PUBACK: %w", err)
		}
		if err := c.acknowledged(c.held + n); err != nil {
			return err
		}
	}
	return nil
}

// acknowledged deals with the first n bytes of in, and writes what there is
// room for now.
func (c *client) acknowledged(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var due [len(c.in) / pubackSize]time.Time
	acks, now := 0, time.Now()
	p := c.in[:n]
	for ; len(p) >= pubackSize; p = p[pubackSize:] {
		id, err := parsePuback(p)
		if err != nil {
			return err
		}
		if id == 0 || int(id) > c.opts.Window || c.sent[id].IsZero() {
			return fmt.Errorf("PUBACK for packet %d, which is not under way", id)
		}
		due[acks] = c.sent[id]
		acks++
		c.sent[id] = time.Time{}
		c.free = append(c.free, id)
	}
	c.held = copy(c.in[:], p)
	c.seen.acknowledged(due[:acks], now)
	return c.publish()
}

// owe makes n more messages due and writes what fits into the window.
func (c *client) owe(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due += n
	return c.publish()
}

// end says that nothing more will be due. What is due already will be written,
// unless everything is due as soon as there is room.
func (c *client) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending = true
	if c.opts.Rate == 0 {
		c.due = c.n
	}
	wait := drainTime
	if c.settled() {
		wait = 0
	}
	return c.conn.SetReadDeadline(time.Now().Add(wait))
}

// settled reports whether nothing is left to be written or acknowledged. c.mu
// must be held.
func (c *client) settled() bool { return c.n == c.due && len(c.free) == c.opts.Window }

func (c *client) finished() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending && c.settled()
}

// open is how many messages are under way or still to be written.
func (c *client) open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.due - c.n + c.opts.Window - len(c.free)
}

// publish writes what is due and fits into the window. c.mu must be held.
func (c *client) publish() error {
	for c.due > c.n && len(c.free) > 0 {
		if err := c.write(min(c.due-c.n, len(c.free))); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

// write writes at most n messages, as many as one write holds.
func (c *client) write(n int) error {
	now := time.Now()
	var payload [128]byte
	c.pending, c.wrote = c.pending[:0], c.wrote[:0]
	for ; n > 0 && len(c.pending) < writeBytes; n-- {
		id := c.free[len(c.free)-1]
		c.free = c.free[:len(c.free)-1]
		due := c.dueAt(now)
		device := c.n % len(c.topics)
		c.pending = appendPublish(c.pending, c.topics[device], id, c.payload(payload[:0], due, device))
		c.sent[id] = due
		c.wrote = append(c.wrote, due)
		c.n++
	}
	c.seen.wrote(c.wrote, now)
	_, err := c.conn.Write(c.pending)
	return err
}

// dueAt returns when the next message is due to be written, by the rate alone:
// what holds it up, here or at the broker, is a part of what it takes. Without
// a rate that is now.
func (c *client) dueAt(now time.Time) time.Time {
	if c.opts.Rate == 0 {
		return now
	}
	return c.start.Add(dueAfter(c.index+c.n*c.opts.Connections, c.opts.Rate))
}

// breachTime is how long a device is too warm.
const breachTime = 2 * time.Second

// payload appends a native report of about 85 bytes.
func (c *client) payload(dst []byte, at time.Time, device int) []byte {
	temperature := 3.0 + float64(c.n%30)/10
	if after := at.Sub(c.start) - c.breach[device]; c.breach[device] > 0 && after >= 0 && after < breachTime {
		temperature = 11.5
	}
	dst = append(dst, `{"ts":`...)
	dst = strconv.AppendInt(dst, at.UnixMilli(), 10)
	dst = append(dst, `,"values":{"temperature":`...)
	dst = strconv.AppendFloat(dst, temperature, 'f', 1, 64)
	dst = append(dst, `,"door_open":false,"compressor_w":`...)
	dst = strconv.AppendInt(dst, int64(80+c.n%40), 10)
	return append(dst, `}}`...)
}

// everything is due at once when there is no rate.
const everything = math.MaxInt
