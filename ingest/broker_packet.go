package ingest

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// The MQTT control packets that the express ways, from clients and from an
// external broker, need to know, by the upper half of their first byte
// [MQTT-2.1.2].
const (
	typePublish = 3
	typePingreq = 12
)

// publish is a PUBLISH that carries nothing but a topic and a payload. Both lie
// in the memory that was parsed.
type publish struct {
	topic   []byte
	payload []byte
	id      uint16 // 0: QoS 0
	retain  bool
}

// qos returns the quality of service that the message was sent with.
func (m publish) qos() byte {
	if m.id == 0 {
		return 0
	}
	return 1
}

// packetSize returns the size of the packet that p begins with; ok is false
// when p is too short to tell. A length that MQTT does not allow is passed off
// as a packet of what makes it wrong, for the library to refuse.
func packetSize(p []byte) (size int, ok bool) {
	const longest = 4 // bytes of a remaining length [MQTT-2.2.3]
	length := 0
	for i := 1; i < len(p) && i <= longest; i++ {
		length |= int(p[i]&0x7f) << (7 * (i - 1))
		if p[i]&0x80 == 0 {
			return 1 + i + length, true
		}
	}
	return 1 + longest, len(p) > longest
}

// parsePublish parses a whole packet, its size known. It returns false for
// whatever is not a plain PUBLISH with QoS 0 or 1 by the letter of the
// standard; the library knows what to do about that. MQTT 5 properties are not
// plain.
func parsePublish(p []byte, version byte) (m publish, ok bool) {
	const qosDup = 0x0e // bits of the first byte
	switch p[0] & qosDup {
	case 0x00, 0x02, 0x0a: // QoS 0; QoS 1; QoS 1, sent again
	default:
		return m, false
	}
	m.retain = p[0]&1 != 0
	body := p[1:]
	for len(body) > 0 && body[0]&0x80 != 0 {
		body = body[1:]
	}
	if len(body) == 0 {
		return m, false // a length that MQTT does not allow
	}
	body = body[1:]

	if len(body) < 2 {
		return m, false
	}
	n := int(binary.BigEndian.Uint16(body))
	if body = body[2:]; len(body) < n {
		return m, false
	}
	if m.topic, body = body[:n], body[n:]; !validTopic(m.topic) {
		return m, false
	}
	if p[0]&qosDup != 0 {
		if len(body) < 2 {
			return m, false
		}
		m.id, body = binary.BigEndian.Uint16(body), body[2:]
		if m.id == 0 { // [MQTT-2.2.1-3]
			return m, false
		}
	}
	if version >= 5 {
		if len(body) == 0 || body[0] != 0 { // the length of the properties
			return m, false
		}
		body = body[1:]
	}
	m.payload = body
	return m, true
}

// validTopic reports whether a topic is the name of one [MQTT-3.3.2-2]
// [MQTT-4.7.3-1] [MQTT-1.5.4-2].
func validTopic(topic []byte) bool {
	return len(topic) > 0 && !bytes.ContainsAny(topic, "+#\x00") && utf8.Valid(topic)
}

// appendPuback appends the acknowledgement of a message. With nothing to
// explain it is the same in all versions [MQTT-3.4.2.1].
func appendPuback(dst []byte, id uint16) []byte {
	return append(dst, 0x40, 2, byte(id>>8), byte(id))
}
