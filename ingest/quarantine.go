package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"telltale/devices"
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
		HistoryRefused,
	}
}

// Quarantined is a message that was refused, whole, with the reason. Of a
// message that is TooLarge only the beginning is kept.
type Quarantined struct {
	ID         string // content hash: the same message refused twice is one entry with a count
	Reason     Reason
	Detail     string // a sentence that names field, device or limit
	Topic      string
	Source     string // name of the source that claims the topic; "" none
	ClientID   string
	Payload    []byte
	ReceivedAt time.Time
	Retained   bool // it came out of a broker's memory, see [Message]

	// Devices are those that the reason is about, in the message's order; of a
	// message that could not be decoded its sender, nil where nothing tells.
	Devices []devices.ID

	// ObservedAt is the clock of the first of those devices; zero when its
	// report says no time.
	ObservedAt time.Time
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

// The encoding of a list of refusals is one byte, the schema, and the entries
// one after the other. An entry is ReceivedAt in microseconds (varint), six
// texts, each with its length (uvarint) before it, and since schema 2 a byte of
// flags, ObservedAt if flagged, the source and the number of devices (uvarint)
// with their ids. Records of schema 1 may lie in a log that was written before
// an update.
const (
	quarantineSchema    = 2
	quarantineSchemaOne = 1

	flagRetained   = 1 << 0
	flagObservedAt = 1 << 1
)

var errCorruptQuarantine = errors.New("corrupt quarantine record")

func appendQuarantined(dst []byte, q *Quarantined) []byte {
	dst = binary.AppendVarint(dst, q.ReceivedAt.UnixMicro())
	for _, s := range []string{q.ID, string(q.Reason), q.Detail, q.Topic, q.ClientID} {
		dst = appendString(dst, s)
	}
	dst = binary.AppendUvarint(dst, uint64(len(q.Payload)))
	dst = append(dst, q.Payload...)

	var flags byte
	if q.Retained {
		flags |= flagRetained
	}
	if !q.ObservedAt.IsZero() {
		flags |= flagObservedAt
	}
	dst = append(dst, flags)
	if flags&flagObservedAt != 0 {
		dst = binary.AppendVarint(dst, q.ObservedAt.UnixMicro())
	}
	dst = appendString(dst, q.Source)
	dst = binary.AppendUvarint(dst, uint64(len(q.Devices)))
	for _, id := range q.Devices {
		dst = appendString(dst, string(id))
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// DecodeQuarantined decodes one record of the log's quarantine, see
// [stream.QuarantineReader]. The entries are the caller's; their payloads
// share the memory of record.
func DecodeQuarantined(record []byte) ([]Quarantined, error) {
	if len(record) == 0 || record[0] != quarantineSchema && record[0] != quarantineSchemaOne {
		return nil, fmt.Errorf("decode quarantine: %w: unknown schema", errCorruptQuarantine)
	}
	var list []Quarantined
	for r := (quarantineReader{p: record[1:]}); len(r.p) > 0; {
		q := r.entry(record[0])
		if r.corrupt {
			return nil, fmt.Errorf("decode quarantine: entry %d: %w", len(list), errCorruptQuarantine)
		}
		list = append(list, q)
	}
	return list, nil
}

// quarantineReader takes a record apart. Once it is corrupt, everything that
// it returns is zero.
type quarantineReader struct {
	p       []byte
	corrupt bool
}

func (r *quarantineReader) entry(schema byte) Quarantined {
	q := Quarantined{
		ReceivedAt: r.time(), ID: r.text(), Reason: Reason(r.text()), Detail: r.text(), Topic: r.text(),
		ClientID: r.text(), Payload: r.bytes(),
	}
	if schema == quarantineSchemaOne {
		return q
	}
	flags := r.byte()
	q.Retained = flags&flagRetained != 0
	if flags&flagObservedAt != 0 {
		q.ObservedAt = r.time()
	}
	q.Source = r.text()
	for n := r.uvarint(); n > 0 && !r.corrupt; n-- {
		q.Devices = append(q.Devices, devices.ID(r.text()))
	}
	return q
}

func (r *quarantineReader) byte() byte {
	if len(r.p) == 0 {
		r.fail()
		return 0
	}
	b := r.p[0]
	r.p = r.p[1:]
	return b
}

func (r *quarantineReader) time() time.Time {
	at, n := binary.Varint(r.p)
	if n <= 0 {
		r.fail()
		return time.Time{}
	}
	r.p = r.p[n:]
	return time.UnixMicro(at).UTC()
}

func (r *quarantineReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.p)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.p = r.p[n:]
	return v
}

func (r *quarantineReader) bytes() []byte {
	size := r.uvarint()
	if r.corrupt || size > uint64(len(r.p)) {
		r.fail()
		return nil
	}
	b := r.p[:size:size]
	r.p = r.p[size:]
	return b
}

func (r *quarantineReader) text() string { return string(r.bytes()) }

func (r *quarantineReader) fail() { r.p, r.corrupt = nil, true }
