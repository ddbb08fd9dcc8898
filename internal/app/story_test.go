package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/access"
	"telltale/internal/config"
	"telltale/internal/gatewaytest"
	"telltale/simulator"
)

// inbox is a real receiver of webhooks that counts events by their id.
type inbox struct {
	mu     sync.Mutex
	events map[string]event
}

type event struct {
	Type    string
	Subject string
	Data    struct {
		DeviceID   string `json:"device_id"`
		CustomerID string `json:"customer_id"`
	}
}

func newInbox(t *testing.T) (*inbox, string) {
	t.Helper()
	box := &inbox{events: make(map[string]event)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e event
		if err := json.Unmarshal(body, &e); err != nil {
			t.Errorf("webhook body: %v", err)
		}
		box.mu.Lock()
		box.events[r.Header.Get("webhook-id")] = e
		box.mu.Unlock()
	}))
	t.Cleanup(server.Close)
	return box, server.URL
}

// of returns the events of a type.
func (b *inbox) of(kind string) []event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []event
	for _, e := range b.events {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	return found
}

// TestThirtyDevicesOneFaultOneTicket runs a simulated fleet in which one
// fridge's compressor fails, through broker, log, rules and outbox.
func TestThirtyDevicesOneFaultOneTicket(t *testing.T) {
	t.Parallel()
	box, url := newInbox(t)
	a := startGateway(t, func(cfg *config.Config) {
		cfg.Webhooks = []config.Webhook{{Name: "help desk", URL: url, Secret: "whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz"}}
	})
	declareAll(t, a, storyFleet())

	scenario, err := simulator.Parse("story.yaml", []byte(`
seed: 7
start: -3h
speed: 100000
fleet:
  - {kind: fridge, count: 30, id: "fridge-%02d", model: FR-1, report_every: 1m}
faults:
  - {device: fridge-17, fault: compressor, at: 30m, for: 3h}
`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	start := scenario.Start.Resolve(time.Now())
	fleet := simulator.NewFleet(scenario, start)
	publisher := simulator.NewPublisher(fleet.Units(), simulator.PublisherOptions{Broker: "tcp://" + a.cfg.MQTT.Listen})
	var running sync.WaitGroup
	running.Go(func() { _ = publisher.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })

	// The whole past at once, as devices that were offline would send it.
	if err := publisher.Publish(ctx, fleet.Step(start.Add(3*time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := publisher.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	gatewaytest.Await(t, "the help desk to hear of the ticket", func() bool { return len(box.of("ticket.opened")) > 0 })

	opened := box.of("ticket.opened")
	if len(opened) != 1 || opened[0].Data.DeviceID != "fridge-17" || opened[0].Data.CustomerID != "C-2" {
		t.Errorf("opened %+v, want one ticket of fridge-17 for C-2", opened)
	}
	var answer struct {
		Items []struct {
			ID         string `json:"id"`
			Status     string `json:"status"`
			Priority   string `json:"priority"`
			Subject    string `json:"subject"`
			CustomerID string `json:"customer_id"`
			ContactID  string `json:"contact_id"`
			DeviceID   string `json:"device_id"`
			RuleID     string `json:"rule_id"`
		} `json:"items"`
	}
	get(t, a, "/api/v1/tickets", &answer)
	if len(answer.Items) != 1 {
		t.Fatalf("%d tickets: %+v", len(answer.Items), answer.Items)
	}
	subject := answer.Items[0].Subject
	if !strings.HasPrefix(subject, "fridge-17: compartment at ") {
		t.Errorf("subject = %q", subject)
	}
	answer.Items[0].Subject = ""
	got, _ := json.Marshal(answer.Items[0])
	want := `{"id":"T-000001","status":"new","priority":"high","subject":"","customer_id":"C-2","contact_id":"P-2","device_id":"fridge-17","rule_id":"warm"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("ticket (-want +got)\n%s", diff)
	}
}

// storyFleet declares thirty fridges. Number 17 changed hands an hour before
// the story: the ticket belongs to whoever owns it now.
func storyFleet() string {
	var text strings.Builder
	text.WriteString(`
kind: Model
id: FR-1
metrics: {temperature: {unit: Cel, min: -60, max: 80}, door_open: {unit: bool}, compressor_w: {unit: W}}
report_every: 1m
---
kind: Rule
id: warm
title: Compartment too warm
applies_to: {models: [FR-1]}
when: temperature > 10
for: 10m
severity: major
ticket: {subject: "{{device.id}}: compartment at {{values.temperature}} °C"}
`)
	for c := range 3 {
		fmt.Fprintf(&text, `---
kind: Customer
id: C-%d
name: Customer %d
tier: standard
language: en
timezone: Europe/Berlin
contacts: [{id: P-%d, name: Person %d, email: p%d@example.com, roles: [owner]}]
`, c, c, c, c, c)
	}
	for d := 1; d <= 30; d++ {
		owners := "[{customer: C-1, from: 2020-01-01T00:00:00Z}]"
		if d == 17 {
			handover := time.Now().Add(-4 * time.Hour).UTC().Format(time.RFC3339)
			owners = fmt.Sprintf("[{customer: C-1, from: 2020-01-01T00:00:00Z}, {customer: C-2, from: %s}]", handover)
		}
		fmt.Fprintf(&text, "---\nkind: Device\nid: fridge-%02d\nmodel: FR-1\nowners: %s\n", d, owners)
	}
	return text.String()
}

// get reads a REST resource as a viewer.
func get(t *testing.T, a *App, path string, into any) {
	t.Helper()
	token, err := a.gate.CreateToken(t.Context(), access.Viewer, fmt.Sprintf("test-%d", time.Now().UnixNano()))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.cfg.HTTP.PublicURL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("GET %s: %s: %s", path, response.Status, body)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
