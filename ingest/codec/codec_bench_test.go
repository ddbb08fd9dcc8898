package codec

import (
	"fmt"
	"testing"

	"telltale/devices"
)

func BenchmarkNative(b *testing.B) {
	for name, body := range map[string]string{
		"contract": `{"ts": 1763780000123, "seq": 7, "values": {"temperature": 4.2, "door_open": false, "mode": "defrost"}, "faults": ["E21"]}`,
		"short":    `{"ts":1763780000123,"values":{"temperature":4.2,"compressor_w":87.5}}`,
	} {
		b.Run(name, func(b *testing.B) {
			c, err := NewNative("topic[1]")
			if err != nil {
				b.Fatal(err)
			}
			p := Payload{Topic: "telltale/fridge-17/telemetry", Body: []byte(body), ReceivedAt: receipt}
			var dst []devices.Report
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = c.Decode(dst[:0], p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRoute(b *testing.B) {
	var sources []Source
	for i := range 50 {
		sources = append(sources, Source{Filter: fmt.Sprintf("plant-%d/+/data", i), Codec: "native"})
	}
	for _, c := range []struct {
		name, topic string
		sources     []Source
	}{
		{"native", "telltale/fridge-17/telemetry", nil},
		{"native among 50 sources", "telltale/fridge-17/telemetry", sources},
		{"last of 50 sources", "plant-49/fridge-17/data", sources},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, err := NewRouter(c.sources, Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := r.Route(c.topic); !ok {
					b.Fatal("no route")
				}
			}
		})
	}
}
