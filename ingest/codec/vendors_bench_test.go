package codec

import (
	"testing"

	"telltale/devices"
)

func BenchmarkCodecs(b *testing.B) {
	senml, _ := NewSenML("")
	tasmota, _ := NewTasmota("topic[1]", nil)
	zigbee, _ := NewZigbee2MQTT("zigbee2mqtt/#", "")
	shelly, _ := NewShelly("")
	fields, _ := NewFields("topic[1]", nil, &FieldMap{Time: "at", Metrics: map[string]Field{
		"temperature": {Path: "main.t", UnitPath: "main.u"}, "door": {Path: "door", Labels: map[string]float64{"open": 1}}}})
	for _, m := range []struct {
		name, topic, body string
		codec             Codec
	}{
		{"senml json", "x", `[{"bn":"urn:dev:ow:10e2:","bt":1763780000,"n":"temp","u":"Cel","v":4.2},{"n":"open","vb":false}]`, senml},
		{"senml cbor", "x", string(dump(b, "../../../shared/data/senml/ex3.gen.cbor")), senml},
		{"tasmota", "tele/fridge-7/SENSOR", `{"Time":"2026-03-01T12:00:00","DS18B20":{"Temperature":39.2},"TempUnit":"F"}`, tasmota},
		{"zigbee2mqtt", "zigbee2mqtt/fridge-7", `{"temperature":4.2,"humidity":44.7,"battery":97,"linkquality":57,"last_seen":1763780000123}`, zigbee},
		{"shelly gen1", "shellies/shellyplug-s-DDEEFF/relay/0/power", `12.50`, shelly},
		{"shelly gen2", "plus1/events/rpc", `{"src":"plus1","dst":"plus1/events","method":"NotifyStatus","params":{"ts":1763780000.12,"switch:0":{"id":0,"apower":12.5,"voltage":230.1}}}`, shelly},
		{"fields", "x/fridge-7", `{"at":1763780000,"main":{"t":39.2,"u":"F"},"door":"open","more":{"is":"skipped"}}`, fields},
	} {
		b.Run(m.name, func(b *testing.B) {
			p := Payload{Topic: m.topic, Body: []byte(m.body), ReceivedAt: receipt}
			var dst []devices.Report
			var err error
			b.SetBytes(int64(len(m.body)))
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = m.codec.Decode(dst[:0], p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
