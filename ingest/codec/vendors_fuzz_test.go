package codec

import (
	"errors"
	"os"
	"testing"
)

func FuzzSenML(f *testing.F) {
	for _, path := range append(shared(f, "senml/ex*[0-9].json"), shared(f, "senml/*.cbor")...) {
		f.Add("senml/fridge-7", []byte(dump(f, path)))
	}
	f.Add("x", []byte(`[{"bver":10,"bn":"f/","bt":-1e300,"bv":1e308,"n":"a","v":1e308,"s":-1,"ut":0,"vs":null}]`))
	f.Add("x", []byte("\x9f\xbf\x00\x61a\x02\xc4\x82\x38\xff\x1b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	c, err := NewSenML("")
	if err != nil {
		f.Fatal(err)
	}
	fuzzCodec(f, c)
}

func FuzzTasmota(f *testing.F) {
	f.Add("tele/fridge-7/SENSOR", []byte(`{"Time":"2026-03-01T12:00:00","BME280":{"Temperature":77,"Pressure":753.3},"TempUnit":"F","PressureUnit":"mmHg"}`))
	f.Add("tele/fridge-7/LWT", []byte(`Online`))
	f.Add("stat/fridge-7/STATUS8", []byte(`{"StatusSNS":{"Time":1772186400,"ENERGY":{"Power":[1,null]},"StatusSNS":{}}}`))
	f.Add("stat/fridge-7/POWER1", []byte(`OFF`))
	c, err := NewTasmota("topic[1]", nil)
	if err != nil {
		f.Fatal(err)
	}
	fuzzCodec(f, c)
}

func FuzzZigbee2MQTT(f *testing.F) {
	f.Add("zigbee2mqtt/kitchen/fridge", []byte(`{"temperature":4.2,"color":{"x":0.1},"last_seen":"2026-03-01T12:00:00Z","device":{}}`))
	f.Add("zigbee2mqtt/kitchen/fridge/availability", []byte(`{"state":"online"}`))
	f.Add("zigbee2mqtt/a//b", []byte(`{"last_seen":-1}`))
	c, err := NewZigbee2MQTT("zigbee2mqtt/#", "")
	if err != nil {
		f.Fatal(err)
	}
	fuzzCodec(f, c)
}

func FuzzShelly(f *testing.F) {
	for _, path := range shared(f, "shelly/*.json") {
		status := dump(f, path, "status")
		f.Add("shellies/shelly1/info", []byte(status))
		f.Add("plus1/status/switch:0", []byte(status))
	}
	f.Add("shellies/shelly1/relay/0/power", []byte(`12.50`))
	f.Add("plus1/events/rpc", []byte(`{"method":"NotifyEvent","params":{"ts":1763780000.12,"events":[{"component":"input:0","event":"single_push","ts":null}]}}`))
	c, err := NewShelly("")
	if err != nil {
		f.Fatal(err)
	}
	fuzzCodec(f, c)
}

// FuzzFieldsOfAppliances reads the status of appliances with units, labels and
// texts that are numbers.
func FuzzFieldsOfAppliances(f *testing.F) {
	for _, path := range shared(f, "appliances/status/da_ref*.json")[:1] {
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("x/fridge-7", raw)
	}
	f.Add("x/fridge-7", []byte(`{"list":[{"t":"12.5","u":"F","door":"open","at":1772186400,"codes":["E1"]},{"t":1,"at":"2026-02-27T10:00:00Z"}]}`))
	c, err := NewFields("topic[1]", nil, &FieldMap{
		Records: "list", Time: "at", Faults: "codes",
		Metrics: map[string]Field{"t": {Path: "t", UnitPath: "u", Numeric: true}, "door": {Path: "/door", Unit: "1", Labels: map[string]float64{"open": 1}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	fuzzCodec(f, c)
}

// FuzzPaths checks that no path of a source upsets the tree of paths.
func FuzzPaths(f *testing.F) {
	f.Add("a.b", "a.c")
	f.Add("/a~1b/", "a")
	f.Fuzz(func(t *testing.T, one, two string) {
		c, err := NewFields("topic[0]", nil, &FieldMap{Metrics: map[string]Field{"one": {Path: one}, "two": {Path: two}}})
		if err != nil {
			return
		}
		var pe *PayloadError
		if _, err := c.Decode(nil, Payload{Topic: "d", Body: []byte(`{"a":{"b":1,"c":[2]}}`), ReceivedAt: receipt}); err != nil && !errors.As(err, &pe) {
			t.Errorf("paths %q and %q: %T is no PayloadError: %v", one, two, err, err)
		}
	})
}
