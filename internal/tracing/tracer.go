package tracing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
)

// Options of a [Tracer].
type Options struct {
	// Endpoint is the URL that spans are posted to, "http://host:4318/v1/traces".
	// Required. What else the exporter may need (headers, certificates,
	// compression) it takes from the standard OTEL_EXPORTER_OTLP_* variables.
	Endpoint string

	// Version and Node name the gateway to the collector.
	Version, Node string

	// Queue is how many spans may wait for the collector. Default: 4,096, a few
	// megabytes.
	Queue int

	// Metrics is where the counters are registered. Required.
	Metrics prometheus.Registerer

	// Log is told when the collector stops or begins to take spans. Required.
	Log *zap.Logger
}

const (
	defaultQueue = 4096
	batchSize    = 512              // spans of one request
	gatherFor    = time.Second      // how long a request is waited for to fill
	sendWithin   = 30 * time.Second // bound of one request, with the exporter's own retries
	lastWords    = 3 * time.Second  // bound of sending what is left at the end

	// A collector out of reach is tried again after this time, doubled each time.
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// Tracer makes spans and sends them. Its methods are safe for concurrent use and
// never wait. A nil one makes none.
type Tracer struct {
	spans    trace.Tracer
	exporter sdktrace.SpanExporter
	queue    queue
	metrics  *metrics
	log      *zap.Logger
	silent   bool // of Run: the last request did not succeed, and that is logged
}

// New returns a tracer. It connects to nothing before [Tracer.Run].
func New(ctx context.Context, opts Options) (*Tracer, error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(opts.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("make exporter of spans: %w", err)
	}
	gateway, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "telltale"),
			attribute.String("service.version", opts.Version), attribute.String("service.instance.id", opts.Node)),
		resource.WithFromEnv()) // last, so that OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win
	if err != nil {
		return nil, fmt.Errorf("describe the gateway for its spans: %w", err)
	}
	t := &Tracer{exporter: exporter, metrics: newMetrics(opts.Metrics), log: opts.Log}
	t.queue = queue{waiting: make(chan sdktrace.ReadOnlySpan, cmp.Or(opts.Queue, defaultQueue)), dropped: t.metrics.dropped}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&t.queue), sdktrace.WithIDGenerator(derived{}),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithResource(gateway))
	t.spans = provider.Tracer("telltale")
	return t, nil
}

// Run sends spans until ctx ends, then what is left, if that takes no more than
// a few seconds. It returns nil.
func (t *Tracer) Run(ctx context.Context) error {
	for {
		batch := t.queue.take(ctx)
		if ctx.Err() != nil {
			t.leave(ctx, batch)
			return nil
		}
		t.send(ctx, batch)
	}
}

// send tries until the collector has answered, or ctx ends. A request under way
// then may end by itself: broken off, it would be sent twice.
func (t *Tracer) send(ctx context.Context, batch []sdktrace.ReadOnlySpan) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, cancel) })()
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		err := t.try(sending, batch)
		var outOfReach *url.Error
		if !errors.As(err, &outOfReach) {
			t.settle(batch, err)
			return
		}
		t.report(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			t.leave(ctx, batch)
			return
		}
	}
}

// leave sends what is left, each batch once.
func (t *Tracer) leave(ctx context.Context, batch []sdktrace.ReadOnlySpan) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	for len(batch) > 0 {
		t.settle(batch, t.try(last, batch)) // fails at once when the time is over
		batch = t.queue.rest()
	}
}

func (t *Tracer) try(ctx context.Context, batch []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	return t.exporter.ExportSpans(ctx, batch)
}

// settle counts a batch that is not tried again.
func (t *Tracer) settle(batch []sdktrace.ReadOnlySpan, err error) {
	t.report(err)
	if err != nil {
		t.metrics.unsent.Add(float64(len(batch)))
		return
	}
	t.metrics.sent.Add(float64(len(batch)))
}

// report logs when the collector begins to fail and when it is back.
func (t *Tracer) report(err error) {
	switch failed := err != nil; {
	case failed == t.silent:
		return
	case failed:
		t.log.Warn("collector takes no spans", zap.Error(err))
	default:
		t.log.Info("collector takes spans again")
	}
	t.silent = err != nil
}
