package stream

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(encode(f, Batch{AppendedAt: noon}))
	f.Add(encode(f, Batch{AppendedAt: noon, Reports: []devices.Report{sampleReport(1), sampleReport(2)}}))
	f.Add(append([]byte{schemaVersion}, bytes.Repeat([]byte{0xff}, 32)...))
	f.Fuzz(func(t *testing.T, p []byte) {
		var d Decoder
		b, err := d.Decode(p)
		if err != nil {
			return
		}
		// What was understood must come back the same, if not from the same bytes.
		again := decode(t, encode(t, b))
		if diff := cmp.Diff(b, again, sameBits); diff != "" {
			t.Errorf("second decoding differs (-first +second):\n%s", diff)
		}
	})
}
