package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"telltale/internal/config"
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
	a := startGateway(t, func(cfg *config.Config) {
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
	await(t, "both deliveries to be written down", delivered)
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
	if first := way.Steps[0]; first.Device != "fridge-1" || first.Text != "sequence 3, temperature 11.5" {
		t.Errorf("first step %+v", first)
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
	if len(way.Steps) != 0 || len(way.Notes) != 1 || !strings.Contains(way.Notes[0], "not in the log") {
		t.Errorf("got %+v", way)
	}
}
