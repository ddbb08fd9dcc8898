package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Reason says why a message, or a part of it, was put into quarantine.
type Reason string

// Reasons, a closed list.
const (
	Malformed       Reason = "malformed"        // cannot be decoded
	UnknownDevice   Reason = "unknown_device"   // decoded, but not declared
	UnknownTopic    Reason = "unknown_topic"    // no source claims the topic
	ImpossibleTime  Reason = "impossible_time"  // before 2000 or in the future
	ImpossibleValue Reason = "impossible_value" // outside the metric's believable range
	TooLarge        Reason = "too_large"        // above the payload limit
	Unborn          Reason = "unborn"           // data of a Sparkplug node before its birth says what they are
	RateLimited     Reason = "rate_limited"     // the device sends more than its share
	ScriptFailed    Reason = "script_failed"    // its model's payload script threw, or took too long
)

// Reasons lists all of them in the order people read them.
func Reasons() []Reason {
	return []Reason{
		Malformed, UnknownDevice, UnknownTopic, ImpossibleTime, ImpossibleValue, TooLarge, Unborn, RateLimited, ScriptFailed,
	}
}

// Quarantined is a message that was refused, whole, with the reason. Of a
// message that is TooLarge only the beginning is kept.
type Quarantined struct {
	ID         string // content hash: the same message refused twice is one entry with a count
	Reason     Reason
	Detail     string // a sentence that names field, device or limit
	Topic      string
	ClientID   string
	Payload    []byte
	ReceivedAt time.Time
}

// quarantinedID hashes what makes two refusals the same one.
func quarantinedID(reason Reason, topic string, payload []byte) string {
	h := sha256.New()
	var n [4]byte
	for _, part := range [][]byte{[]byte(reason), []byte(topic), payload} {
		binary.LittleEndian.PutUint32(n[:], uint32(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// quarantineSchema is the first byte of an encoded list of refusals. After it
// each entry is ReceivedAt in microseconds (varint) and six texts, each with
// its length (uvarint) before it.
const quarantineSchema = 1

var errCorruptQuarantine = errors.New("corrupt quarantine record")

func appendQuarantined(dst []byte, q *Quarantined) []byte {
	dst = binary.AppendVarint(dst, q.ReceivedAt.UnixMicro())
	for _, s := range []string{q.ID, string(q.Reason), q.Detail, q.Topic, q.ClientID} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(q.Payload)))
	return append(dst, q.Payload...)
}

// DecodeQuarantined decodes one record of the log's quarantine, see
// [stream.QuarantineReader]. The entries are the caller's; their payloads
// share the memory of record.
func DecodeQuarantined(record []byte) ([]Quarantined, error) {
	if len(record) == 0 || record[0] != quarantineSchema {
		return nil, fmt.Errorf("decode quarantine: %w: unknown schema", errCorruptQuarantine)
	}
	var list []Quarantined
	for p := record[1:]; len(p) > 0; {
		var q Quarantined
		var err error
		if q, p, err = decodeOne(p); err != nil {
			return nil, fmt.Errorf("decode quarantine: entry %d: %w", len(list), err)
		}
		list = append(list, q)
	}
	return list, nil
}

func decodeOne(p []byte) (q Quarantined, rest []byte, err error) {
	at, n := binary.Varint(p)
	if n <= 0 {
		return q, nil, errCorruptQuarantine
	}
	p = p[n:]
	var texts [6][]byte
	for i := range texts {
		size, n := binary.Uvarint(p)
		if n <= 0 || size > uint64(len(p)-n) {
			return q, nil, errCorruptQuarantine
		}
		texts[i], p = p[n:n+int(size):n+int(size)], p[n+int(size):]
	}
	return Quarantined{
		ID: string(texts[0]), Reason: Reason(texts[1]), Detail: string(texts[2]), Topic: string(texts[3]),
		ClientID: string(texts[4]), Payload: texts[5], ReceivedAt: time.UnixMicro(at).UTC(),
	}, p, nil
}
