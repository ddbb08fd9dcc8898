package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"telltale/internal/config"
	"telltale/internal/gatewaytest"
	"telltale/internal/tracing/tracingtest"
	"telltale/tickets/outbox"
)

// TestAMessageIsFollowedFromTheDeviceToTheWebhook publishes one reading that
// breaks a rule and asks for its way from what the webhook says.
func TestAMessageIsFollowedFromTheDeviceToTheWebhook(t *testing.T) {
	t.Parallel()
	type told struct{ Type, Trace, TraceParent, header string }
	events := make(chan told, 16)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e := told{header: r.Header.Get("traceparent")}
		if err := json.Unmarshal(body, &e); err != nil {
			t.Errorf("webhook body: %v", err)
		}
		events <- e
	}))
	t.Cleanup(hook.Close)
	logged, lines := observer.New(zap.DebugLevel)
	collector := tracingtest.New(t).Listen()
	a := startLogging(t, zap.New(logged), func(cfg *config.Config) {
		cfg.Tracing.Endpoint = collector.URL()
		cfg.Webhooks = []config.Webhook{{Name: "help desk", URL: hook.URL, Secret: "whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz"}}
	})
	declareAll(t, a, `
kind: Model
id: FR-1
metrics: {temperature: {unit: Cel}}
report_every: 1m
---
kind: Device
id: fridge-1
model: FR-1
---
kind: Rule
id: warm
title: Too warm
applies_to: {models: [FR-1]}
when: temperature > 10
severity: major
ticket: {subject: "{{device.id}} is warm"}
`)
	mosquittoPub(t, a.cfg.MQTT.Listen, "telltale/fridge-1/telemetry", [][]byte{[]byte(`{"seq": 3, "values": {"temperature": 11.5}}`)})

	var raised, opened told
	for opened.Type == "" {
		select {
		case e := <-events:
			switch e.Type {
			case "alarm.raised":
				raised = e
			case "ticket.opened":
				opened = e
			}
		case <-time.After(time.Minute):
			t.Fatal("the webhook heard of no ticket")
		}
	}
	if raised.Trace == "" || raised.Trace != opened.Trace {
		t.Fatalf("traces %q and %q", raised.Trace, opened.Trace)
	}
	if !strings.HasPrefix(opened.TraceParent, "00-"+outbox.TraceID(opened.Trace)+"-") || opened.header != opened.TraceParent {
		t.Errorf("traceparent %q, header %q", opened.TraceParent, opened.header)
	}

	var way struct {
		TraceID string `json:"trace_id"`
		Notes   []string
		Steps   []struct{ Kind, Device, Ticket, Text string }
	}
	delivered := func() bool {
		get(t, a, "/api/v1/trace/"+url.PathEscape(opened.Trace), &way)
		n := 0
		for _, s := range way.Steps {
			if s.Kind == "delivered" {
				n++
			}
		}
		return n == 2
	}
	gatewaytest.Await(t, "both deliveries to be written down", delivered)
	if way.TraceID != outbox.TraceID(opened.Trace) || len(way.Notes) > 0 {
		t.Errorf("trace id %s, notes %q", way.TraceID, way.Notes)
	}
	var kinds []string
	for _, s := range way.Steps {
		kinds = append(kinds, s.Kind)
	}
	for _, kind := range []string{"observed", "received", "stored", "alarm", "ticket", "event"} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("no step %s among %q", kind, kinds)
		}
	}
	checkLines(t, lines, opened.Trace)
	spans := collector.Await("spans of both deliveries", func(spans []tracingtest.Span) bool { return count(spans, "deliver help desk") == 2 })
	checkSpans(t, spans, opened.TraceParent)
	if first := way.Steps[0]; first.Device != "fridge-1" || first.Text != "sequence 3, temperature 11.5" {
		t.Errorf("first step %+v", first)
	}
}

// checkLines holds the log against the trace: each stage must have told of it.
func checkLines(t *testing.T, lines *observer.ObservedLogs, trace string) {
	t.Helper()
	of := lines.FilterField(zap.String("trace", trace))
	for _, message := range []string{"report stored", "alarm raised", "ticket opened", "event delivered"} {
		if of.FilterMessage(message).Len() == 0 {
			t.Errorf("no line %q of trace %s among %v", message, trace, of.All())
		}
	}
	opened := of.FilterMessage("ticket opened").All()
	if len(opened) != 1 || opened[0].ContextMap()["ticket_id"] != "T-000001" {
		t.Errorf("the ticket was logged as %v", opened)
	}
	for _, line := range of.All() {
		if line.Message == "report stored" && line.Level != zap.DebugLevel {
			t.Errorf("a message is logged at level %s", line.Level)
		}
	}
}

// checkSpans holds what the collector got against a traceparent that the webhook
// got: the event must be there, and everything must hang together.
func checkSpans(t *testing.T, spans []tracingtest.Span, traceParent string) {
	t.Helper()
	parts := strings.Split(traceParent, "-")
	names := map[string]string{"": "nothing"}
	for _, s := range spans {
		names[s.ID] = s.Name
	}
	for _, s := range spans {
		if s.Trace != parts[1] {
			t.Errorf("span %s is of trace %s, the webhook was told %s", s.Name, s.Trace, parts[1])
		}
		if names[s.Parent] == "" {
			t.Errorf("span %s is below %s, which is not there", s.Name, s.Parent)
		}
		if s.End.Before(s.Start) || time.Since(s.Start).Abs() > time.Hour {
			t.Errorf("span %s lasts from %s to %s", s.Name, s.Start, s.End)
		}
	}
	if names[parts[2]] != "ticket.opened" {
		t.Errorf("the webhook's parent %s is %q among the spans", parts[2], names[parts[2]])
	}
	for _, name := range []string{"message", "store", "decide", "commit", "alarm.raised", "ticket.opened"} {
		if n := count(spans, name); n != 1 {
			t.Errorf("%d spans %s", n, name)
		}
	}
}

func count(spans []tracingtest.Span, name string) (n int) {
	for _, s := range spans {
		if s.Name == name {
			n++
		}
	}
	return n
}

// TestARecallKnowsTheMessageThatLedToIt spoils a shipment and asks for the way
// of the reading that did.
func TestARecallKnowsTheMessageThatLedToIt(t *testing.T) {
	t.Parallel()
	logged, lines := observer.New(zap.InfoLevel)
	a := startLogging(t, zap.New(logged), nil)
	now := time.Now().UTC().Truncate(time.Second)
	declareAll(t, a, spoiling(now))
	gatewaytest.Await(t, "the janitor to have judged the shipment, which no message asks for", func() bool {
		stale, err := a.db.StaleShipments(t.Context(), time.Now(), time.Minute, 1)
		return err == nil && len(stale) == 0
	})
	mosquittoPub(t, a.cfg.MQTT.Listen, "telltale/logger-1/telemetry", [][]byte{
		fmt.Appendf(nil, `{"ts": %d, "values": {"temperature": 30}}`, now.Add(-2*time.Hour).UnixMilli()),
		fmt.Appendf(nil, `{"ts": %d, "values": {"temperature": 31}}`, now.Add(-time.Minute).UnixMilli()),
	})
	var proposed []observer.LoggedEntry
	gatewaytest.Await(t, "a recall to be proposed", func() bool {
		proposed = lines.FilterMessage("recall proposed").All()
		return len(proposed) > 0
	})
	fields := proposed[0].ContextMap()
	trace, _ := fields["trace"].(string)
	if fields["recall_id"] != "R-0001" || trace == "" {
		t.Fatalf("logged as %v", fields)
	}
	if lines.FilterMessage("hold placed").FilterField(zap.String("trace", trace)).Len() != 1 {
		t.Errorf("the hold is not logged with trace %s: %v", trace, lines.All())
	}
	var way struct{ Steps []struct{ Kind, Text string } }
	get(t, a, "/api/v1/trace/"+url.PathEscape(trace), &way)
	told := 0
	for _, s := range way.Steps {
		if s.Kind == "event" && (strings.HasPrefix(s.Text, "recall.proposed of R-0001") || strings.HasPrefix(s.Text, "hold.placed of ")) {
			told++
		}
	}
	if told != 2 {
		t.Errorf("the trace tells %+v", way.Steps)
	}
}

func TestATraceOfNothingSaysSo(t *testing.T) {
	t.Parallel()
	a := startGateway(t, nil)
	var way struct {
		Steps []any
		Notes []string
	}
	get(t, a, "/api/v1/trace/p0%2F999999%2F0", &way)
	if len(way.Steps) != 0 || len(way.Notes) != 1 || !strings.Contains(way.Notes[0], "no longer holds this message") {
		t.Errorf("got %+v", way)
	}
}

// spoiling declares a shipment on its way that an hour in the warmth spoils.
func spoiling(now time.Time) string {
	return fmt.Sprintf(`
kind: Model
id: LG-1
metrics: {temperature: {unit: Cel}}
report_every: 1h
---
kind: Device
id: logger-1
model: LG-1
---
kind: StorageProfile
id: cold
limits: {min: 2, max: 8}
budgets: [{above: 8, for: 1h, verdict: reject}]
source: "test"
---
kind: Shipment
id: S-1
carrier: test
profile: cold
departed: %[1]s
loggers: [{device: logger-1, from: %[1]s}]
lots: [{gtin: "05901234123457", lot: A1, quantity: 1, unit: vial}]
`, now.Add(-24*time.Hour).Format(time.RFC3339))
}
