package app

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"telltale/devices"
	"telltale/internal/config"
	"telltale/internal/gatewaytest"
)

// externalBroker starts a Mosquitto and returns its address.
func externalBroker(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto" // which is in few people's PATH
	}
	address := gatewaytest.UnusedAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	if err := os.WriteFile(conf, []byte("listener "+port+" 127.0.0.1\nallow_anonymous true\nlog_type none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broker := exec.Command(path, "-c", conf)
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = broker.Process.Kill()
		_ = broker.Wait() // says that it was killed
	})
	gatewaytest.Await(t, "Mosquitto to answer", func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	return address
}

// TestANodeOfAGroupLearnsWhatVendorsDevicesLeftBehind retains the last words of
// devices of three vendors at a broker, and starts a node of a group then.
func TestANodeOfAGroupLearnsWhatVendorsDevicesLeftBehind(t *testing.T) {
	t.Parallel()
	broker := externalBroker(t)
	host, port, err := net.SplitHostPort(broker)
	if err != nil {
		t.Fatal(err)
	}
	want := map[devices.ID]devices.Presence{"plug-1": devices.Online, "kitchen/fridge": devices.Offline, "fridge-7": devices.Offline}
	for topic, body := range map[string]string{
		"shellies/plug-1/online": "true", "zigbee2mqtt/kitchen/fridge/availability": `{"state":"offline"}`, "tele/fridge-7/LWT": "Offline",
	} {
		out, err := exec.CommandContext(t.Context(), "mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-r", "-t", topic, "-m", body).CombinedOutput()
		if err != nil {
			t.Fatalf("publish: %v\n%s", err, out)
		}
	}
	a := startGateway(t, func(cfg *config.Config) {
		cfg.MQTT.Broker, cfg.MQTT.ClientID, cfg.MQTT.Group = "tcp://"+broker, "node-1", "telltale"
		cfg.Sources = []config.Source{
			{Filter: "shellies/#", Codec: "shelly"}, {Filter: "zigbee2mqtt/#", Codec: "zigbee2mqtt"}, {Filter: "tele/#", Codec: "tasmota"},
		}
	})
	declareAll(t, a, claimModel+"---\nkind: Device\nid: plug-1\nmodel: FR-1\n---\nkind: Device\nid: kitchen/fridge\nmodel: FR-1\n---\nkind: Device\nid: fridge-7\nmodel: FR-1\n")
	for id, presence := range want {
		gatewaytest.Await(t, string(id)+" to be "+presence.String(), func() bool {
			d, err := a.db.Device(t.Context(), id, time.Now())
			if err != nil {
				return false
			}
			state, _ := d.PresenceSince(time.Now())
			return state.String() == presence.String()
		})
	}
}
