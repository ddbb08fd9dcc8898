package app

import (
	"strings"
	"testing"
	"time"

	"telltale/ingest"
	"telltale/internal/config"
	"telltale/internal/declare"
	"telltale/internal/gatewaytest"
	"telltale/internal/views"
)

const sensorModel = `
kind: Model
id: ERS
metrics: {temperature: {unit: Cel}}
decoder: |
  function decodeUplink(input) {
    var b = input.bytes;
    if (b[0] !== 1) throw new Error("unknown type " + b[0] + " in " + input.variables.room);
    return {data: {temperature: (b[1] << 8 | b[2]) / 10}};
  }
---
kind: Device
id: a81758fffe000001
model: ERS
tags: {room: cellar}
`

func uplink(device, data string) ingest.Message {
	return ingest.Message{
		Topic: "application/1/device/" + device + "/event/up", QoS: 1, ReceivedAt: time.Now(),
		Payload: []byte(`{"deviceInfo":{"devEui":"` + device + `"},"fPort":5,"data":"` + data + `"}`),
	}
}

func withLoRaWAN(cfg *config.Config) {
	cfg.Sources = []config.Source{{Name: "lora", Filter: "application/+/device/+/event/+", Codec: "chirpstack"}}
}

func TestFramesAreDecodedByTheScriptOfTheModel(t *testing.T) {
	t.Parallel()
	a := startGateway(t, withLoRaWAN)
	declareAll(t, a, sensorModel)
	began := time.Now().Add(-time.Minute)
	for _, m := range []ingest.Message{
		uplink("A81758FFFE000001", "AQDq"), // 23.4
		uplink("a81758fffe000001", "Aug="), // of another type
		uplink("a81758fffe000009", "AQDq"), // of a stranger
	} {
		if err := a.pipeline.Accept(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	gatewaytest.Await(t, "the reading to be in the history", func() bool {
		points, err := a.readings.RawPoints(t.Context(), "a81758fffe000001", "temperature", began, time.Now().Add(time.Minute))
		return err == nil && len(points) == 1 && points[0].Value.Number == 23.4
	})
	for reason, want := range map[ingest.Reason]string{
		ingest.ScriptFailed:  "payload script: Error: unknown type 2 in cellar (line 3:25 of the script)",
		ingest.UnknownDevice: "device a81758fffe000009 is not declared",
	} {
		gatewaytest.Await(t, string(reason)+" to be in quarantine", func() bool {
			page, err := a.db.ListQuarantined(t.Context(), views.RefusedQuery{Reason: reason})
			return err == nil && len(page.Rows) == 1 && page.Rows[0].Detail == want
		})
	}
}

func TestAScriptIsCheckedBeforeItIsDeclared(t *testing.T) {
	t.Parallel()
	a := startGateway(t, withLoRaWAN)
	set, err := declare.ParseSources(declare.Source{Name: "test.yaml", Text: []byte(strings.Replace(sensorModel, "throw new", "throw new new (", 1))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.db.Apply(t.Context(), set, "test")
	if err == nil || !strings.HasPrefix(err.Error(), "test.yaml:8:") || !strings.Contains(err.Error(), "Model ERS: decoder: SyntaxError: ") {
		t.Errorf("got %v, want the line of the file", err)
	}
	if _, declared := a.declarations.Directory().Model("ERS"); declared {
		t.Error("it was declared all the same")
	}
}

func TestATrialKnowsWhatTheGatewayKnowsAndChangesNothing(t *testing.T) {
	t.Parallel()
	a := startGateway(t, withLoRaWAN)
	declareAll(t, a, sensorModel)
	m := uplink("a81758fffe000001", "AQDq")
	trial, err := trials{a}.Try(t.Context(), ingest.TrialRequest{Topic: m.Topic, Payload: m.Payload})
	if err != nil || len(trial.Refusals) > 0 || len(trial.Reports) != 1 {
		t.Fatalf("got %+v, %v", trial, err)
	}
	if r := trial.Reports[0].Readings[0]; r.Metric != "temperature" || r.Value.Number != 23.4 || r.Unit != "Cel" {
		t.Errorf("got %+v", r)
	}
	trial, err = trials{a}.Try(t.Context(), ingest.TrialRequest{Source: "lora", Topic: m.Topic, Payload: m.Payload,
		Script: `function Decoder(bytes) { return {temperature: bytes.length}; }`})
	if err != nil || len(trial.Reports) != 1 || trial.Reports[0].Readings[0].Value.Number != 3 {
		t.Errorf("with another script: %+v, %v", trial, err)
	}
	if page, err := a.db.ListQuarantined(t.Context(), views.RefusedQuery{}); err != nil || len(page.Rows) > 0 {
		t.Errorf("quarantine holds %v, %v", page.Rows, err)
	}
}
