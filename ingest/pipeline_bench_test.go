package ingest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/stream"
)

const benchBody = `{"ts": %d, "values": {"temperature": 4.2, "door_open": false, "compressor_w": 87.5}}`

// BenchmarkAccept measures a blocking Accept by many senders at once: into
// nothing, which leaves the pipeline's own work, and into the real log, with
// its sync.
func BenchmarkAccept(b *testing.B) {
	nowhere := appenderFunc(func(context.Context, time.Time, []devices.Report, [][]byte) error { return nil })
	for _, senders := range []int{1, 50, 1000} {
		b.Run(fmt.Sprintf("log=none/senders=%d", senders), func(b *testing.B) { benchmarkAccept(b, nowhere, senders) })
		b.Run(fmt.Sprintf("log=synced/senders=%d", senders), func(b *testing.B) {
			log, err := stream.Open(b.Context(), stream.Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer log.Close()
			benchmarkAccept(b, log, senders)
		})
	}
}

func benchmarkAccept(b *testing.B, log Appender, senders int) {
	p, err := NewPipeline(log, fleet(), PipelineOptions{})
	if err != nil {
		b.Fatal(err)
	}
	stop := run(b, p.Run)
	body := fmt.Appendf(nil, benchBody, time.Now().UnixMilli())
	var left atomic.Int64
	left.Store(int64(b.N))
	before := cpuTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			m := Message{Topic: fmt.Sprintf("telltale/fridge-%d/telemetry", i%1000), Payload: body}
			for left.Add(-1) >= 0 {
				m.ReceivedAt = time.Now()
				if err := p.Accept(context.Background(), m); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	stop()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1000/float64(b.N), "cpu-µs/msg")
}

// BenchmarkAdd measures the part of Accept that runs in the sender's
// goroutine: decode, identify, check.
func BenchmarkAdd(b *testing.B) {
	p, err := NewPipeline(&memory{}, fleet(), PipelineOptions{})
	if err != nil {
		b.Fatal(err)
	}
	var it pending
	m := telemetry("fridge-17", fmt.Sprintf(benchBody, time.Now().UnixMilli()))
	b.ReportAllocs()
	for b.Loop() {
		it.reset()
		p.add(&it, m)
	}
}
