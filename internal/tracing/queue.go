package tracing

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// queue is the SDK's span processor: it holds ended spans until they are sent.
// When it is full, new ones are dropped.
type queue struct {
	waiting chan sdktrace.ReadOnlySpan
	dropped prometheus.Counter
}

// OnStart is [sdktrace.SpanProcessor]'s; nothing is done then.
func (q *queue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd is [sdktrace.SpanProcessor]'s. It never waits.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	select {
	case q.waiting <- s:
	default:
		q.dropped.Inc()
	}
}

// Shutdown is [sdktrace.SpanProcessor]'s; [Tracer.Run] ends by its context.
func (q *queue) Shutdown(context.Context) error { return nil }

// ForceFlush is [sdktrace.SpanProcessor]'s, and not used.
func (q *queue) ForceFlush(context.Context) error { return nil }

// take waits for a span and gathers what else comes within a moment, up to a
// batch. When ctx ends it returns what it has.
func (q *queue) take(ctx context.Context) (batch []sdktrace.ReadOnlySpan) {
	select {
	case s := <-q.waiting:
		batch = append(batch, s)
	case <-ctx.Done():
		return q.rest()
	}
	full := time.NewTimer(gatherFor)
	defer full.Stop()
	for len(batch) < batchSize {
		select {
		case s := <-q.waiting:
			batch = append(batch, s)
		case <-full.C:
			return batch
		case <-ctx.Done():
			return batch
		}
	}
	return batch
}

// rest returns what waits, up to a batch, without waiting for more.
func (q *queue) rest() (batch []sdktrace.ReadOnlySpan) {
	for len(batch) < batchSize {
		select {
		case s := <-q.waiting:
			batch = append(batch, s)
		default:
			return batch
		}
	}
	return batch
}
