package stream

import (
	"errors"
	"testing"
	"time"

	"telltale/devices"
)

func TestOneMessageIsFoundByItsPlace(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 2})
	now := time.Now()
	for i := range uint64(20) {
		report := devices.Report{Device: "fridge-1", ObservedAt: now, ReceivedAt: now, Seq: i}
		if err := l.Append(t.Context(), now, []devices.Report{report}, nil); err != nil {
			t.Fatal(err)
		}
	}
	p := l.PartitionOf("fridge-1")
	m, err := l.At(t.Context(), p, 7)
	if err != nil || m.Seq != 7 || len(m.Reports) != 1 || m.Reports[0].Seq != 6 {
		t.Errorf("got %+v, %v", m, err)
	}
	for _, place := range []struct {
		partition int
		seq       uint64
	}{{p, 21}, {p, 1 << 62}, {1 - p, 7}} {
		if _, err := l.At(t.Context(), place.partition, place.seq); !errors.Is(err, ErrTrimmed) {
			t.Errorf("at %+v: %v", place, err)
		}
	}
}
