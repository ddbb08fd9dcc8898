package codec

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

const (
	upTopic = "application/1/device/0102/event/up"
	ttnUp   = "v3/app@ttn/devices/d/up"
)

// scriptFunc is a payload script in Go.
type scriptFunc func(Frame) ([]byte, error)

func (f scriptFunc) Decode(frame Frame) ([]byte, error) { return f(frame) }

// networkMessage is a message as a network server published it, and what its
// vendor's converter makes of it.
type networkMessage struct {
	Vendor, Device, Network, File string
	Payload                       json.RawMessage
	Expected                      struct {
		Attributes map[string]any
		Telemetry  json.RawMessage
	}
}

type expectedInstant struct {
	TS     any `json:"ts"`
	Values map[string]any
}

// instants returns what is expected, one entry or a list.
func (m networkMessage) instants(t *testing.T) []expectedInstant {
	t.Helper()
	var list []expectedInstant
	if json.Unmarshal(m.Expected.Telemetry, &list) == nil {
		return list
	}
	list = make([]expectedInstant, 1)
	if err := json.Unmarshal(m.Expected.Telemetry, &list[0]); err != nil {
		t.Fatal(err)
	}
	return list
}

func networkMessages(t testing.TB) []networkMessage {
	t.Helper()
	file, err := os.Open("../../../shared/data/lorawan/uplinks.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []networkMessage
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var m networkMessage
		if err := json.Unmarshal(scanner.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// The recorded messages carry no decoded object but four, so their values are
// decoded by a converter's own scripts, which are not ours to run. What is
// compared for each of the 90: the device, the time, the port and bytes that
// the script is given, how well the frame was heard, and that what the script
// returns, here the values expected, comes out under the same names. That
// scripts find these values in the bytes is tested in package script.
func TestRecordedMessagesOfNetworkServersAreUnderstood(t *testing.T) {
	t.Parallel()
	messages := networkMessages(t)
	if len(messages) != 90 {
		t.Fatalf("%d messages", len(messages))
	}
	for _, m := range messages {
		t.Run(m.File, func(t *testing.T) {
			t.Parallel()
			want := m.instants(t)
			values := want[len(want)-1].Values // of the instant of the message; those before are from a memory
			if len(want) == 2 && m.Vendor == "Milesight" && m.Device == "AM103" {
				values, want = want[0].Values, want[:1]
			}
			var given *Frame
			got, err := decodeMessage(m, scriptFunc(func(f Frame) ([]byte, error) {
				given = &f
				return json.Marshal(values)
			}))
			if err != nil {
				t.Fatal(err)
			}
			m.checkIdentity(t, got, want[len(want)-1].TS)
			m.checkFrame(t, given)
			if given != nil {
				checkValues(t, got, values)
			}
		})
	}
}

func decodeMessage(m networkMessage, scripts Scripts) (devices.Report, error) {
	var c Codec
	var err error
	topic := ttnUp
	if m.Network == "ChirpStack" {
		topic = upTopic
		c, err = NewChirpStack("", scripts)
	} else {
		c, err = NewTTN("", scripts)
	}
	if err != nil {
		return devices.Report{}, err
	}
	reports, err := c.Decode(nil, Payload{Topic: topic, Body: m.Payload, ReceivedAt: receipt})
	if err != nil {
		return devices.Report{}, err
	}
	if len(reports) != 1 {
		return devices.Report{}, fmt.Errorf("%d reports", len(reports))
	}
	return reports[0], nil
}

// payloadFacts is what is compared, read by encoding/json.
type payloadFacts struct {
	DeviceInfo   struct{ DevEui string }
	ObjectJSON   string
	FPort        int
	Data         []byte
	RxInfo       []struct{ Time string }
	EndDeviceIDs struct {
		DeviceID string `json:"device_id"`
	} `json:"end_device_ids"`
	ReceivedAt    time.Time `json:"received_at"`
	UplinkMessage struct {
		FPort      int       `json:"f_port"`
		FrmPayload []byte    `json:"frm_payload"`
		ReceivedAt time.Time `json:"received_at"`
	} `json:"uplink_message"`
}

func (m networkMessage) facts(t *testing.T) (f payloadFacts) {
	t.Helper()
	if err := json.Unmarshal(m.Payload, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func (m networkMessage) checkIdentity(t *testing.T, got devices.Report, ts any) {
	t.Helper()
	f := m.facts(t)
	id := f.EndDeviceIDs.DeviceID
	if m.Network == "ChirpStack" {
		id = strings.ToLower(f.DeviceInfo.DevEui)
	}
	if f.ObjectJSON != "" {
		id = "0202020202020202" // ChirpStack 3, in base64
	}
	if string(got.Device) != id {
		t.Errorf("device %q, want %q", got.Device, id)
	}

	at := got.ObservedAt.UnixMilli()
	switch want := ts.(type) {
	case nil: // ChirpStack 3 says only when a gateway heard it
		if got.ObservedAt.Format(time.RFC3339Nano) != f.RxInfo[0].Time {
			t.Errorf("observed at %s, want %s", got.ObservedAt, f.RxInfo[0].Time)
		}
	case string:
		if w, err := time.Parse(time.RFC3339, want); err != nil || !got.ObservedAt.Equal(w) {
			t.Errorf("observed at %s, want %s", got.ObservedAt, want)
		}
	case float64:
		// Decentlab's converter takes the application server's time, the
		// others that of the network server, which is nearer to the event.
		late := f.ReceivedAt.Sub(f.UplinkMessage.ReceivedAt).Milliseconds()
		if m.Vendor == "Decentlab" && late > 0 {
			want = float64(f.UplinkMessage.ReceivedAt.UnixMilli())
		}
		if at != int64(want) {
			t.Errorf("observed at %d, want %.0f", at, want)
		}
	}
}

func (m networkMessage) checkFrame(t *testing.T, given *Frame) {
	t.Helper()
	f := m.facts(t)
	if f.ObjectJSON != "" {
		if given != nil {
			t.Error("the script was run although the message has a decoded object")
		}
		return
	}
	port, data := f.FPort, f.Data
	if m.Network != "ChirpStack" {
		port, data = f.UplinkMessage.FPort, f.UplinkMessage.FrmPayload
	}
	if given == nil || given.FPort != port || string(given.Bytes) != string(data) {
		t.Errorf("the script was given %+v, want port %d and % x", given, port, data)
	}
}

// checkValues compares the readings with the values expected, rssi and snr
// among them.
func checkValues(t *testing.T, got devices.Report, values map[string]any) {
	t.Helper()
	readings := make(map[string]devices.Value)
	for _, r := range got.Readings {
		readings[r.Metric] = r.Value
	}
	for name, want := range leaves("", values) {
		metric := name
		if name == "lora_rssi" || name == "lora_snr" {
			metric = strings.TrimPrefix(name, "lora_")
		}
		if v, ok := readings[metric]; !sameValue(v, ok, want) {
			t.Errorf("%s is %v (%v), want %v", metric, v, ok, want)
		}
	}
}

// leaves returns the values within a decoded value under the names that they
// have as metrics.
func leaves(name string, v any) map[string]any {
	inside := make(map[string]any)
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			maps.Copy(inside, leaves(strings.TrimPrefix(name+"_"+key, "_"), inner))
		}
	case []any:
		for i, inner := range v {
			maps.Copy(inside, leaves(fmt.Sprintf("%s_%d", name, i), inner))
		}
	default:
		inside[name] = v
	}
	return inside
}

func sameValue(v devices.Value, ok bool, want any) bool {
	switch w := want.(type) {
	case float64:
		return ok && !v.IsLabel() && v.Number == w
	case bool:
		return ok && (v == devices.Number(1)) == w
	case string:
		return ok && v.Label == w || !ok && (len(w) > MaxText || w == "")
	default:
		return false
	}
}

func TestMessagesOfNetworkServersBecomeReports(t *testing.T) {
	t.Parallel()
	const info = `"time":"2026-03-01T12:00:00+00:00","deviceInfo":{"devEui":"0102030405060708","deviceName":"cold room"}`
	const ids = `"end_device_ids":{"device_id":"cold-room","dev_eui":"01"},"received_at":"2026-03-01T12:00:01Z"`
	for _, c := range []struct {
		name, codec, device, topic, body string
		want                             string // device time: metric=value ...; one line for each report
	}{
		{"a decoded object flattens", "chirpstack", "", "x/up",
			`{` + info + `,"object":{"t":4.5,"door":{"open":true,"count":7},"list":[1,null,"x"],"mode":"","nothing":null},"data":"AQ==","fPort":1}`,
			"0102030405060708 12:00:00: t=4.5 door_open=1 door_count=7 list_0=1 list_2=x"},
		{"the best of several gateways is told", "chirpstack", "", "x/up",
			`{"rxInfo":[{"rssi":-110,"snr":-3},{"rssi":-80,"snr":7.5},{"rssi":-90}],"object":{},` + info + `}`,
			"0102030405060708 12:00:00: rssi=-80 snr=7.5"},
		{"the decoder's own rssi stays", "chirpstack", "", "x/up", `{` + info + `,"rxInfo":[{"rssi":-80,"snr":7}],"object":{"rssi":-1}}`,
			"0102030405060708 12:00:00: rssi=-1 snr=7"},
		{"capitals of the EUI become small", "chirpstack", "", "x/up", `{"time":"2026-03-01T12:00:00Z","deviceInfo":{"devEui":"A1B2"},"object":{"t":1}}`,
			"a1b2 12:00:00: t=1"},
		{"another place for the device is taken as it stands", "chirpstack", "deviceInfo.tags.ID", "x/up",
			`{"deviceInfo":{"tags":{"ID":"Fridge-7"},"devEui":"A1"},"object":{"t":1}}`, "Fridge-7 09:00:00: t=1"},
		{"a place in a list", "chirpstack", "rxInfo.1.gatewayId", "x/up", `{"rxInfo":[{"gatewayId":"a"},{"gatewayId":"b"}],"object":{"t":1}}`, "b 09:00:00: t=1"},
		{"the device in the topic", "chirpstack", "topic[3]", upTopic, `{"object":{"t":1}}`, "0102 09:00:00: t=1"},
		{"without a time the gateway's counts", "chirpstack", "topic[3]", upTopic, `{"time":null,"rxInfo":[{"rssi":-1},{"gwTime":"2026-03-01T12:00:00Z"}],"object":{}}`,
			"0102 12:00:00: rssi=-1"},
		{"a frame for the network only", "chirpstack", "", "x/up", `{` + info + `,"fPort":0,"data":"","rxInfo":null}`, "0102030405060708 12:00:00:"},
		{"a status", "chirpstack", "", "x/status",
			`{` + info + `,"margin":10,"externalPowerSource":false,"batteryLevelUnavailable":false,"batteryLevel":98.5}`,
			"0102030405060708 12:00:00: margin=10 externalPowerSource=0 batteryLevel=98.5"},
		{"a status of a device that does not know its battery", "chirpstack", "", "x/status",
			`{` + info + `,"batteryLevel":0,"batteryLevelUnavailable":true,"margin":10}`, "0102030405060708 12:00:00: margin=10"},
		{"a join", "chirpstack", "", "x/join", `{` + info + `,"devAddr":"01"}`, "0102030405060708 12:00:00 online:"},
		{"a location", "chirpstack", "", "x/location", `{` + info + `,"location":{"latitude":52.1,"longitude":21,"source":"GEO_RESOLVER_TDOA"}}`,
			"0102030405060708 12:00:00: location_latitude=52.1 location_longitude=21 location_source=GEO_RESOLVER_TDOA"},
		{"a log", "chirpstack", "", "x/log", `{` + info + `,"level":"ERROR","code":"UPLINK_CODEC","description":"line 1"}`,
			"0102030405060708 12:00:00: log_level=ERROR log_code=UPLINK_CODEC"},
		{"an integration", "chirpstack", "", "x/integration", `{` + info + `,"integrationName":"loracloud","object":{"resp":1}}`, "0102030405060708 12:00:00: resp=1"},
		{"an acknowledgement stores nothing", "chirpstack", "", "x/ack", `{` + info + `,"acknowledged":true}`, ""},
		{"a transmission stores nothing", "chirpstack", "", "x/txack", `{}`, ""},
		{"ChirpStack 3 with its EUI in hexadecimal", "chirpstack", "", "x/up", `{"devEUI":"A1B2C3D4E5F60708","objectJSON":"{\"t\":{\"in\":4}}","rxInfo":[{"rssi":-7,"loRaSNR":3}]}`,
			"a1b2c3d4e5f60708 09:00:00: t_in=4 rssi=-7 snr=3"},

		{"a decoded payload", "ttn", "", ttnUp, `{` + ids + `,"uplink_message":{"f_port":1,"frm_payload":"AQ==","decoded_payload":{"t":4},"received_at":"2026-03-01T12:00:00Z"}}`,
			"cold-room 12:00:00: t=4"},
		{"what is zero is left out by The Things Stack", "ttn", "", ttnUp, `{` + ids + `,"uplink_message":{}}`, "cold-room 12:00:01:"},
		{"the uplink before the ids", "ttn", "", ttnUp, `{"uplink_message":{"decoded_payload":{"t":4}},` + ids + `}`, "cold-room 12:00:01: t=4"},
		{"normalized measurements with times of their own", "ttn", "", ttnUp,
			`{` + ids + `,"uplink_message":{"rx_metadata":[{"rssi":-7}],"normalized_payload":[{"air":{"temperature":4}},{"time":"2026-03-01T11:00:00Z","air":{"temperature":5}}]}}`,
			"cold-room 12:00:01: air_temperature=4 rssi=-7\ncold-room 11:00:00: air_temperature=5"},
		{"a decoded payload before a normalized one", "ttn", "", ttnUp, `{` + ids + `,"uplink_message":{"normalized_payload":[{"air":{"temperature":4}}],"decoded_payload":{"t":4}}}`,
			"cold-room 12:00:01: t=4"},
		{"a normalized message", "ttn", "", ttnUp, `{` + ids + `,"uplink_normalized":{"normalized_payload":{"air":{"temperature":4}}}}`, "cold-room 12:00:01: air_temperature=4"},
		{"a join is told", "ttn", "", ttnUp, `{` + ids + `,"join_accept":{"session_key_id":"x","received_at":"2026-03-01T12:00:00Z"}}`, "cold-room 12:00:00 online:"},
		{"a solved location", "ttn", "", ttnUp, `{` + ids + `,"location_solved":{"service":"x","location":{"latitude":1}}}`, "cold-room 12:00:01: location_latitude=1"},
		{"a downlink stores nothing", "ttn", "", ttnUp, `{"downlink_queued":{"f_port":1},` + ids + `}`, ""},
		{"not simulated", "ttn", "end_device_ids.dev_eui", ttnUp, `{"simulated":false,` + ids + `,"uplink_message":{"decoded_payload":{"t":4}}}`, "01 12:00:01: t=4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeAs(c.codec, c.device, c.topic, c.body, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, sayReports(got)); diff != "" {
				t.Errorf("differs (-want +got):\n%s", diff)
			}
		})
	}
}

func decodeAs(name, device, topic, body string, scripts Scripts) ([]devices.Report, error) {
	router, err := NewRouter([]Source{{Filter: "#", Codec: name, Device: device}}, Options{Scripts: scripts})
	if err != nil {
		return nil, err
	}
	c, _ := router.Route(topic)
	return c.Decode(nil, Payload{Topic: topic, Body: []byte(body), ReceivedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)})
}

// sayReports writes reports as the tests have them.
func sayReports(reports []devices.Report) string {
	lines := make([]string, len(reports))
	for i, r := range reports {
		lines[i] = fmt.Sprintf("%s %s", r.Device, r.ObservedAt.Format("15:04:05"))
		if r.Presence != devices.PresenceUnknown {
			lines[i] += " " + r.Presence.String()
		}
		lines[i] += ":"
		for _, one := range r.Readings {
			lines[i] += " " + one.Metric + "=" + one.Value.String()
		}
	}
	return strings.Join(lines, "\n")
}

func TestWrongMessagesOfNetworkServersAreNamedExactly(t *testing.T) {
	t.Parallel()
	const info = `"deviceInfo":{"devEui":"01"}`
	const ids = `"end_device_ids":{"device_id":"d"}`
	for _, c := range []struct{ name, codec, topic, body, want string }{
		{"nothing", "chirpstack", "x/up", ``, "payload is empty"},
		{"no JSON", "chirpstack", "x/up", `{"a":}`, "not JSON: invalid character '}' at start of value (byte 5)"},
		{"a list", "chirpstack", "x/up", `[]`, "must be an object, not a list (byte 0)"},
		{"a key twice", "chirpstack", "x/up", `{"fPort":1,"fPort":2}`, "fPort: key is given twice (byte 11)"},
		{"something behind it", "chirpstack", "x/up", `{} {}`, "not JSON: something follows the value (byte 4)"},
		{"no event", "chirpstack", "x/down", `{}`, `topic "x/down" must end in an event of ChirpStack: up, status, join, ack, txack, log, location, integration`},
		{"no device", "chirpstack", "x/up", `{"object":{}}`, "deviceInfo.devEui: payload does not say which device it is from"},
		{"a device that is null", "chirpstack", "x/up", `{"deviceInfo":{"devEui":null}}`, "deviceInfo.devEui: payload does not say which device it is from"},
		{"a device that is no id", "chirpstack", "x/up", `{"deviceInfo":{"devEui":{}}}`, "deviceInfo.devEui: device must be a text or a number, not an object (byte 24)"},
		{"ChirpStack 3 with half an EUI", "chirpstack", "x/up", `{"devEUI":"AgICAg=="}`, "devEUI: must be 8 bytes, in hexadecimal or base64 (byte 10)"},
		{"a time that is none", "chirpstack", "x/up", `{"time":"noon"}`, `time: must be Unix milliseconds or an RFC 3339 time such as 2026-03-01T12:00:00Z (byte 8)`},
		{"a port beyond a byte", "chirpstack", "x/up", `{"fPort":256}`, "fPort: must be a port from 0 to 255 (byte 9)"},
		{"a payload that is no base64", "chirpstack", "x/up", `{"data":"?"}`, "data: is not base64 (byte 8)"},
		{"a payload that is a number", "chirpstack", "x/up", `{"data":7}`, "data: must be bytes in base64, not a number (byte 8)"},
		{"a payload beyond all radio", "chirpstack", "x/up", `{"data":"` + base64.StdEncoding.EncodeToString(make([]byte, maxFrame+1)) + `"}`, "data: frame of 4097 bytes is longer than 4096 (byte 8)"},
		{"an object that is a list", "chirpstack", "x/up", `{` + info + `,"object":[1]}`, "object: must be an object, not a list (byte 39)"},
		{"a quoted object that is no JSON", "chirpstack", "x/up", `{` + info + `,"objectJSON":"{t:1}"}`, "objectJSON: not JSON: invalid character ':' in literal true (expecting 'r')"},
		{"gateways that are no list", "chirpstack", "x/up", `{"rxInfo":{}}`, "rxInfo: must be a list of gateways, not an object (byte 10)"},
		{"a signal that is a text", "chirpstack", "x/up", `{"rxInfo":[{"rssi":"-1"}]}`, "rxInfo[0].rssi: must be a number, not a text (byte 19)"},
		{"a name without bound", "chirpstack", "x/up", `{` + info + `,"object":{"a":{"` + strings.Repeat("x", MaxName) + `":1}}}`,
			"object.a." + strings.Repeat("x", MaxName) + ": name of 130 bytes is longer than 128 (byte 176)"},
		{"a frame that nobody decodes", "chirpstack", "x/up", `{` + info + `,"fPort":5,"data":"AQI="}`,
			"frame of 2 bytes on port 5 is not decoded: give the network server a decoder, or the model of device 01 a script (docs/payload-scripts.md)"},

		{"no message", "ttn", ttnUp, `{` + ids + `}`,
			"payload is no message of The Things Stack: it has no uplink_message, uplink_normalized, join_accept, location_solved, service_data and no downlink message"},
		{"no device in it", "ttn", ttnUp, `{"uplink_message":{}}`, "end_device_ids.device_id: payload does not say which device it is from"},
		{"a simulated message", "ttn", ttnUp, `{` + ids + `,"uplink_message":{},"simulated":true}`,
			"simulated: message was made in the console of The Things Stack: no device measured it (byte 68)"},
		{"a decoded payload that is a text", "ttn", ttnUp, `{` + ids + `,"uplink_message":{"decoded_payload":"x"}}`,
			"uplink_message.decoded_payload: must be an object, not a text (byte 72)"},
		{"a frame that nobody decodes there", "ttn", ttnUp, `{` + ids + `,"uplink_message":{"frm_payload":"AQ=="}}`,
			"frame of 1 bytes on port 0 is not decoded: give the network server a decoder, or the model of device d a script (docs/payload-scripts.md)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := decodeAs(c.codec, "", c.topic, c.body, nil)
			var pe *PayloadError
			if !errors.As(err, &pe) || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestWhatAScriptCannotDoIsRefusedForIt(t *testing.T) {
	t.Parallel()
	const body = `{"deviceInfo":{"devEui":"01"},"fPort":5,"data":"AQI="}`
	decode := func(object string, err error) ([]devices.Report, error) {
		return decodeAs("chirpstack", "", "x/up", body, scriptFunc(func(Frame) ([]byte, error) { return []byte(object), err }))
	}
	for _, c := range []struct{ name, object, want string }{
		{"a list for an object", `[1]`, "payload script: data: must be an object, not a list"},
		{"no JSON", `{`, "payload script: data: not JSON: ends in the middle"},
		{"a name without bound", `{"` + strings.Repeat("x", 129) + `":1}`, "payload script: data." + strings.Repeat("x", 129) + ": name of 129 bytes is longer than 128"},
	} {
		if _, err := decode(c.object, nil); !errors.Is(err, ErrScript) || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := decode("", errors.New("boom (line 3:1 of the script)")); !errors.Is(err, ErrScript) || err.Error() != "payload script: boom (line 3:1 of the script)" {
		t.Errorf("got %v", err)
	}
	if _, err := decode("", fmt.Errorf("model m: %w", ErrNoScript)); err == nil || errors.Is(err, ErrScript) {
		t.Errorf("a model without a script: %v", err)
	}
	// The pipeline says that the device is unknown, and keeps the message.
	got, err := decode("", fmt.Errorf("01: %w", devices.ErrUnknown))
	if err != nil || len(got) != 1 || got[0].Device != "01" {
		t.Errorf("an unknown device: %v, %v", got, err)
	}
}
