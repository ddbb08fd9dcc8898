package app

import (
	"os/exec"
	"strings"
	"testing"

	"telltale/devices"
	"telltale/internal/config"
)

// TestADevicePublishesWithItsOwnPasswordOnly drives the embedded broker with
// Debian's client as devices that have a password, a wrong one, and none.
func TestADevicePublishesWithItsOwnPasswordOnly(t *testing.T) {
	t.Parallel()
	nobody := false
	a := startGateway(t, func(cfg *config.Config) { cfg.MQTT.Anonymous = &nobody })
	declareAll(t, a, `
kind: Model
id: FR-1
metrics: {temperature: {unit: Cel}}
---
{kind: Device, id: fridge-1, model: FR-1}
---
{kind: Device, id: fridge-2, model: FR-1}
`)
	password, err := a.db.NewDevicePassword(t.Context(), "fridge-1")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		login  []string
		device devices.ID
		stored bool
	}{
		{"with its password", []string{"-u", "fridge-1", "-P", password}, "fridge-1", true},
		{"with a wrong password", []string{"-u", "fridge-1", "-P", "guess"}, "fridge-1", false},
		{"without a password", nil, "fridge-1", false},
		{"in another device's name", []string{"-u", "fridge-1", "-P", password}, "fridge-2", false},
		{"as another device with its own password", []string{"-u", "fridge-2", "-P", password}, "fridge-2", false},
	}
	accepted := int64(0)
	for _, tt := range tests { // in order: each looks at how far the count went
		host, port, _ := strings.Cut(a.cfg.MQTT.Listen, ":")
		args := append([]string{"-h", host, "-p", port, "-q", "1", "-t", "telltale/" + string(tt.device) + "/telemetry",
			"-m", `{"values":{"temperature":5}}`}, tt.login...)
		out, _ := exec.CommandContext(t.Context(), "mosquitto_pub", args...).CombinedOutput()
		if tt.stored {
			accepted++
		}
		got, err := a.acceptedMessages()
		if err != nil {
			t.Fatal(err)
		}
		if got != accepted {
			t.Errorf("%s: %d messages were taken, want %d (%s)", tt.name, got, accepted, out)
		}
	}
}
