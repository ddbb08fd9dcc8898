package tracing

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"telltale/internal/tracing/tracingtest"
	"telltale/rules"
	"telltale/tickets/outbox"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func after(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// opened is the decision that opens a ticket.
func opened() Decision {
	return Decision{
		Trace: "p3/10293/17", Device: "fridge-17",
		ReceivedAt: noon, StoredAt: after(4), DecidedAt: after(6), CommittingAt: after(7), CommittedAt: after(11),
		Transitions: []rules.Transition{{
			AlarmID: "alm-1", Change: rules.Raised, Severity: rules.Major,
			Key: rules.Key{Rule: "warm", Subject: rules.Subject{Type: "device", ID: "fridge-17"}},
		}},
		Events: []outbox.Event{{ID: "evt_1", Type: "ticket.opened", Subject: "T-000042", Trace: "p3/10293/17", Data: json.RawMessage(`{}`)}},
	}
}

// start runs a tracer until stop is called.
func start(t *testing.T, opts Options) (tracer *Tracer, stop func()) {
	t.Helper()
	opts.Version, opts.Node, opts.Metrics = "1.0", "node-1", prometheus.NewRegistry()
	if opts.Log == nil {
		opts.Log = zap.NewNop()
	}
	tracer, err := New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- tracer.Run(ctx) }()
	var stopped bool
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
	t.Cleanup(stop)
	return tracer, stop
}

func atLeast(n int) func([]tracingtest.Span) bool {
	return func(spans []tracingtest.Span) bool { return len(spans) >= n }
}

// TestTheWayOfAMessageIsOneTree looks at what a collector gets of a message that
// opens a ticket, whose event is delivered at the second attempt.
func TestTheWayOfAMessageIsOneTree(t *testing.T) {
	t.Parallel()
	collector := tracingtest.New(t).Listen()
	tracer, _ := start(t, Options{Endpoint: collector.URL()})
	d := opened()
	tracer.Decided(d)
	delivery := outbox.Delivery{Destination: "help desk", Event: d.Events[0], Attempts: 1}
	tracer.Attempted(delivery, after(20), after(30), outbox.Outcome{State: outbox.Retryable, Error: "answered 503"})
	delivery.Attempts = 2
	tracer.Attempted(delivery, after(1030), after(1040), outbox.Outcome{State: outbox.Completed})

	spans := collector.Await("the whole way", atLeast(7))
	names := make(map[string]string)
	for _, s := range spans {
		names[s.ID] = s.Name
	}
	var lines []string
	for _, s := range spans {
		if s.Trace != outbox.TraceID(d.Trace) {
			t.Errorf("%s is of trace %s, not %s", s.Name, s.Trace, outbox.TraceID(d.Trace))
		}
		if s.Service != "telltale" || s.Node != "node-1" {
			t.Errorf("%s is of %s %s", s.Name, s.Service, s.Node)
		}
		parts := []string{names[s.Parent], ">", s.Name, s.Start.Sub(noon).String(), s.End.Sub(noon).String()}
		lines = append(lines, strings.Join(append(append(parts, s.Happened...), s.Fault), " "))
	}
	want := []string{
		" > message 0s 11ms ",
		"message > store 0s 4ms ",
		"message > decide 4ms 6ms ",
		"message > commit 6ms 11ms alarm raised ",
		"commit > ticket.opened 7ms 11ms ",
		"ticket.opened > deliver help desk 20ms 30ms answered 503",
		"ticket.opened > deliver help desk 1.03s 1.04s ",
	}
	if diff := cmp.Diff(want, lines, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, s := range spans {
		if s.Name == "ticket.opened" && s.ID != d.Events[0].SpanID() {
			t.Errorf("the event's span is %s, its traceparent names %s", s.ID, d.Events[0].SpanID())
		}
		if s.Parent == "" && (s.About["telltale.trace"] != d.Trace || s.About["telltale.device_id"] != "fridge-17") {
			t.Errorf("the root tells of %v", s.About)
		}
	}
}

// TestATimerAndAClockThatWasSetBack decides by the log's time alone, and commits
// before it decided.
func TestATimerAndAClockThatWasSetBack(t *testing.T) {
	t.Parallel()
	collector := tracingtest.New(t).Listen()
	tracer, _ := start(t, Options{Endpoint: collector.URL()})
	d := opened()
	d.Device, d.ReceivedAt, d.CommittedAt, d.Events = "", time.Time{}, after(-1000), nil
	tracer.Decided(d)
	got := make(map[string]time.Duration)
	for _, s := range collector.Await("three spans", atLeast(3)) {
		if s.Start.Before(noon) {
			t.Errorf("%s begins at %s", s.Name, s.Start)
		}
		got[s.Name] = s.End.Sub(s.Start)
	}
	if diff := cmp.Diff(map[string]time.Duration{"message": 0, "decide": 2 * time.Millisecond, "commit": 0}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatAPersonDidHasNoSpans(t *testing.T) {
	t.Parallel()
	collector := tracingtest.New(t).Listen()
	tracer, stop := start(t, Options{Endpoint: collector.URL()})
	tracer.Attempted(outbox.Delivery{Destination: "help desk", Event: outbox.Event{ID: "evt_2"}}, noon, noon, outbox.Outcome{})
	stop()
	if spans := collector.Spans(); len(spans) != 0 {
		t.Errorf("got %+v", spans)
	}
}

func TestWithoutATracerNothingHappens(t *testing.T) {
	t.Parallel()
	var none *Tracer
	none.Decided(opened())
	none.Attempted(outbox.Delivery{Event: opened().Events[0]}, noon, noon, outbox.Outcome{})
}

// TestTheCollectorIsAway keeps what the queue holds until there is a collector,
// drops the rest, counts both, and tells once.
func TestTheCollectorIsAway(t *testing.T) {
	t.Parallel()
	logged, lines := observer.New(zap.DebugLevel)
	collector := tracingtest.New(t)
	tracer, err := New(t.Context(), Options{
		Endpoint: collector.URL(), Queue: 7, Metrics: prometheus.NewRegistry(), Log: zap.New(logged),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		tracer.Decided(opened()) // five spans each
	}
	if got := testutil.ToFloat64(tracer.metrics.dropped); got != 3 {
		t.Errorf("%v spans dropped", got)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- tracer.Run(ctx) }()
	awaitLine(t, lines, "collector takes no spans")
	collector.Listen()
	if spans := collector.Await("what was kept", atLeast(7)); len(spans) != 7 {
		t.Errorf("%d spans came", len(spans))
	}
	awaitLine(t, lines, "collector takes spans again")
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
	if got := testutil.ToFloat64(tracer.metrics.sent); got != 7 {
		t.Errorf("%v spans sent", got)
	}
	if n := lines.Len(); n != 2 {
		t.Errorf("%d lines logged: %v", n, lines.All())
	}
}

// TestTheCollectorRefuses gives up what is refused for good, and goes on.
func TestTheCollectorRefuses(t *testing.T) {
	t.Parallel()
	logged, lines := observer.New(zap.DebugLevel)
	collector := tracingtest.New(t).Listen()
	collector.Answer(http.StatusBadRequest)
	tracer, _ := start(t, Options{Endpoint: collector.URL(), Log: zap.New(logged)})
	tracer.Decided(opened())
	awaitLine(t, lines, "collector takes no spans")
	collector.Answer(http.StatusOK)
	d := opened()
	d.Trace = "p3/10294/0"
	tracer.Decided(d)
	collector.Await("the second", func(spans []tracingtest.Span) bool {
		return len(spans) >= 5 && spans[0].Trace == outbox.TraceID(d.Trace)
	})
	if got := testutil.ToFloat64(tracer.metrics.unsent); got != 5 {
		t.Errorf("%v spans given up", got)
	}
}

// TestTheEndSendsWhatIsLeft does not wait for a batch to fill.
func TestTheEndSendsWhatIsLeft(t *testing.T) {
	t.Parallel()
	collector := tracingtest.New(t).Listen()
	tracer, stop := start(t, Options{Endpoint: collector.URL()})
	for range 300 { // several batches
		tracer.Decided(opened())
	}
	stop()
	if n := len(collector.Spans()); n != 1500 {
		t.Errorf("%d spans came", n)
	}
}

// awaitLine waits until a line was logged.
func awaitLine(t *testing.T, lines *observer.ObservedLogs, message string) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(time.Minute)
	for lines.FilterMessage(message).Len() == 0 {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited in vain for %q, got %v", message, lines.All())
		}
	}
}
