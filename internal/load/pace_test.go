package load

import (
	"encoding/binary"
	"io"
	"sync"
	"testing"
	"time"
)

// A broker that answers nothing for a while shows in what every message took
// that was due meanwhile, not only in those that were under way.
func TestWhatWaitsForTheBrokerIsMeasuredFromWhenItWasDue(t *testing.T) {
	t.Parallel()
	const stall = 300 * time.Millisecond
	var once sync.Once
	addr, messages := broker(t, func(id uint16, w io.Writer) {
		once.Do(func() {
			timer := time.NewTimer(stall)
			defer timer.Stop()
			<-timer.C
		})
		acknowledge(id, w)
	})
	report, err := Run(t.Context(), Options{
		Broker: addr, Connections: 1, Devices: 1, Window: 1, Rate: 100, Duration: 2 * stall,
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(60); report.Sent != want || messages.Load() != want {
		t.Errorf("%d sent, the broker got %d, want all %d that were due", report.Sent, messages.Load(), want)
	}
	// Thirty of sixty were due in the stall, and waited for half of it on average.
	if report.P99 < stall*8/10 || report.P50 < time.Millisecond && report.LateP50 < time.Millisecond {
		t.Errorf("%s, want the stall of %s in it", report, stall)
	}
	if report.LateP99 < stall*7/10 {
		t.Errorf("sent late p99 %s, want those that waited for the window, up to %s", report.LateP99, stall)
	}
}

func TestDueTimesAndCountsAgree(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{1, 7, 1000, 20_000} {
		for number := range 100 {
			at := dueAfter(number, rate)
			if got := dueBy(at+time.Microsecond, rate); got != number+1 {
				t.Errorf("at %d/s, %d messages are due after %s, want %d", rate, got, at, number+1)
			}
		}
	}
}

func TestWhatIsNoAcknowledgementEndsTheRun(t *testing.T) {
	t.Parallel()
	addr, _ := broker(t, func(id uint16, w io.Writer) {
		_, _ = w.Write(binary.BigEndian.AppendUint16([]byte{0xd0, 2}, id))
	})
	if _, err := Run(t.Context(), Options{Broker: addr, Connections: 1, Devices: 1, Duration: time.Second}); err == nil {
		t.Error("a run whose broker answers with another packet reports no error")
	}
}

func TestARateBelowZeroIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := Run(t.Context(), Options{Broker: "127.0.0.1:1", Connections: 1, Devices: 1, Duration: time.Second, Rate: -1}); err == nil {
		t.Error("a rate of -1 is taken")
	}
}

func TestTheWarmUpIsCountedAndNotMeasured(t *testing.T) {
	t.Parallel()
	start := time.Now()
	m := measured{start: start, warmUp: time.Second}
	due := []time.Time{start, start.Add(999 * time.Millisecond), start.Add(time.Second)}
	now := start.Add(1100 * time.Millisecond)
	m.wrote(due, now)
	m.acknowledged(due, now)
	got := m.report(time.Minute)
	if got.Sent != 3 || got.Acknowledged != 3 || got.Max != 100*time.Millisecond || got.LateP99 != 100*time.Millisecond {
		t.Errorf("%s, want three of each, and 100 ms of the one after the warm-up", got)
	}
}
