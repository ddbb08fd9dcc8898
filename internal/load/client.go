package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// drainTime bounds the wait for acknowledgements after the last message.
const drainTime = 30 * time.Second

// client is one connection. It publishes for its share of the devices.
type client struct {
	conn    net.Conn
	opts    *Options
	index   int
	topics  []string
	breach  []bool // of topics: this device breaches half-way
	latency histogram

	slots chan uint16    // free packet identifiers: the window
	sent  []atomic.Int64 // unix ns of the PUBLISH, by packet identifier
}

func newClient(conn net.Conn, opts *Options, index int) *client {
	c := &client{conn: conn, opts: opts, index: index}
	for d := index; d < opts.Devices; d += opts.Connections {
		c.topics = append(c.topics, "telltale/"+fmt.Sprintf(opts.DeviceID, d)+"/telemetry")
		c.breach = append(c.breach, opts.BreachEvery > 0 && d%opts.BreachEvery == 0)
	}
	if len(c.topics) == 0 { // more connections than devices: share one
		c.topics = []string{"telltale/" + fmt.Sprintf(opts.DeviceID, index%opts.Devices) + "/telemetry"}
		c.breach = []bool{false}
	}
	c.slots = make(chan uint16, opts.Window)
	c.sent = make([]atomic.Int64, opts.Window+1)
	for id := 1; id <= opts.Window; id++ {
		c.slots <- uint16(id)
	}
	return c
}

// run publishes until ctx ends and returns when all is acknowledged.
func (c *client) run(ctx context.Context, sent *atomic.Int64, started time.Time) error {
	acked := make(chan error, 1)
	go func() { acked <- c.readAcks() }()

	err := c.publishAll(ctx, sent, started)
	_ = c.conn.SetReadDeadline(time.Now().Add(drainTime))
	for range c.opts.Window { // every identifier back: nothing is under way
		select {
		case <-c.slots:
		case ackErr := <-acked:
			return errors.Join(err, ackErr)
		}
	}
	_ = c.conn.SetReadDeadline(time.Now())
	if ackErr := <-acked; !errors.Is(ackErr, errDeadline) {
		err = errors.Join(err, ackErr)
	}
	return err
}

// errDeadline is what reading ends with when everything came back.
var errDeadline = errors.New("load: reading ended")

func (c *client) readAcks() error {
	r := bufio.NewReaderSize(c.conn, 4096)
	for {
		id, err := readPuback(r)
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return errDeadline
			}
			return err
		}
		if id == 0 || int(id) > c.opts.Window {
			return fmt.Errorf("PUBACK for packet %d, which was not sent", id)
		}
		c.latency.observe(time.Duration(time.Now().UnixNano() - c.sent[id].Load()))
		c.slots <- id
	}
}

func (c *client) publishAll(ctx context.Context, sent *atomic.Int64, started time.Time) error {
	pace := c.pace(started)
	var packet, payload []byte
	for n := 0; ; n++ {
		if !pace(ctx, n) {
			return nil
		}
		var id uint16
		select {
		case id = <-c.slots:
		case <-ctx.Done():
			return nil
		}
		now := time.Now()
		device := n % len(c.topics)
		payload = c.payload(payload[:0], now, n, device, now.Sub(started))
		packet = appendPublish(packet[:0], c.topics[device], id, payload)
		c.sent[id].Store(now.UnixNano())
		if _, err := c.conn.Write(packet); err != nil {
			c.slots <- id
			return fmt.Errorf("publish: %w", err)
		}
		sent.Add(1)
	}
}

// pace returns what waits for the n-th message's time and reports whether
// there is one.
func (c *client) pace(started time.Time) func(ctx context.Context, n int) bool {
	if c.opts.Rate == 0 {
		return func(ctx context.Context, _ int) bool { return ctx.Err() == nil }
	}
	gap := time.Duration(c.opts.Connections) * time.Second / time.Duration(c.opts.Rate)
	first := started.Add(gap * time.Duration(c.index) / time.Duration(c.opts.Connections))
	return func(ctx context.Context, n int) bool {
		wait := time.Until(first.Add(time.Duration(n) * gap))
		if wait <= 0 {
			return ctx.Err() == nil
		}
		select {
		case <-time.After(wait):
			return true
		case <-ctx.Done():
			return false
		}
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
