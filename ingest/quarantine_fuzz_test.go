package ingest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"telltale/devices"
)

func FuzzDecodeQuarantined(f *testing.F) {
	q := Quarantined{ID: "1", Reason: Malformed, Detail: "d", Topic: "t", ClientID: "c", Payload: []byte("p"), ReceivedAt: time.UnixMicro(1).UTC()}
	f.Add(appendQuarantined([]byte{quarantineSchema}, &q))
	q.Devices, q.Source, q.Retained, q.ObservedAt = []devices.ID{"a", "b/c"}, "s", true, time.UnixMicro(-1).UTC()
	f.Add(appendQuarantined([]byte{quarantineSchema}, &q))
	f.Add([]byte{quarantineSchemaOne, 2, 1, 'i', 1, 'r', 0, 0, 0, 1, 'p'})
	f.Add([]byte{quarantineSchema, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, record []byte) {
		list, err := DecodeQuarantined(record)
		if err != nil {
			return
		}
		again := []byte{quarantineSchema}
		for i := range list {
			again = appendQuarantined(again, &list[i])
		}
		second, err := DecodeQuarantined(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(list, second, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("second decoding differs (-first +second):\n%s", diff)
		}
	})
}
