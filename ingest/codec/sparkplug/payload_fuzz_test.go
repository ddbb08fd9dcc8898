package sparkplug

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse checks that no bytes upset the reader, and that what it reads it
// can write and read again.
func FuzzParse(f *testing.F) {
	f.Add(RebirthRequest())
	f.Add(packed(f, "GZIP", RebirthRequest()))
	f.Add([]byte{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x12, 0x02, 0x53, 0x54})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		var at *Error
		if err != nil {
			if !errors.As(err, &at) || at.Offset > len(b) {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		if len(p.Metrics) > MaxMetrics || p.Seq > 255 {
			t.Errorf("%d metrics, sequence %d", len(p.Metrics), p.Seq)
		}
		if p.uuid == compressed { // a body that was compressed twice
			return
		}
		written := Payload{Timestamp: p.Timestamp, Seq: p.Seq, Metrics: p.Metrics}
		again, err := Parse(written.Append(nil))
		if diff := cmp.Diff(&written, again, cmp.AllowUnexported(Payload{}, Value{})); err != nil || diff != "" {
			t.Errorf("%v (-read +read again):\n%s", err, diff)
		}
	})
}
