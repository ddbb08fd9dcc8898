package codec

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestShellyMessages(t *testing.T) {
	t.Parallel()
	c, err := NewShelly("")
	if err != nil {
		t.Fatal(err)
	}
	const plug, plus = "shellies/shellyplug-s-DDEEFF", "shellyplus1pm-aabbcc"
	checkMessages(t, c, []sent{
		{"power", plug + "/relay/0/power", `12.50`, `shellyplug-s-DDEEFF: relay_0_power=12.5`},
		{"a relay", plug + "/relay/0", `on`, `shellyplug-s-DDEEFF: relay_0=on!`},
		{"a temperature", plug + "/temperature", `24.14`, `shellyplug-s-DDEEFF: temperature=24.14Cel`},
		{"the same in Fahrenheit", plug + "/temperature_f", `75.45`, `shellyplug-s-DDEEFF: temperature_f=75.45[degF]`},
		{"water", "shellies/shellyflood-AB12CD/sensor/flood", `true`, `shellyflood-AB12CD: sensor_flood=1`},
		{"a button", "shellies/shellybutton1-A4E57C/input_event/0", `{"event":"S","event_cnt":3}`, `shellybutton1-A4E57C: input_event_0_event=S! input_event_0_event_cnt=3`},
		{"why it woke", "shellies/shellyht-AB12CD/sensor/act_reasons", `["sensor"]`, `shellyht-AB12CD: sensor_act_reasons_0=sensor!`},
		{"the whole status", plug + "/info", `{"unixtime":1707332241,"temperature":24.14,"tmp":{"tC":24.14,"tF":75.45,"is_valid":true},"meters":[{"power":1.5}],"mac":"AABB"}`,
			`shellyplug-s-DDEEFF at 2024-02-07T18:57:21Z: temperature=24.14Cel tmp_tC=24.14Cel tmp_tF=75.45[degF] tmp_is_valid=1 meters_0_power=1.5 mac=AABB!`},
		{"a status before the clock is set", plug + "/info", `{"unixtime":0,"uptime":3}`, `shellyplug-s-DDEEFF: uptime=3`},
		{"online", plug + "/online", `true`, `shellyplug-s-DDEEFF: online`},
		{"offline", plug + "/online", `false`, `shellyplug-s-DDEEFF: offline`},
		{"an announcement", plug + "/announce", `{"id":"shellyplug-s-DDEEFF"}`, ``},
		{"everybody's announcements", "shellies/announce", `{"id":"shellyplug-s-DDEEFF"}`, ``},
		{"a command", plug + "/relay/0/command", `off`, ``},

		{"a change", plus + "/events/rpc",
			`{"src":"shellyplus1pm-aabbcc","dst":"shellyplus1pm-aabbcc/events","method":"NotifyStatus","params":{"ts":1763780000.12,"switch:0":{"id":0,"apower":12.5,"aenergy":{"by_minute":[1.5,2],"total":7},"temperature":{"tC":40.1,"tF":104.2}}}}`,
			`shellyplus1pm-aabbcc at 2025-11-22T02:53:20.12Z: switch_0_apower=12.5 switch_0_aenergy_by_minute_0=1.5 switch_0_aenergy_by_minute_1=2 switch_0_aenergy_total=7 switch_0_temperature_tC=40.1Cel switch_0_temperature_tF=104.2[degF]`},
		{"a change before the clock is set", plus + "/events/rpc", `{"method":"NotifyStatus","params":{"ts":null,"sys":{"uptime":3}}}`, `shellyplus1pm-aabbcc: sys_uptime=3`},
		{"two pushes", plus + "/events/rpc",
			`{"method":"NotifyEvent","params":{"ts":1763780000.12,"events":[{"component":"input:0","id":0,"event":"double_push","ts":1763780000.11},{"component":"input:0","event":"btn_up"}]}}`,
			"shellyplus1pm-aabbcc at 2025-11-22T02:53:20.11Z: input_0_event=double_push!\nshellyplus1pm-aabbcc: input_0_event=btn_up!"},
		{"a component", plus + "/status/switch:0", `{"id":0,"output":true,"apower":0.0,"errors":["overtemp"]}`, `shellyplus1pm-aabbcc: switch_0_output=1 switch_0_apower=0 switch_0_errors_0=overtemp!`},
		{"a later one is online", plus + "/online", `true`, `shellyplus1pm-aabbcc: online`},
		{"an answer", plus + "/rpc", `{"id":1,"result":{}}`, ``},
		{"a log", plus + "/debug/log", `boot`, ``},

		{"online in other words", plug + "/online", `yes`, `wrong: must be true or false (byte 0)`},
		{"a status that is a number", plug + "/info", `3`, `wrong: must be an object, not a number (byte 0)`},
		{"a component without a bracket", plus + "/status/switch:0", `true x`, `wrong: not JSON: invalid character 'x' at start of value (byte 5)`},
		{"a frame that is a list", plus + "/events/rpc", `[]`, `wrong: must be an RPC frame, not a list (byte 0)`},
		{"params that are a list", plus + "/events/rpc", `{"params":[]}`, `wrong: params: must be an object of components, not a list (byte 10)`},
		{"events that are an object", plus + "/events/rpc", `{"params":{"events":{}}}`, `wrong: params.events: must be a list of events, not an object (byte 20)`},
		{"a time that is a text", plus + "/events/rpc", `{"params":{"ts":"now"}}`, `wrong: params.ts: must be seconds since 1970, not a text (byte 16)`},
		{"no device", "shellies", `1`, ``},
		{"a name that is none", "shellies/my plug/temperature", `1`, `wrong: "my plug" cannot be a device's id: it takes 1 to 128 letters, digits and ._:-, with single slashes between`},
	})
}

func TestShellyUnderAPrefixOfMoreLevels(t *testing.T) {
	t.Parallel()
	c, err := NewShelly("topic[2]")
	if err != nil {
		t.Fatal(err)
	}
	checkMessages(t, c, []sent{
		{"a component", "home/cellar/pump/status/switch:0", `{"apower":3}`, `pump: switch_0_apower=3`},
		{"a topic that is too short", "home/cellar", `1`, `wrong: topic "home/cellar" has no level 2 for the device's id`},
	})
}

// TestRecordedShellies sends the status of real devices, as recorded by the
// makers of a client library, in each of the ways that a device would.
func TestRecordedShellies(t *testing.T) {
	t.Parallel()
	c, err := NewShelly("")
	if err != nil {
		t.Fatal(err)
	}
	decode := func(t *testing.T, topic string, body []byte) string {
		reports, err := c.Decode(nil, Payload{Topic: topic, Body: body, ReceivedAt: receipt})
		if err != nil {
			t.Fatal(err)
		}
		checkLimits(t, reports)
		return say(reports)
	}
	for _, path := range shared(t, "shelly/*.json") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			status := dump(t, path, "status")
			if strings.HasPrefix(filepath.Base(path), "gen1") {
				got := decode(t, "shellies/shelly1/info", status)
				for _, want := range []string{" uptime=", " wifi_sta_rssi=-", "shelly1 at 2024-02-07T"} {
					if !strings.Contains(got, want) {
						t.Errorf("no %q in %s", want, got)
					}
				}
				return
			}
			whole := decode(t, "plus1/events/rpc", fmt.Appendf(nil, `{"method":"NotifyFullStatus","params":%s}`, status))
			var components map[string]json.RawMessage
			if err := json.Unmarshal(status, &components); err != nil {
				t.Fatal(err)
			}
			for name, component := range components {
				alone := strings.TrimPrefix(decode(t, "plus1/status/"+name, component), "plus1:")
				if !strings.Contains(whole+" ", alone+" ") {
					t.Errorf("component %s says %s alone and not in %s", name, alone, whole)
				}
			}
			if !strings.Contains(whole, " sys_uptime=") {
				t.Errorf("no uptime in %s", whole)
			}
		})
	}
}
