package ingest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// client is a bare MQTT 3.1.1 client. It sends what it is told and returns
// what it gets, so that tests see each acknowledgement, and its absence.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	buf  []byte
}

// visitor is what a client presents.
type visitor struct {
	id, username, password string
	willTopic, will        string
	keep                   bool // the session after its end
}

const (
	packetConnack  = 2
	packetPublish  = 3
	packetPuback   = 4
	packetSuback   = 9
	packetPingresp = 13
)

func dial(addr net.Addr, v visitor) (*client, error) {
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		return nil, err
	}
	return connectOver(conn, v)
}

func connectOver(conn net.Conn, v visitor) (*client, error) {
	c := &client{conn: conn, r: bufio.NewReader(conn)}
	if err := c.connect(v); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

func (c *client) connect(v visitor) error {
	var flags byte
	body := appendText(nil, v.id)
	if !v.keep {
		flags |= 1 << 1
	}
	if v.willTopic != "" {
		flags |= 1<<2 | 1<<3 | 1<<5 // QoS 1, retained
		body = appendText(appendText(body, v.willTopic), v.will)
	}
	if v.username != "" {
		flags |= 1<<7 | 1<<6
		body = appendText(appendText(body, v.username), v.password)
	}
	head := append(appendText(nil, "MQTT"), 4, flags, 0, 60)
	if err := c.send(0x10, append(head, body...)); err != nil {
		return err
	}
	kind, p, err := c.read()
	if err != nil {
		return err
	}
	if kind != packetConnack || p[1] != 0 {
		return fmt.Errorf("connection refused with code %d", p[1])
	}
	return nil
}

func appendText(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

func (c *client) send(head byte, body []byte) error {
	c.buf = append(c.buf[:0], head)
	n := len(body)
	for ; n >= 128; n >>= 7 {
		c.buf = append(c.buf, byte(n)|128)
	}
	c.buf = append(append(c.buf, byte(n)), body...)
	_, err := c.conn.Write(c.buf)
	return err
}

// publish sends a message; id 0 is QoS 0.
func (c *client) publish(topic, payload string, id uint16) error {
	head := byte(packetPublish << 4)
	body := appendText(nil, topic)
	if id != 0 {
		head |= 1 << 1
		body = binary.BigEndian.AppendUint16(body, id)
	}
	return c.send(head, append(body, payload...))
}

func (c *client) subscribe(filter string) error {
	return c.send(0x82, append(appendText([]byte{0, 1}, filter), 1))
}

// read returns the next packet.
func (c *client) read() (kind byte, body []byte, err error) {
	head, err := c.r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(c.r) // MQTT's lengths are the same
	if err != nil {
		return 0, nil, err
	}
	body = make([]byte, n)
	_, err = io.ReadFull(c.r, body)
	return head >> 4, body, err
}

// publishAcked publishes with QoS 1 and waits for the acknowledgement.
func (c *client) publishAcked(topic, payload string, id uint16) error {
	if err := c.publish(topic, payload, id); err != nil {
		return err
	}
	for {
		kind, body, err := c.read()
		if err != nil {
			return err
		}
		if kind == packetPuback && binary.BigEndian.Uint16(body) == id {
			return nil
		}
	}
}

// close breaks the connection off, without a goodbye: a last will is sent.
func (c *client) close() { _ = c.conn.Close() }

func mustDial(t testing.TB, b *Broker, v visitor) *client {
	t.Helper()
	c, err := dial(b.Addr(), v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// expectNothing fails when a packet comes within a while.
func (c *client) expectNothing(t testing.TB, while time.Duration) {
	t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(while))
	defer func() { _ = c.conn.SetReadDeadline(time.Time{}) }()
	kind, _, err := c.read()
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got packet %d (%v), want none", kind, err)
	}
}
