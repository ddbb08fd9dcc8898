package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MQTT 3.1.1 control packet types, in the upper half of the first byte.
const (
	packetConnack = 0x20
	packetPublish = 0x30
	packetPuback  = 0x40

	qos1 = 0x02
)

// appendConnect appends a CONNECT with a clean session and no keep-alive.
func appendConnect(dst []byte, clientID, username, password string) []byte {
	flags := byte(0x02) // clean session
	length := 10 + 2 + len(clientID)
	if username != "" {
		flags |= 0xC0 // user name and password
		length += 2 + len(username) + 2 + len(password)
	}
	dst = append(dst, 0x10)
	dst = appendLength(dst, length)
	dst = appendString(dst, "MQTT")
	dst = append(dst, 4, flags, 0, 0)
	dst = appendString(dst, clientID)
	if username != "" {
		dst = appendString(dst, username)
		dst = appendString(dst, password)
	}
	return dst
}

// appendPublish appends a QoS 1 PUBLISH.
func appendPublish(dst []byte, topic string, id uint16, payload []byte) []byte {
	dst = append(dst, packetPublish|qos1)
	dst = appendLength(dst, 2+len(topic)+2+len(payload))
	dst = appendString(dst, topic)
	dst = binary.BigEndian.AppendUint16(dst, id)
	return append(dst, payload...)
}

func appendString(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

// appendLength appends a remaining length [MQTT-2.2.3].
func appendLength(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

// errRefused says that the broker did not accept the connection.
var errRefused = errors.New("load: connection refused by the broker")

// readConnack reads the answer to a CONNECT.
func readConnack(r io.Reader) error {
	var packet [4]byte
	if _, err := io.ReadFull(r, packet[:]); err != nil {
		return fmt.Errorf("read CONNACK: %w", err)
	}
	if packet[0] != packetConnack || packet[3] != 0 {
		return fmt.Errorf("%w: return code %d", errRefused, packet[3])
	}
	return nil
}

const pubackSize = 4

// parsePuback returns the packet identifier of the PUBACK that p begins with.
func parsePuback(p []byte) (uint16, error) {
	if p[0] != packetPuback || p[1] != pubackSize-2 {
		return 0, fmt.Errorf("read PUBACK: got packet type %#x of length %d", p[0], p[1])
	}
	return binary.BigEndian.Uint16(p[2:]), nil
}
