package ingest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"telltale/ingest/stream"
)

// BenchmarkBroker measures QoS 1 messages acknowledged over loopback, each
// synced to disk before, with every connection waiting for its acknowledgement
// as devices do. The clients run in the same process; cpu-µs/msg is everything
// together.
func BenchmarkBroker(b *testing.B) {
	for _, connections := range []int{1, 50, 1000} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			log := openLog(b, stream.Options{})
			broker, _, _ := startBroker(b, log, BrokerOptions{}, PipelineOptions{})
			clients := make([]*client, connections)
			for i := range clients {
				clients[i] = mustDial(b, broker, visitor{id: fmt.Sprint("c", i)})
			}
			body := fmt.Sprintf(benchBody, time.Now().UnixMilli())
			latencies := make([][]time.Duration, connections)
			var left atomic.Int64
			left.Store(int64(b.N))
			before := cpuTime(b)
			b.ResetTimer()
			var wg sync.WaitGroup
			for i, c := range clients {
				wg.Go(func() {
					topic := fmt.Sprintf("telltale/fridge-%d/telemetry", i%1000)
					for n := uint16(1); left.Add(-1) >= 0; n = n%60000 + 1 {
						sent := time.Now()
						if err := c.publishAcked(topic, body, n); err != nil {
							b.Error(err)
							return
						}
						latencies[i] = append(latencies[i], time.Since(sent))
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			all := slices.Concat(latencies...)
			slices.Sort(all)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/msg")
			b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// cpuTime is what this process has used so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
