package influx_test

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"telltale/ingest/history"
	"telltale/ingest/history/influx"
	"telltale/ingest/history/influxtest"
)

// BenchmarkWrite stores batches of 20,000 readings in a real InfluxDB beside
// it, spread over partitions that are written at the same time. The CPU figure
// is this process's, per reading; InfluxDB's own is not in it.
func BenchmarkWrite(b *testing.B) {
	for _, partitions := range []int{1, 4} {
		b.Run(fmt.Sprintf("%d partitions", partitions), func(b *testing.B) {
			const fleet, perReport, perBatch = 1000, 5, 20_000
			server := influxtest.Start(b, influxtest.Options{})
			l := &ledger{}
			store := open(b, server, influx.Options{Bucket: server.Database()}, l)
			epoch := l.acquire()
			chunks := make([]history.Chunk, partitions)
			for i := range perBatch / perReport {
				device := i % fleet
				r := reportAt(fmt.Sprintf("fridge-%04d", device), 0)
				for m := range perReport {
					r.Readings = append(r.Readings, number(fmt.Sprintf("sensor_%d", m), float64(i%977)/8))
				}
				c := &chunks[device%partitions]
				c.Partition, c.Epoch = device%partitions, epoch
				c.Reports = append(c.Reports, r)
			}
			var tick atomic.Int64
			before := cpu(b)
			readings := 0
			for b.Loop() {
				for i := range chunks {
					for j := range chunks[i].Reports {
						r := &chunks[i].Reports[j]
						r.ObservedAt = start().Add(time.Duration(tick.Add(1)) * time.Millisecond)
					}
				}
				if _, err := store.Write(b.Context(), chunks); err != nil {
					b.Fatal(err)
				}
				readings += perBatch
			}
			b.ReportMetric(float64(readings)/b.Elapsed().Seconds(), "readings/s")
			b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(readings), "cpu-ns/reading")
		})
	}
}

// cpu is the time that this process has computed.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
