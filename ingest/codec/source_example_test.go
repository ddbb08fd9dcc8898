package codec

import "testing"

func TestAnExampleTopicIsOneOfReadings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ codec, filter, want string }{
		{"native", "meters/+", "meters/try"},
		{"native", "a/#", "a/try"},
		{"native", "a/b", "a/b"},
		{"chirpstack", "application/+/device/+/event/+", "application/try/device/try/event/up"},
		{"chirpstack", "application/7/device/+/event/#", "application/7/device/try/event/up"},
		{"chirpstack", "application/+/device/+/event/status", "application/try/device/try/event/status"},
		{"ttn", "v3/+/devices/+/#", "v3/try/devices/try/up"},
		{"sparkplug", "spBv1.0/#", "spBv1.0/try/NBIRTH/try"},
		{"sparkplug", "spBv1.0/Plant/#", "spBv1.0/Plant/NBIRTH/try"},
		{"sparkplug", "spBv1.0/Plant/+/Line-1/#", "spBv1.0/Plant/NBIRTH/Line-1/try"},
		{"shelly", "shellies/#", "shellies/try/relay/0/power"},
		{"shelly", "+/events/rpc", "try/events/rpc"},
		{"shelly", "+/status/#", "try/status/switch:0"},
		{"shelly", "+/online", "shellies/online"},
		{"tasmota", "tele/#", "tele/try/SENSOR"},
		{"zigbee2mqtt", "zigbee2mqtt/#", "zigbee2mqtt/try"},
	} {
		got := Source{Filter: c.filter, Codec: c.codec}.ExampleTopic()
		if got != c.want || !Matches(c.filter, got) {
			t.Errorf("%s on %s: got %s, want %s", c.codec, c.filter, got, c.want)
		}
	}
}
