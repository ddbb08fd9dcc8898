package codec

import (
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
	r, err := NewRouter(nil, Options{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r.Route("telltale/fridge-17/telemetry")
	}
}
