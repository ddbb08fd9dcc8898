package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"telltale/rules"
	"telltale/tickets/outbox"
)

// Decision is a message that led to something, with the times of its way and
// what it led to.
type Decision struct {
	Trace  string // place in the log, "p3/10293/17"
	Device string // "": no message decided, but the time that the log told

	ReceivedAt   time.Time // zero when Device is ""
	StoredAt     time.Time // the log's time
	DecidedAt    time.Time // the engine was past it
	CommittingAt time.Time // the transaction that succeeded began
	CommittedAt  time.Time

	Transitions []rules.Transition // of alarms
	Events      []outbox.Event     // announced in the transaction
}

// Decided makes the spans of a message up to the commit.
func (t *Tracer) Decided(d Decision) {
	if t == nil {
		return
	}
	began := d.ReceivedAt
	if d.Device == "" {
		began = d.StoredAt
	}
	root := idsOf(d.Trace, "message")
	about := []attribute.KeyValue{attribute.String("telltale.trace", d.Trace)}
	if d.Device != "" {
		about = append(about, attribute.String("telltale.device_id", d.Device))
		t.span(stretch{name: "store", ids: idsOf(d.Trace, "store"), parent: root, from: d.ReceivedAt, to: d.StoredAt})
	}
	t.span(stretch{name: "decide", ids: idsOf(d.Trace, "decide"), parent: root, from: d.StoredAt, to: d.DecidedAt})
	commit := idsOf(d.Trace, "commit")
	t.span(stretch{name: "commit", ids: commit, parent: root, from: d.DecidedAt, to: d.CommittedAt, changes: d.Transitions})
	for i := range d.Events {
		e := &d.Events[i]
		t.span(stretch{
			name: e.Type, ids: idsOfEvent(e), parent: commit, kind: trace.SpanKindProducer,
			from: d.CommittingAt, to: d.CommittedAt, about: aboutEvent(e),
		})
	}
	t.span(stretch{name: "message", ids: root, kind: trace.SpanKindConsumer, from: began, to: d.CommittedAt, about: about})
}

// Attempted makes the span of one attempt to deliver an event that a message
// caused.
func (t *Tracer) Attempted(d outbox.Delivery, from, to time.Time, outcome outbox.Outcome) {
	if t == nil || d.Event.Trace == "" {
		return
	}
	t.span(stretch{
		name: "deliver " + d.Destination, ids: idsOfAttempt(&d), parent: idsOfEvent(&d.Event), kind: trace.SpanKindClient,
		from: from, to: to, fault: outcome.Error,
		about: append(aboutEvent(&d.Event), attribute.String("telltale.destination", d.Destination),
			attribute.Int("telltale.attempt", d.Attempts), attribute.String("telltale.outcome", string(outcome.State))),
	})
}

func aboutEvent(e *outbox.Event) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("telltale.event_id", e.ID), attribute.String("telltale.event_type", e.Type),
		attribute.String("telltale.subject", e.Subject),
	}
}

// stretch is a span that is over.
type stretch struct {
	name        string
	ids, parent trace.SpanContext // parent invalid: the root
	kind        trace.SpanKind
	from, to    time.Time
	about       []attribute.KeyValue
	changes     []rules.Transition
	fault       string // "": it went well
}

// span hands a stretch over to the SDK. Of two clocks, or one that was set back,
// an end may come before its beginning; then the stretch took no time.
func (t *Tracer) span(s stretch) {
	ctx := withIDs(trace.ContextWithSpanContext(context.Background(), s.parent), s.ids)
	_, span := t.spans.Start(ctx, s.name, trace.WithTimestamp(s.from), trace.WithSpanKind(s.kind), trace.WithAttributes(s.about...))
	to := s.to
	if to.Before(s.from) {
		to = s.from
	}
	for i := range s.changes {
		c := &s.changes[i]
		span.AddEvent("alarm "+c.Change.String(), trace.WithTimestamp(to), trace.WithAttributes(
			attribute.String("telltale.alarm_id", c.AlarmID), attribute.String("telltale.rule", c.Key.Rule),
			attribute.String("telltale.subject", c.Key.Subject.ID), attribute.String("telltale.severity", c.Severity.String())))
	}
	if s.fault != "" {
		span.SetStatus(codes.Error, s.fault)
	}
	span.End(trace.WithTimestamp(to))
}
