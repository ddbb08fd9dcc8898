package ingest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func mustLimit(t testing.TB, l Limits) *limiter {
	t.Helper()
	x, err := newLimiter(l)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestDeviceMaySendItsBurstAndThenItsRate(t *testing.T) {
	t.Parallel()
	l := mustLimit(t, Limits{DeviceRate: 10, DeviceBurst: 100})
	now := time.Unix(1_800_000_000, 0)
	refused := func(n int) (count int) {
		for range n {
			if l.charge("fridge-1", 1, now, true).over > 0 {
				count++
			}
		}
		return count
	}
	if n := refused(150); n != 50 {
		t.Errorf("of 150 at once %d are refused, want 50", n)
	}
	now = now.Add(3 * time.Second)
	if n := refused(50); n != 20 {
		t.Errorf("three seconds later %d of 50 are refused, want 20: what was refused must not count", n)
	}
	if x := l.charge("fridge-2", 1, now, true); x.over > 0 {
		t.Error("another device is limited, too")
	}
	now = now.Add(time.Hour)
	if n := refused(101); n != 1 {
		t.Errorf("after an hour %d of 101 are refused, want 1: silence saves up no more than a burst", n)
	}
}

func TestManyReportsInOneMessageCountForMore(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for reports, want := range map[int]int{1: 10, 100: 10, 101: 5, 1000: 1} {
		l := mustLimit(t, Limits{DeviceRate: 1, DeviceBurst: 10})
		got := 0
		for range 20 {
			if l.charge("fridge-1", reports, now, true).over <= 0 {
				got++
			}
		}
		if got != want {
			t.Errorf("%d messages of %d reports are let through, want %d", got, reports, want)
		}
	}
}

func TestOperatorIsToldOnceInAWhile(t *testing.T) {
	t.Parallel()
	l := mustLimit(t, Limits{DeviceRate: 1, DeviceBurst: 1})
	start := time.Unix(1_800_000_000, 0)
	var told []int
	for second := range 121 {
		for range 3 {
			if l.charge("fridge-1", 1, start.Add(time.Duration(second)*time.Second), true).warn {
				told = append(told, second)
			}
		}
	}
	if diff := cmp.Diff([]int{0, 60, 120}, told); diff != "" {
		t.Errorf("told at (-want +got):\n%s", diff)
	}
}

func TestDevicesThatFellSilentAreForgotten(t *testing.T) {
	t.Parallel()
	l := mustLimit(t, Limits{DeviceRate: 100})
	now := time.Unix(1_800_000_000, 0)
	const heard = 4 * limitShards * pruneAt // enough for each part to have forgotten some
	for i := range heard {
		l.charge(devices.ID(fmt.Sprint("d", i)), 1, now.Add(time.Duration(i)*time.Millisecond), false)
	}
	kept := 0
	for i := range l.shards {
		kept += len(l.shards[i].buckets)
	}
	if kept > limitShards*pruneAt {
		t.Errorf("%d of %d devices that sent one message are remembered", kept, heard)
	}
}

func TestWrongLimitsAreNamed(t *testing.T) {
	t.Parallel()
	for _, l := range []Limits{{DeviceRate: -1}, {DeviceRate: 1, DeviceBurst: -1}, {DeviceRate: 1, DeviceBurst: 0.5}} {
		if _, err := newLimiter(l); err == nil {
			t.Errorf("%+v is taken", l)
		}
	}
}

// TestBabblingDeviceWaitsAndOthersDoNot floods the broker from one device over
// three connections, while others send now and then.
// While a babbling device waits for seconds another one sends as it likes: were
// it kept waiting too, its messages would take a hundred times as long.
func TestBabblingDeviceWaitsAndOthersDoNot(t *testing.T) {
	t.Parallel()
	var log memory
	b, p, _ := startBroker(t, &log, BrokerOptions{}, PipelineOptions{Limits: Limits{DeviceRate: 2, DeviceBurst: 99}})
	var babble sync.WaitGroup
	const connections, each = 3, 36 // 108 messages, of which the last nine have to wait: 4.5 s
	began := time.Now()
	var babbled atomic.Int32 // connections that are through
	for i := range connections {
		c := mustDial(t, b, visitor{id: fmt.Sprint("babbler-", i)})
		babble.Go(func() {
			for id := uint16(1); id <= each; id++ {
				if err := c.publish("telltale/fridge-1/telemetry", `{"seq":1}`, id); err != nil {
					t.Error(err)
					return
				}
			}
			if diff := cmp.Diff(sequence(each), c.readAcks(t, each)); diff != "" {
				t.Errorf("acknowledgements (-want +got):\n%s", diff)
			}
			// The next one waits for the debt.
			if err := c.publishAcked("telltale/fridge-1/telemetry", `{"seq":2}`, 1); err != nil {
				t.Error(err)
			}
			babbled.Add(1)
		})
	}
	modest := mustDial(t, b, visitor{id: "modest"})
	const sent = 100
	for id := uint16(1); id <= sent; id++ {
		if err := modest.publishAcked("telltale/fridge-2/telemetry", `{}`, id); err != nil {
			t.Fatal(err)
		}
	}
	if babbled.Load() == connections {
		t.Errorf("a modest device has its %d acknowledgements after %s, no sooner than the babbling one", sent, time.Since(began))
	}
	babble.Wait()
	if took := time.Since(began); took < 4*time.Second {
		t.Errorf("nine messages beyond the burst, at two a second, took %s", took)
	}
	checkOutcomes(t, p, map[string]float64{outcomeAccepted: connections*(each+1) + sent})
	if counterValue(t, p.metrics.pauses) == 0 {
		t.Error("no pause is counted")
	}
}

func TestRelayedMessageBeyondTheLimitIsQuarantinedAndCanBeReplayed(t *testing.T) {
	t.Parallel()
	var log memory
	p := startPipeline(t, &log, PipelineOptions{Limits: Limits{DeviceRate: 0.001, DeviceBurst: 2}})
	for i := range 5 {
		m := telemetry("fridge-1", fmt.Sprintf(`{"seq":%d}`, i+1))
		m.Relayed = true
		if err := p.Accept(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	reports, refused, _ := log.stored()
	if len(reports) != 2 || len(refused) != 3 || refused[0].Reason != RateLimited {
		t.Fatalf("stored %d reports and refused %v, want 2 and 3 as %s", len(reports), refused, RateLimited)
	}
	if _, err := p.Replay(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	if reports, refused, _ = log.stored(); len(reports) != 5 || len(refused) != 3 {
		t.Errorf("after the replay %d reports are stored and %d refused, want 5 and 3", len(reports), len(refused))
	}
	checkOutcomes(t, p, map[string]float64{outcomeAccepted: 2 + 3, string(RateLimited): 3})
}
