package ingest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"telltale/devices"
)

// BenchmarkKilledMosquitto counts what a Mosquitto that is killed has
// acknowledged to a device and never hands over, by how it saves its sessions:
// of 2,000 messages while the gateway is away, and of those acknowledged
// before the kill while it takes them. lost/kill is the figure; docs/brokers.md
// quotes it.
func BenchmarkKilledMosquitto(b *testing.B) {
	for _, c := range []struct{ name, conf string }{
		{"saving every 30 minutes, the default", "autosave_interval 1800\n"},
		{"saving every second", "autosave_interval 1\n"},
		{"saving after 1000 changes", "autosave_on_changes true\nautosave_interval 1000\n"},
		{"saving after every change", saveAlways},
	} {
		b.Run(c.name+"/gateway away", func(b *testing.B) {
			killedWhileAway(b, c.conf)
		})
		b.Run(c.name+"/gateway there", func(b *testing.B) {
			killedInStream(b, c.conf)
		})
	}
}

func killedWhileAway(b *testing.B, conf string) {
	const n = 2_000
	broker := startMosquitto(b, conf)
	log := &memory{}
	p := startPipeline(b, log, PipelineOptions{})
	s := newSubscriber(b, p, SubscriberOptions{URL: broker.url()})
	stop := run(b, s.Run)
	awaitReady(b, s, true)
	stop()

	began := time.Now()
	publishSeq(b, broker.addr, "fridge-1", 1, n)
	b.ReportMetric(n/time.Since(began).Seconds(), "acknowledged/s")
	broker.kill()
	broker.start()
	reportLost(b, broker, p, log, n)
}

// reportLost takes what the broker still has, until a last message that is
// published now.
func reportLost(b *testing.B, broker *debianBroker, p *Pipeline, log *memory, n int) {
	run(b, newSubscriber(b, p, SubscriberOptions{URL: broker.url()}).Run)
	await(b, "the last message is stored", func() bool {
		publishSeq(b, broker.addr, "fridge-900", 1, 1)
		reports, _, _ := log.stored()
		return len(reports) > 0 && reports[len(reports)-1].Device == "fridge-900"
	})
	reports, _, _ := log.stored()
	reports = slices.DeleteFunc(reports, func(r devices.Report) bool { return r.Device != "fridge-1" })
	b.ReportMetric(float64(len(missing(reports, n))), "lost/kill")
	broker.kill()
}

func killedInStream(b *testing.B, conf string) {
	broker := startMosquitto(b, conf)
	log := &memory{}
	p := startPipeline(b, log, PipelineOptions{})
	s := newSubscriber(b, p, SubscriberOptions{URL: broker.url()})
	stop := run(b, s.Run)
	awaitReady(b, s, true)
	acknowledged := make(chan int)
	go func() { acknowledged <- publishUntilBroken(b, broker) }()
	<-time.After(3 * time.Second) // of load
	broker.kill()
	n := <-acknowledged
	b.ReportMetric(float64(n)/3, "acknowledged/s")
	stop()
	broker.start()
	reportLost(b, broker, p, log, n)
}

// publishUntilBroken keeps up to 200 messages on the way and returns how many
// were acknowledged when the connection broke; the broker does so in order.
func publishUntilBroken(b *testing.B, broker *debianBroker) int {
	c, err := dial(broker.addr, visitor{id: "stream"})
	if err != nil {
		b.Error(err)
		return 0
	}
	defer c.close()
	window := make(chan struct{}, 200)
	go func() {
		for n := 1; ; n++ {
			window <- struct{}{}
			if c.publish("telltale/fridge-1/telemetry", fmt.Sprintf(`{"seq":%d}`, n), uint16(n%60000+1)) != nil {
				return
			}
		}
	}()
	for n := 0; ; n++ {
		if _, _, err := c.read(); err != nil {
			for { // lets the other goroutine end
				select {
				case <-window:
				default:
					return n
				}
			}
		}
		<-window
	}
}
