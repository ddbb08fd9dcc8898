package script

import "testing"

func BenchmarkDecode(b *testing.B) {
	r := newRunner(b, Options{})
	in := Input{Bytes: []byte{1, 0, 0xe2, 2, 0x29}, FPort: 5}
	const source = `function decodeUplink(input) { return {data: {temperature: (input.bytes[1]<<8|input.bytes[2])/10, humidity: input.bytes[4]}}; }`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Decode(source, in); err != nil {
			b.Fatal(err)
		}
	}
}
