package codec

import (
	"testing"

	"telltale/devices"
)

// BenchmarkLoRaWAN decodes recorded messages; the script costs nothing here,
// see package script.
func BenchmarkLoRaWAN(b *testing.B) {
	for _, network := range []string{"ChirpStack", "ThingsStackCommunity"} {
		b.Run(network, func(b *testing.B) {
			scripts := scriptFunc(func(Frame) ([]byte, error) { return []byte(`{"battery":100,"temperature":28.1}`), nil })
			var c Codec
			var err error
			topic := ttnUp
			if network == "ChirpStack" {
				topic = upTopic
				c, err = NewChirpStack("", scripts)
			} else {
				c, err = NewTTN("", scripts)
			}
			if err != nil {
				b.Fatal(err)
			}
			for _, m := range networkMessages(b) {
				if m.Network != network {
					continue
				}
				p := Payload{Topic: topic, Body: m.Payload, ReceivedAt: receipt}
				var dst []devices.Report
				b.SetBytes(int64(len(m.Payload)))
				b.ReportAllocs()
				for b.Loop() {
					if dst, err = c.Decode(dst[:0], p); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
		})
	}
}
