package tracing

import (
	"context"
	"crypto/sha256"
	"strconv"

	"go.opentelemetry.io/otel/trace"

	"telltale/tickets/outbox"
)

// derived is the SDK's source of ids: the ids are those that the context says.
type derived struct{}

type idsKey struct{}

// withIDs returns a context whose next span gets these ids.
func withIDs(ctx context.Context, ids trace.SpanContext) context.Context {
	return context.WithValue(ctx, idsKey{}, ids)
}

// NewIDs returns the ids of a root.
func (derived) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	ids, _ := ctx.Value(idsKey{}).(trace.SpanContext)
	return ids.TraceID(), ids.SpanID()
}

// NewSpanID returns the id of a span below another.
func (derived) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	ids, _ := ctx.Value(idsKey{}).(trace.SpanContext)
	return ids.SpanID()
}

// idsOf returns the ids of a stage on the way of the message with a trace.
func idsOf(message, stage string) trace.SpanContext {
	sum := sha256.Sum256([]byte("telltale stage\x00" + message + "\x00" + stage))
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID(message), SpanID: trace.SpanID(sum[:8]), TraceFlags: trace.FlagsSampled,
	})
}

// idsOfEvent returns the ids that the event's traceparent names.
func idsOfEvent(e *outbox.Event) trace.SpanContext {
	span, err := trace.SpanIDFromHex(e.SpanID())
	if err != nil {
		panic("tracing: the outbox derived no span id: " + err.Error())
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID(e.Trace), SpanID: span, TraceFlags: trace.FlagsSampled})
}

// idsOfAttempt returns the ids of one attempt to deliver an event.
func idsOfAttempt(d *outbox.Delivery) trace.SpanContext {
	return idsOf(d.Event.Trace, d.Event.ID+"\x00"+d.Destination+"\x00"+strconv.Itoa(d.Attempts))
}

func traceID(message string) trace.TraceID {
	id, err := trace.TraceIDFromHex(outbox.TraceID(message))
	if err != nil {
		panic("tracing: the outbox derived no trace id: " + err.Error())
	}
	return id
}
