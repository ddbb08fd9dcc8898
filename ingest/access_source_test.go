package ingest

import (
	"testing"

	"telltale/devices"
	"telltale/ingest/codec"
)

// TestDevicesOfASourceSpeakOnTheirOwnTopicsOnly logs a Shelly in with its id.
func TestDevicesOfASourceSpeakOnTheirOwnTopicsOnly(t *testing.T) {
	t.Parallel()
	router, err := codec.NewRouter([]codec.Source{
		{Filter: "shellies/#", Codec: "shelly"},
		{Filter: "bySerial", Codec: "fields", Device: "serial", Fields: &codec.FieldMap{Metrics: map[string]codec.Field{"t": {Path: "t"}}}},
		{Filter: "#", Codec: "shelly"},
	}, codec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var log memory
	b, _, _ := startBroker(t, &log, BrokerOptions{Authenticator: logins{"fridge-1": "a", "telltale": "b"}}, PipelineOptions{Router: router})
	login := visitor{id: "fridge-1", username: "fridge-1", password: "a", willTopic: "shellies/fridge-1/online", will: "false"}

	c := mustDial(t, b, login)
	if err := c.publishAcked("shellies/fridge-1/relay/0/power", `12.50`, 1); err != nil {
		t.Fatal(err)
	}
	got, _, _ := log.stored()
	if len(got) != 1 || got[0].Device != "fridge-1" || len(got[0].Readings) != 1 || got[0].Readings[0].Value != devices.Number(12.5) {
		t.Errorf("stored %v, want the power of fridge-1", got)
	}
	for _, topic := range []string{
		"shellies/fridge-2/relay/0/power", // another's
		"shellies/announce",               // everybody's
		"bySerial",                        // the payload would say whose
		"telltale/fridge-2/telemetry",
	} {
		if err := mustDial(t, b, login).publishAcked(topic, `{}`, 1); err == nil {
			t.Errorf("a message to %s was acknowledged", topic)
		}
	}
	// To a device with such an id all native topics would look like its own.
	odd := visitor{id: "telltale", username: "telltale", password: "b"}
	if err := mustDial(t, b, odd).publishAcked("telltale/fridge-2/command", `{}`, 1); err == nil {
		t.Error("a command to another device was acknowledged")
	}
	if c, err := dial(b.Addr(), visitor{id: "x", username: "fridge-1", password: "a", willTopic: "shellies/fridge-2/online", will: "false"}); err == nil {
		c.close()
		t.Error("a last will in another's name was taken")
	}
}
