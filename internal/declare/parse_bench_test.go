package declare_test

import (
	"bytes"
	"fmt"
	"testing"

	"telltale/devices"
	"telltale/internal/declare"
)

const device = "{kind: Device, id: fridge-%05d, model: FR-200, serial: SN-1, site: Warsaw, " +
	"owners: [{customer: C-1001, from: 2026-01-10T00:00:00Z}], tags: {firmware: \"2.1.0\"}}\n---\n"

// BenchmarkParseSources reads a thousand devices from YAML.
func BenchmarkParseSources(b *testing.B) {
	var text bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&text, device, i)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		set, err := declare.ParseSources(declare.Source{Name: "b.yaml", Text: text.Bytes()})
		if err != nil || set.Len() != 1000 {
			b.Fatal(set.Len(), err)
		}
	}
}

// BenchmarkDecode reads one device from its spec, as a gateway does for each
// when declarations change.
func BenchmarkDecode(b *testing.B) {
	set, err := declare.ParseSources(declare.Source{Name: "b.yaml", Text: fmt.Appendf(nil, device, 1)})
	if err != nil {
		b.Fatal(err)
	}
	spec, err := declare.Encode(set.Devices[0])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := declare.Decode[*devices.Device](spec); err != nil {
			b.Fatal(err)
		}
	}
}
