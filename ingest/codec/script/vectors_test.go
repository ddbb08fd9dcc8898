package script_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"telltale/devices"
	"telltale/ingest/codec"
	"telltale/ingest/codec/script"
)

// shared holds frames and messages that others recorded; see its README.md.
const shared = "../../../../shared/data/lorawan/"

func newRunner(t testing.TB) *script.Runner {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := script.NewRunner(script.Options{Command: []string{self, "script-worker"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func source(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func lines[T any](t *testing.T, name string) []T {
	t.Helper()
	file, err := os.Open(shared + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []T
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		var one T
		if err := json.Unmarshal(scanner.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// scripts are those in testdata by the sensors that frames.jsonl names. Its
// other sensor, the smoke detector tg563a, says 34 values in one frame, which
// do not show how each is written.
var scripts = map[string]string{
	"merryiot-cd10": "browan.js", "merryiot-dw10": "browan.js", "tabs-tbhh100": "browan.js", "tabs-tbms100": "browan.js",
	"dl-ctd10": "decentlab.js", "dl-ctd10b": "decentlab.js", "dl-ds18": "decentlab.js", "dl-iam": "decentlab.js", "dl-itst": "decentlab.js",
	"dl-rhc": "decentlab.js", "dl-tp": "decentlab.js", "dl-trs11": "decentlab.js", "dl-trs12": "decentlab.js", "dl-trs21": "decentlab.js",
	"ldds75": "dragino.js", "lds02": "dragino.js", "lht65n": "dragino.js", "lt-22222-l": "dragino.js",
	"elsys": "elsys.js", "example": "one_byte.js", "ht-sensor": "mclimate.js", "vicki": "mclimate.js",
	"em300-sld-zld": "milesight.js", "em300-th": "milesight.js", "em500-pt100": "milesight.js", "rak_standard": "cayenne.js",
}

func TestFramesDecodeAsRecorded(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	tried := 0
	for _, f := range lines[struct {
		Codec, Name string
		FPort       int
		Bytes       string `json:"bytes_hex"`
		Expected    struct{ Data any }
	}](t, "frames.jsonl") {
		if scripts[f.Codec] == "" {
			continue
		}
		tried++
		frame, err := hex.DecodeString(f.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.Decode(source(t, scripts[f.Codec]), script.Input{
			Bytes: frame, FPort: f.FPort, Variables: map[string]string{"sensor": strings.TrimPrefix(f.Codec, "dl-")},
		})
		if err != nil {
			t.Errorf("%s, %s: %v", f.Codec, f.Name, err)
			continue
		}
		var got any
		if err := json.Unmarshal(out.Data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f.Expected.Data, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", f.Codec, f.Name, diff)
		}
	}
	if tried != 46 {
		t.Errorf("%d frames were tried, want 46", tried)
	}
}

// oneScript is what the directory does in a gateway: the script of the model.
type oneScript struct {
	runner    *script.Runner
	source    string
	variables map[string]string
}

func (s oneScript) Decode(f codec.Frame) ([]byte, error) {
	out, err := s.runner.Decode(s.source, script.Input{
		Bytes: f.Bytes, FPort: f.FPort, RecvTime: f.ObservedAt, Variables: s.variables,
	})
	return out.Data, err
}

func TestMessagesOfTwoNetworkServersDecodeByScriptAsRecorded(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	tried := 0
	for _, m := range lines[struct {
		Vendor, Device, Network, File string
		Payload                       map[string]any
		Expected                      struct{ Telemetry json.RawMessage }
	}](t, "uplinks.jsonl") {
		name, variables := scriptFor(m.Vendor, m.Device)
		if _, old := m.Payload["objectJSON"]; name == "" || old {
			continue // a message with a decoded object needs no script
		}
		tried++
		body, err := json.Marshal(m.Payload)
		if err != nil {
			t.Fatal(err)
		}
		readings, err := decode(m.Network, body, oneScript{r, source(t, name), variables})
		if err != nil {
			t.Errorf("%s: %v", m.File, err)
			continue
		}
		for metric, want := range values(t, m.Expected.Telemetry) {
			if strings.HasPrefix(metric, "lora_") { // what the network server says
				continue
			}
			got, ok := readings[metric]
			if !ok {
				got, ok = readings[metric+"_value"] // Decentlab's scripts say more than the value
			}
			if w, isNumber := want.(float64); !ok || isNumber && math.Abs(got.Number-w) > 1e-9 || !isNumber && got.Label != want {
				t.Errorf("%s: %s is %v (%v), want %v", m.File, metric, got, ok, want)
			}
		}
	}
	if tried != 19 {
		t.Errorf("%d messages were tried, want 19", tried)
	}
}

func scriptFor(vendor, device string) (name string, variables map[string]string) {
	sensors := map[string]string{"DL-DS18": "ds18", "DL-TP": "tp", "DL-RHC": "rhc", "DL-SHT35-001": "sht35"}
	switch {
	case vendor == "Elsys":
		return "elsys.js", nil
	case strings.HasPrefix(device, "EM500") || device == "EM300-MCS" || device == "EM320-TH":
		return "milesight.js", nil
	case sensors[device] != "":
		return "decentlab.js", map[string]string{"sensor": sensors[device]}
	default:
		return "", nil
	}
}

func decode(network string, body []byte, scripts codec.Scripts) (map[string]devices.Value, error) {
	s := codec.Source{Filter: "#", Codec: "ttn"}
	if network == "ChirpStack" {
		s.Codec = "chirpstack"
	}
	router, err := codec.NewRouter([]codec.Source{s}, codec.Options{Scripts: scripts})
	if err != nil {
		return nil, err
	}
	c, _ := router.Route("application/1/device/2/event/up")
	reports, err := c.Decode(nil, codec.Payload{Topic: "application/1/device/2/event/up", Body: body, ReceivedAt: time.Now()})
	if err != nil {
		return nil, err
	}
	if len(reports) != 1 {
		return nil, fmt.Errorf("%d reports", len(reports))
	}
	readings := make(map[string]devices.Value)
	for _, one := range reports[0].Readings {
		readings[one.Metric] = one.Value
	}
	return readings, nil
}

// values returns the first instant's values of a recorded expectation.
func values(t *testing.T, telemetry json.RawMessage) map[string]any {
	t.Helper()
	type instant struct{ Values map[string]any }
	var list []instant
	if json.Unmarshal(telemetry, &list) == nil {
		return list[0].Values
	}
	var one instant
	if err := json.Unmarshal(telemetry, &one); err != nil {
		t.Fatal(err)
	}
	return one.Values
}

func TestAFrameThatTheScriptRefusesIsSaidSo(t *testing.T) {
	t.Parallel()
	body := []byte(`{"deviceInfo":{"devEui":"1"},"fPort":5,"data":"7g=="}`)
	_, err := decode("ChirpStack", body, oneScript{newRunner(t), source(t, "elsys.js"), nil})
	if want := "payload script: unknown type 0xee at byte 0"; !errors.Is(err, codec.ErrScript) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
