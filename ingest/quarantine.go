package ingest

import "time"

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
)

// Reasons lists all of them in the order people read them.
func Reasons() []Reason {
	return []Reason{Malformed, UnknownDevice, UnknownTopic, ImpossibleTime, ImpossibleValue, TooLarge}
}

// Quarantined is a message that was refused, whole, with the reason.
type Quarantined struct {
	ID         string // content hash: the same message refused twice is one entry with a count
	Reason     Reason
	Detail     string // a sentence that names field, device or limit
	Topic      string
	ClientID   string
	Payload    []byte
	ReceivedAt time.Time
}
