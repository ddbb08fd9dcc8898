package stream

import (
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"telltale/devices"
)

// TestTheLogSaysWhereItStoredEachReport looks at what is logged of several
// batches and holds it against what a reader finds at those places.
func TestTheLogSaysWhereItStoredEachReport(t *testing.T) {
	t.Parallel()
	logged, lines := observer.New(zap.DebugLevel)
	log, err := Open(t.Context(), Options{Dir: t.TempDir(), Partitions: 3, Log: zap.New(logged)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ids := []devices.ID{"a", "b", "c", "d", "a", "e", "b"}
	for round := range 3 {
		var reports []devices.Report
		for _, id := range ids[round:] {
			reports = append(reports, devices.Report{Device: id, ObservedAt: at, ReceivedAt: at})
		}
		if err := log.Append(t.Context(), at, reports, [][]byte{[]byte("refused")}); err != nil {
			t.Fatal(err)
		}
	}
	told := make(map[string]string)
	for _, line := range lines.FilterMessage("report stored").All() {
		fields := line.ContextMap()
		told[fields["trace"].(string)] = fields["device_id"].(string)
	}
	if want := 7 + 6 + 5; len(told) != want {
		t.Errorf("%d reports were told of, not %d: %v", len(told), want, told)
	}
	for p := range log.Partitions() {
		end, err := log.End(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := log.Read(t.Context(), p, 0)
		if err != nil {
			t.Fatal(err)
		}
		for reader.Seq() < end {
			m, err := reader.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range m.Reports {
				if trace := TraceOf(p, m.Seq, i); told[trace] != string(r.Device) {
					t.Errorf("at %s is device %s, and told was %q", trace, r.Device, told[trace])
				}
			}
		}
		reader.Close()
	}
}
