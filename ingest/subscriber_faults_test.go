package ingest

import (
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest/codec"
)

func TestWhatTheBrokerSendsAgainKeepsItsOrder(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t, saveAlways)
	w := newWire(t, broker.addr)
	var log memory
	p := startPipeline(t, &log, PipelineOptions{})
	s := newSubscriber(t, p, SubscriberOptions{URL: w.url(), Log: zap.NewNop()})
	run(t, s.Run)
	awaitReady(t, s, true)

	// None of the acknowledgements arrives, so the broker sends everything
	// again, and once more.
	w.swallowPubacks.Store(true)
	publishSeq(t, broker.addr, "fridge-1", 1, 100)
	for round := range 3 {
		await(t, "all are stored", func() bool { return counterValue(t, p.metrics.reports) >= float64((round+1)*100) })
		w.swallowPubacks.Store(round < 1)
		w.cut()
	}
	publishSeq(t, broker.addr, "fridge-1", 101, 200)
	await(t, "what follows is stored", func() bool {
		reports, _, _ := log.stored()
		return len(missing(reports, 200)) == 0
	})
	reports, _, _ := log.stored()
	checkOrder(t, reports)
	if len(reports) < 400 {
		t.Errorf("%d reports: the broker did not send again", len(reports))
	}
}

func TestAHalfOpenConnectionIsNoticedAndLosesNothing(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t, saveAlways)
	w := newWire(t, broker.addr)
	var log memory
	p := startPipeline(t, &log, PipelineOptions{})
	s := newSubscriber(t, p, SubscriberOptions{URL: w.url(), KeepAlive: time.Second, Log: zap.NewNop()})
	run(t, s.Run)
	awaitReady(t, s, true)
	publishSeq(t, broker.addr, "fridge-1", 1, 50)
	await(t, "50 are stored", func() bool { return counterValue(t, p.metrics.reports) == 50 })

	began := time.Now()
	w.blackhole()
	publishSeq(t, broker.addr, "fridge-1", 51, 100) // swallowed, as far as the broker sends them
	awaitReady(t, s, false)
	if took := time.Since(began); took > 25*time.Second { // 1 s and a third, and what a loaded machine adds; the kernel would take 30 s
		t.Errorf("noticed after %s", took)
	}
	awaitReady(t, s, true)
	await(t, "all 100 are stored", func() bool {
		reports, _, _ := log.stored()
		return len(missing(reports, 100)) == 0
	})
	reports, _, _ := log.stored()
	checkOrder(t, reports)
}

func TestAPayloadOfAMegabyteIsKeptAsRefusedAndAcknowledged(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var log memory
	p := startPipeline(t, &log, PipelineOptions{})
	run(t, newSubscriber(t, p, SubscriberOptions{URL: "mqtt://" + l.Addr().String(), Log: zap.NewNop()}).Run)
	c := acceptSubscriber(t, l)
	if err := c.publishAcked("telltale/fridge-1/telemetry", strings.Repeat("x", 1<<20), 7); err != nil {
		t.Fatal(err)
	}
	_, refused, _ := log.stored()
	if len(refused) != 1 || refused[0].Reason != TooLarge || len(refused[0].Payload) != keptOfOversized {
		t.Errorf("got %d refused", len(refused))
	}
}

// union returns the reports of several logs.
func union(logs ...*memory) []devices.Report {
	var all []devices.Report
	for _, log := range logs {
		reports, _, _ := log.stored()
		all = append(all, reports...)
	}
	return all
}

func TestAGroupLosesNothingWhenOneOfItIsKilled(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t, saveAlways)
	w := newWire(t, broker.addr)
	var first, second memory
	one := newSubscriber(t, startPipeline(t, &first, PipelineOptions{}),
		SubscriberOptions{URL: broker.url(), ClientID: "node-1", Group: "g"})
	two := newSubscriber(t, startPipeline(t, &second, PipelineOptions{}),
		SubscriberOptions{URL: w.url(), ClientID: "node-2", Group: "g", Log: zap.NewNop()})
	run(t, one.Run)
	stopTwo := run(t, two.Run)
	awaitReady(t, one, true)
	awaitReady(t, two, true)

	publishSeq(t, broker.addr, "fridge-1", 1, 200)
	await(t, "200 are stored", func() bool { return len(missing(union(&first, &second), 200)) == 0 })
	for _, log := range []*memory{&first, &second} {
		if n := len(union(log)); n == 0 || n == 200 {
			t.Errorf("one node has %d of 200 messages", n)
		}
		checkRising(t, union(log))
	}

	// As in a crash: no goodbye, and acknowledgements that do not arrive.
	w.swallowPubacks.Store(true)
	publishSeq(t, broker.addr, "fridge-1", 201, 250)
	w.down.Store(true)
	w.cut()
	stopTwo()
	publishSeq(t, broker.addr, "fridge-1", 251, 400)
	var again memory
	back := newSubscriber(t, startPipeline(t, &again, PipelineOptions{}),
		SubscriberOptions{URL: broker.url(), ClientID: "node-2", Group: "g"})
	t.Logf("%d of 400 wait for the node that is away", len(missing(union(&first, &second), 400)))
	run(t, back.Run)
	await(t, "all 400 are stored", func() bool { return len(missing(union(&first, &second, &again), 400)) == 0 })
}

// checkRising fails when a node's part of a device's reports is out of order.
func checkRising(t testing.TB, reports []devices.Report) {
	t.Helper()
	for i := 1; i < len(reports); i++ {
		if reports[i].Seq < reports[i-1].Seq {
			t.Fatalf("sequence %d came after %d", reports[i].Seq, reports[i-1].Seq)
		}
	}
}

func TestEachNodeOfAGroupGetsTheRetainedStatus(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t, saveAlways)
	c, err := dial(broker.addr, visitor{id: "fridge-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	const retainedQoS1 = packetPublish<<4 | 1<<1 | 1
	if err := c.send(retainedQoS1, append(appendText(nil, "telltale/fridge-1/status"), "\x00\x01online"...)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.read(); err != nil {
		t.Fatal(err)
	}
	router, err := codec.NewRouter(nil, codec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"node-1", "node-2"} {
		var log memory
		s := newSubscriber(t, startPipeline(t, &log, PipelineOptions{}),
			SubscriberOptions{URL: broker.url(), ClientID: id, Group: "g", Unshared: router.StatusFilters()})
		run(t, s.Run)
		await(t, id+" knows the status", func() bool {
			reports, _, _ := log.stored()
			return len(reports) == 1 && reports[0].Presence == devices.Online
		})
	}
}
