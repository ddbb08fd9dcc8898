package outbox

import (
	"crypto/sha256"
	"encoding/hex"
)

// TraceID is the W3C Trace Context id of a position in the log, 32 digits in
// lower case. It is derived, so that every node and every replay has the same.
func TraceID(trace string) string {
	sum := sha256.Sum256([]byte("telltale trace\x00" + trace))
	return hex.EncodeToString(sum[:16])
}

// SpanID is the event as a span of the trace of the message that caused it, 16
// digits in lower case.
func (e *Event) SpanID() string {
	span := sha256.Sum256([]byte("telltale span\x00" + e.ID))
	return hex.EncodeToString(span[:8])
}

// traceParent is the event in the W3C header of that name: part of the trace
// of the message that caused it, itself the span that a receiver's work is
// below of. Empty when no message did.
func (e *Event) traceParent() string {
	if e.Trace == "" {
		return ""
	}
	const sampled = "01"
	return "00-" + TraceID(e.Trace) + "-" + e.SpanID() + "-" + sampled
}
