package faults

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// MQTT 3.1.1 control packet types.
const (
	packetConnect = 1
	packetConnack = 2
	packetPublish = 3
	packetPuback  = 4
)

// packet is one control packet, raw begins with its fixed header.
type packet struct {
	kind byte
	body []byte // behind the fixed header
	raw  []byte
}

// readPacket reads the next one.
func readPacket(r *bufio.Reader) (packet, error) {
	head, err := r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	n, err := binary.ReadUvarint(r) // MQTT's lengths are written the same way
	if err != nil {
		return packet{}, err
	}
	raw := binary.AppendUvarint([]byte{head}, n)
	header := len(raw)
	raw = append(raw, make([]byte, n)...)
	if _, err := io.ReadFull(r, raw[header:]); err != nil {
		return packet{}, err
	}
	return packet{kind: head >> 4, body: raw[header:], raw: raw}, nil
}

// publication returns topic, identifier and payload of a PUBLISH with QoS 1.
func (p packet) publication() (topic string, id uint16, payload []byte, ok bool) {
	if p.kind != packetPublish || p.raw[0]>>1&3 != 1 || len(p.body) < 4 {
		return "", 0, nil, false
	}
	n := int(binary.BigEndian.Uint16(p.body))
	if len(p.body) < 2+n+2 {
		return "", 0, nil, false
	}
	return string(p.body[2 : 2+n]), binary.BigEndian.Uint16(p.body[2+n:]), p.body[2+n+2:], true
}

// acknowledged returns the identifier in a PUBACK.
func (p packet) acknowledged() (id uint16, ok bool) {
	if p.kind != packetPuback || len(p.body) < 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(p.body), true
}

func appendText(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

func appendPacket(head byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{head}, uint64(len(body))), body...)
}

// connection is one of a device to a broker.
type connection struct {
	net.Conn
	r *bufio.Reader
}

// dialTime bounds connecting, and each write: a device has its own patience.
const dialTime = 10 * time.Second

// dial connects as an MQTT client with a clean session: a device that knows
// itself what was acknowledged needs no memory at the broker.
func dial(address, clientID string) (*connection, error) {
	// Devices have a loopback address of their own: a crowd of them must not
	// take the port of a server that is being started again.
	dialer := net.Dialer{Timeout: dialTime, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: conn, r: bufio.NewReaderSize(conn, 512)}
	if err := c.connect(clientID); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

func (c *connection) connect(clientID string) error {
	const cleanSession, keepAlive = 1 << 1, 60
	head := append(appendText(nil, "MQTT"), 4, cleanSession, 0, keepAlive)
	_ = c.SetDeadline(time.Now().Add(dialTime))
	if _, err := c.Write(appendPacket(packetConnect<<4, appendText(head, clientID))); err != nil {
		return fmt.Errorf("send CONNECT: %w", err)
	}
	answer, err := readPacket(c.r)
	if err != nil {
		return fmt.Errorf("read CONNACK: %w", err)
	}
	if answer.kind != packetConnack || len(answer.body) != 2 || answer.body[1] != 0 {
		return fmt.Errorf("connection refused: % x", answer.raw)
	}
	return c.SetDeadline(time.Time{})
}

// publish sends a message with QoS 1, marked when it is sent again.
func (c *connection) publish(topic string, payload []byte, id uint16, again bool) error {
	head := byte(packetPublish<<4 | 1<<1)
	if again {
		head |= 1 << 3 // DUP
	}
	body := binary.BigEndian.AppendUint16(appendText(nil, topic), id)
	_ = c.SetWriteDeadline(time.Now().Add(dialTime))
	_, err := c.Write(appendPacket(head, append(body, payload...)))
	return err
}

// acknowledgements sends the identifiers that come in to acks, until the
// connection ends; then it returns why.
func (c *connection) acknowledgements(acks chan<- uint16, done <-chan struct{}) error {
	for {
		p, err := readPacket(c.r)
		if err != nil {
			return err
		}
		id, ok := p.acknowledged()
		if !ok {
			return fmt.Errorf("unexpected packet % x", p.raw)
		}
		select {
		case acks <- id:
		case <-done:
			return errors.New("closed")
		}
	}
}
