package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// drainTime bounds the wait for acknowledgements after the last message.
const drainTime = 30 * time.Second

// writeBytes is how much is written at once.
const writeBytes = 16 << 10

// client is one connection, driven by one goroutine: it writes what is due and
// fits into the window at once, then reads the acknowledgements that are there.
// It publishes for its share of the devices.
type client struct {
	conn    net.Conn
	r       *bufio.Reader
	opts    *Options
	index   int
	topics  []string
	breach  []bool // of topics: this device breaches half-way
	latency histogram

	free    []uint16    // packet identifiers not in use: the window
	sent    []time.Time // of the PUBLISH, by packet identifier
	n       int         // messages written
	pending []byte      // memory for what is written at once
	until   time.Time   // the read deadline
}

func newClient(conn net.Conn, opts *Options, index int) *client {
	c := &client{conn: conn, opts: opts, index: index, r: bufio.NewReaderSize(conn, 1024)}
	for d := index; d < opts.Devices; d += opts.Connections {
		c.topics = append(c.topics, "telltale/"+fmt.Sprintf(opts.DeviceID, d)+"/telemetry")
		c.breach = append(c.breach, opts.BreachEvery > 0 && d%opts.BreachEvery == 0)
	}
	if len(c.topics) == 0 { // more connections than devices: share one
		c.topics = []string{"telltale/" + fmt.Sprintf(opts.DeviceID, index%opts.Devices) + "/telemetry"}
		c.breach = []bool{false}
	}
	c.sent = make([]time.Time, opts.Window+1)
	for id := opts.Window; id >= 1; id-- {
		c.free = append(c.free, uint16(id))
	}
	return c
}

// run publishes until ctx ends and returns when all is acknowledged.
func (c *client) run(ctx context.Context, sent *atomic.Int64, started time.Time) error {
	pace := c.pace(started)
	for ctx.Err() == nil {
		due, next := pace(time.Now())
		if err := c.publish(min(due, len(c.free)), started); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if due > 0 && len(c.free) > 0 {
			continue // more than one write holds
		}
		if due > 0 { // the window is full
			next = started.Add(c.opts.Duration)
		}
		if err := c.readAcks(next); err != nil {
			return err
		}
	}
	sent.Add(int64(c.n))
	for deadline := time.Now().Add(drainTime); len(c.free) < c.opts.Window; {
		if err := c.readAcks(deadline); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d messages not acknowledged after %s", c.opts.Window-len(c.free), drainTime)
		}
	}
	return nil
}

// publish writes at most n messages, as many as one write holds.
func (c *client) publish(n int, started time.Time) error {
	if n == 0 {
		return nil
	}
	now := time.Now()
	var payload [128]byte
	c.pending = c.pending[:0]
	for ; n > 0 && len(c.pending) < writeBytes; n-- {
		id := c.free[len(c.free)-1]
		c.free = c.free[:len(c.free)-1]
		device := c.n % len(c.topics)
		body := c.payload(payload[:0], now, c.n, device, now.Sub(started))
		c.pending = appendPublish(c.pending, c.topics[device], id, body)
		c.sent[id] = now
		c.n++
	}
	_, err := c.conn.Write(c.pending)
	return err
}

// readAcks waits for an acknowledgement, until a time at most, and reads those
// that came with it.
func (c *client) readAcks(until time.Time) error {
	if !until.Equal(c.until) {
		c.until = until
		if err := c.conn.SetReadDeadline(until); err != nil {
			return err
		}
	}
	if _, err := c.r.Peek(pubackSize); errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read PUBACK: %w", err)
	}
	for now := time.Now(); c.r.Buffered() >= pubackSize; {
		id, err := readPuback(c.r)
		if err != nil {
			return err
		}
		if id == 0 || int(id) > c.opts.Window || c.sent[id].IsZero() {
			return fmt.Errorf("PUBACK for packet %d, which is not under way", id)
		}
		c.latency.observe(now.Sub(c.sent[id]))
		c.sent[id] = time.Time{}
		c.free = append(c.free, id)
	}
	return nil
}

// pace returns a function that says how many messages are due and when the
// next one is.
func (c *client) pace(started time.Time) func(now time.Time) (due int, next time.Time) {
	if c.opts.Rate == 0 {
		return func(time.Time) (int, time.Time) { return c.opts.Window, time.Time{} }
	}
	gap := time.Duration(c.opts.Connections) * time.Second / time.Duration(c.opts.Rate)
	first := started.Add(gap * time.Duration(c.index) / time.Duration(c.opts.Connections))
	return func(now time.Time) (int, time.Time) {
		if now.Before(first) {
			return 0, first
		}
		want := int(now.Sub(first)/gap) + 1
		return max(0, want-c.n), first.Add(time.Duration(max(want, c.n)) * gap)
	}
}

// payload appends a native report of about 85 bytes.
func (c *client) payload(dst []byte, now time.Time, n, device int, elapsed time.Duration) []byte {
	temperature := 3.0 + float64(n%30)/10
	if c.breach[device] && elapsed > c.opts.Duration/2 {
		temperature = 11.5
	}
	dst = append(dst, `{"ts":`...)
	dst = strconv.AppendInt(dst, now.UnixMilli(), 10)
	dst = append(dst, `,"values":{"temperature":`...)
	dst = strconv.AppendFloat(dst, temperature, 'f', 1, 64)
	dst = append(dst, `,"door_open":false,"compressor_w":`...)
	dst = strconv.AppendInt(dst, int64(80+n%40), 10)
	return append(dst, `}}`...)
}
