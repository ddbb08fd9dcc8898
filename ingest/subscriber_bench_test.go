package ingest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"telltale/ingest/stream"
)

// BenchmarkSubscriber measures QoS 1 messages from four publishers through a
// Debian Mosquitto into the synced log. The publishers and Mosquitto share the
// processors; cpu-µs/msg is the test process alone, publishers included.
func BenchmarkSubscriber(b *testing.B) {
	broker := startMosquitto(b)
	log := openLog(b, stream.Options{})
	p := startPipeline(b, log, PipelineOptions{})
	s := newSubscriber(b, p, SubscriberOptions{URL: broker.url()})
	run(b, s.Run)
	awaitReady(b, s, true)
	const publishers = 4
	body := fmt.Sprintf(benchBody, time.Now().UnixMilli())
	before := cpuTime(b)
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range publishers {
		wg.Go(func() { publishWindowed(b, broker, i, b.N/publishers, body) })
	}
	wg.Wait()
	want := float64(b.N / publishers * publishers)
	await(b, "all are stored", func() bool { return counterValue(b, p.metrics.reports) >= want })
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1000/float64(b.N), "cpu-µs/msg")
}

// publishWindowed publishes with up to 200 messages unacknowledged.
func publishWindowed(b *testing.B, broker *debianBroker, i, n int, body string) {
	c, err := dial(broker.addr, visitor{id: fmt.Sprint("pub-", i)})
	if err != nil {
		b.Error(err)
		return
	}
	defer c.close()
	window := make(chan struct{}, 200)
	acknowledged := make(chan struct{})
	go func() {
		defer close(acknowledged)
		for range n {
			if _, _, err := c.read(); err != nil {
				b.Error(err)
				return
			}
			<-window
		}
	}()
	topic := fmt.Sprintf("telltale/fridge-%d/telemetry", i)
	for k := range n {
		window <- struct{}{}
		if err := c.publish(topic, body, uint16(k%60000+1)); err != nil {
			b.Error(err)
			return
		}
	}
	<-acknowledged
}
