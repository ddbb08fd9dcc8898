package codec

import "testing"

func TestZigbee2MQTTMessages(t *testing.T) {
	t.Parallel()
	c, err := NewZigbee2MQTT("zigbee2mqtt/#", "")
	if err != nil {
		t.Fatal(err)
	}
	const fridge, there = "zigbee2mqtt/fridge", "zigbee2mqtt/fridge/availability"
	checkMessages(t, c, []sent{
		{"a sensor", fridge, `{"temperature":27.34,"humidity":44.72,"battery":97,"voltage":3015,"linkquality":57}`,
			`fridge: temperature=27.34 humidity=44.72 battery=97 voltage=3015 linkquality=57`},
		{"a switch, a lamp and nested values", fridge, `{"action":"single","occupancy":true,"state":"ON","color":{"x":0.3,"y":0.4},"update":{"state":"idle","installed_version":5},"door":null}`,
			`fridge: action=single! occupancy=1 state=ON! color_x=0.3 color_y=0.4 update_state=idle! update_installed_version=5`},
		{"last seen as ISO_8601", fridge, `{"temperature":4,"last_seen":"2026-02-28T22:15:03.120Z"}`, `fridge at 2026-02-28T22:15:03.12Z: temperature=4`},
		{"last seen as ISO_8601_local", fridge, `{"last_seen":"2026-02-28T23:15:03+01:00","temperature":4}`, `fridge at 2026-02-28T22:15:03Z: temperature=4`},
		{"last seen as epoch", fridge, `{"last_seen":1772316903120,"temperature":4}`, `fridge at 2026-02-28T22:15:03.12Z: temperature=4`},
		{"last seen as null", fridge, `{"last_seen":null,"temperature":4}`, `fridge: temperature=4`},
		{"who it is", fridge, `{"device":{"friendlyName":"fridge","ieeeAddr":"0x00158d00018255df"},"temperature":4}`, `fridge: temperature=4`},
		{"an address instead of a name", "zigbee2mqtt/0x00158d00018255df", `{"temperature":4}`, `0x00158d00018255df: temperature=4`},
		{"a name with a blank", "zigbee2mqtt/Kühlschrank links", `{"temperature":4}`, `K_hlschrank_links: temperature=4`},
		{"online as a text", there, `online`, `fridge: online`},
		{"offline as an object", there, `{"state":"offline"}`, `fridge: offline`},
		{"a retained message that is cleared", fridge, ``, ``},
		{"the bridge", "zigbee2mqtt/bridge/state", `{"state":"online"}`, ``},
		{"the bridge's devices", "zigbee2mqtt/bridge/devices", `[{}]`, ``},
		{"a command", "zigbee2mqtt/fridge/set", `{"state":"ON"}`, ``},
		{"a command without JSON", "zigbee2mqtt/fridge/set/state", `ON`, ``},
		{"a question", "zigbee2mqtt/fridge/get", `{"state":""}`, ``},
		{"an action on its own topic", "zigbee2mqtt/fridge/action", `single`, ``},
		{"a number", fridge, `27.3`, `wrong: must be an object of values by metric, not a number (byte 0)`},
		{"something behind", fridge, `{}{}`, `wrong: not JSON: something follows the value (byte 3)`},
		{"a time that is none", fridge, `{"last_seen":"5 minutes ago"}`,
			`wrong: last_seen: must be Unix milliseconds or an RFC 3339 time such as 2026-03-01T12:00:00Z (byte 13)`},
		{"availability in other words", there, `yes`, `wrong: must be online or offline (byte 0)`},
		{"a state in other words", there, `{"state":"yes"}`, `wrong: state: must be online or offline (byte 9)`},
		{"no state", there, `{}`, `wrong: state: is missing`},
		{"no name", "zigbee2mqtt", `{}`, `wrong: topic "zigbee2mqtt" has no level 1 for the device's name`},
	})
}

func TestZigbee2MQTTNameBeginsAtTheWildcard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ filter, device, topic, want string }{
		{"zigbee2mqtt/#", "", "zigbee2mqtt/kitchen/fridge", "kitchen/fridge: t=1"},
		{"zigbee2mqtt/+/availability", "", "zigbee2mqtt/fridge/availability", ""},
		{"site/a/zigbee/#", "", "site/a/zigbee/fridge", "fridge: t=1"},
		{"site/+/zigbee/#", "topic[3]", "site/a/zigbee/fridge", "fridge: t=1"},
	} {
		t.Run(c.filter, func(t *testing.T) {
			t.Parallel()
			z, err := NewZigbee2MQTT(c.filter, c.device)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := z.Decode(nil, Payload{Topic: c.topic, Body: []byte(`{"t":1}`), ReceivedAt: receipt})
			if c.want != "" && say(got) != c.want {
				t.Errorf("got %s, want %s", say(got), c.want)
			}
		})
	}
}
