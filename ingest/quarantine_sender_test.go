package ingest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/codec"
	"telltale/ingest/codec/sparkplug"
)

// broken is a payload script that throws.
type broken struct{}

func (broken) Decode(codec.Frame) ([]byte, error) { return nil, errors.New("it threw") }

func TestARefusedMessageIsKnownByItsDevice(t *testing.T) {
	t.Parallel()
	alias := uint64(7)
	data := sparkplug.Payload{Seq: 3, Metrics: []sparkplug.Metric{{Alias: &alias, Value: sparkplug.DoubleValue(1)}}}
	for _, c := range []struct {
		name, topic, body string
		reason            Reason
		want              devices.ID // "": nobody can tell
	}{
		{"broken JSON on a topic of its own", "telltale/fridge-1/telemetry", `{"values":`, Malformed, "fridge-1"},
		{"a status that is none", "telltale/fridge-1/status", "asleep", Malformed, "fridge-1"},
		{"too large on a topic of its own", "telltale/fridge-1/telemetry", strings.Repeat("x", codec.MaxPayload+1), TooLarge, "fridge-1"},
		{"a name that is no id", "telltale/fridge 1/telemetry", `{}`, Malformed, ""},
		{"an appliance of a vendor", "shellies/plug-1/info", `{"a`, Malformed, "plug-1"},
		{"a script that throws", "application/1/device/01/event/up", `{"deviceInfo":{"devEui":"01"},"fPort":1,"data":"AA=="}`, ScriptFailed, "01"},
		{"a script that throws, the other network", "v3/a/devices/d/up", `{"end_device_ids":{"device_id":"d"},"uplink_message":{"f_port":1,"frm_payload":"AA=="}}`, ScriptFailed, "d"},
		{"JSON that breaks before it names the device", "application/1/device/01/event/up", `{"deviceInfo"`, Malformed, ""},
		{"data before a birth", "spBv1.0/Plant/DDATA/Line-1/oven", string(data.Append(nil)), Unborn, "Plant/Line-1/oven"},
		{"no protobuf", "spBv1.0/Plant/NDATA/Line-1", "\xff", Malformed, "Plant/Line-1"},
		{"a topic of nobody", "somewhere/else", "x", UnknownTopic, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			router, err := codec.NewRouter([]codec.Source{
				{Filter: "shellies/#", Codec: "shelly"}, {Filter: "application/#", Codec: "chirpstack"},
				{Filter: "v3/#", Codec: "ttn"}, {Filter: "spBv1.0/#", Codec: "sparkplug"},
			}, codec.Options{Scripts: broken{}})
			if err != nil {
				t.Fatal(err)
			}
			var log memory
			p := startPipeline(t, &log, PipelineOptions{Router: router})
			if err := p.Accept(t.Context(), Message{Topic: c.topic, Payload: []byte(c.body), ReceivedAt: time.Now()}); err != nil {
				t.Fatal(err)
			}
			_, refused, _ := log.stored()
			var want []devices.ID
			if c.want != "" {
				want = []devices.ID{c.want}
			}
			if len(refused) != 1 || refused[0].Reason != c.reason || !slices.Equal(refused[0].Devices, want) {
				t.Errorf("refused %+v, want one as %s of %v", refused, c.reason, want)
			}
		})
	}
}
