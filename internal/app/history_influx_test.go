package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest"
	"telltale/ingest/history/influxtest"
	"telltale/internal/config"
	"telltale/internal/gatewaytest"
	"telltale/internal/views"
)

const influxFleet = `
kind: Model
id: FR-1
metrics: {temperature: {unit: Cel}, humidity: {unit: "%"}}
---
kind: Customer
id: C-1
name: Customer
---
kind: Device
id: reefer-1
model: FR-1
owners: [{customer: C-1, from: 2020-01-01T00:00:00Z}]
---
kind: Rule
id: warm
title: Too warm
applies_to: {models: [FR-1]}
when: temperature > 10
severity: major
ticket: {subject: "warm"}
`

const influxShipment = `
kind: StorageProfile
id: cold
limits: {min: -5, max: 30}
source: "test"
---
kind: Shipment
id: S-1
carrier: test
profile: cold
departed: %[1]s
loggers: [{device: reefer-1, from: %[1]s}]
lots: [{gtin: "05901234123457", lot: A1, quantity: 1, unit: vial}]
`

// TestAGatewayWithItsHistoryInInfluxDB goes through everything that depends on
// where the readings are: charts, presence, alarms while InfluxDB is away,
// refusals, and shipments declared late.
func TestAGatewayWithItsHistoryInInfluxDB(t *testing.T) {
	t.Parallel()
	server := influxtest.Start(t, influxtest.Options{Auth: true})
	bucket := server.Database()
	a := startGateway(t, func(cfg *config.Config) {
		cfg.History.Store = "influx"
		cfg.History.Influx = config.Influx{URL: server.URL, Token: influxtest.Admin, Bucket: bucket}
	})
	declareAll(t, a, influxFleet)
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	says := func(second int, values string) {
		t.Helper()
		at := start.Add(time.Duration(second) * time.Second)
		submit(t, a, "telltale/reefer-1/telemetry", fmt.Sprintf(`{"ts": %d, "values": {%s}}`, at.UnixMilli(), values))
	}
	stored := func(metric string) int {
		var answer struct {
			Items []struct{ N int } `json:"items"`
		}
		get(t, a, "/api/v1/devices/reefer-1/readings?metric="+metric+"&from="+start.UTC().Format(time.RFC3339), &answer)
		return len(answer.Items)
	}

	for i := range 10 {
		says(i, `"temperature": 4`)
	}
	gatewaytest.Await(t, "ten readings in InfluxDB", func() bool { return stored("temperature") == 10 })

	server.Kill()
	says(10, `"temperature": 12`)
	gatewaytest.Await(t, "the alarm while InfluxDB is away", func() bool {
		open, err := a.db.OpenAlarms(t.Context())
		return err == nil && len(open) == 1
	})
	gatewaytest.Await(t, "the newest value while InfluxDB is away", func() bool {
		latest, err := a.db.Latest(t.Context(), "reefer-1")
		return err == nil && latest["temperature"].Value == devices.Number(12)
	})
	gatewaytest.Await(t, "/readyz to name the history", func() bool { return strings.Contains(readyz(t, a), "history") })
	server.Restart()
	gatewaytest.Await(t, "the reading that came meanwhile", func() bool { return stored("temperature") == 11 })

	server.Write(bucket, fmt.Sprintf(`readings,device=other humidity="wet" %d`, start.UnixMicro()))
	says(11, `"temperature": 5, "humidity": 40`)
	gatewaytest.Await(t, "the refusal in quarantine", func() bool {
		page, err := a.db.ListQuarantined(t.Context(), views.RefusedQuery{Reason: ingest.HistoryRefused})
		return err == nil && len(page.Rows) == 1 &&
			string(page.Rows[0].Payload) == fmt.Sprintf(`{"ts":%q,"values":{"humidity":40}}`, start.Add(11*time.Second).UTC().Format(time.RFC3339))
	})
	if n := stored("temperature"); n != 12 {
		t.Errorf("%d temperatures, want 12: the one beside the refused reading is good", n)
	}

	declareAll(t, a, fmt.Sprintf(influxShipment, start.UTC().Format(time.RFC3339)))
	gatewaytest.Await(t, "the late shipment to know its past", func() bool {
		trace, err := a.db.LoadTrace(t.Context(), "S-1")
		return err == nil && len(trace["reefer-1"]) == 12
	})
}

// submit gives a message to the pipeline and waits until it is safe.
func submit(t *testing.T, a *App, topic, payload string) {
	t.Helper()
	done := make(chan error, 1)
	a.pipeline.Submit(t.Context(), ingest.Message{Topic: topic, Payload: []byte(payload), QoS: 1, ReceivedAt: time.Now()},
		func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func readyz(t *testing.T, a *App) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.cfg.HTTP.PublicURL+"/readyz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
