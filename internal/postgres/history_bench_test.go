package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/postgres"
)

// BenchmarkHistoryWrite measures Write for a fleet of 1,000 devices that
// report five metrics each, in batches of 20,000 readings.
func BenchmarkHistoryWrite(b *testing.B) {
	for _, c := range []struct {
		name string
		late bool
	}{
		{"new readings", false},
		{"readings stored before", true},
	} {
		b.Run(c.name, func(b *testing.B) {
			const fleet, metrics, perBatch = 1000, 5, 20_000
			store, epoch := benchHistory(b, fleet)
			reports := benchReports(fleet, metrics, perBatch/metrics)
			step := time.Duration(len(reports)/fleet) * time.Second
			readings := 0
			for seq := uint64(1); b.Loop(); seq++ {
				if !c.late || seq == 1 {
					advance(reports, step)
				}
				chunk := history.Chunk{Epoch: epoch, Seq: seq, Reports: reports}
				if _, err := store.Write(b.Context(), []history.Chunk{chunk}); err != nil {
					b.Fatal(err)
				}
				readings += perBatch
			}
			b.ReportMetric(float64(readings)/b.Elapsed().Seconds(), "readings/s")
		})
	}
}

// benchHistory returns the history of a database with a fleet.
func benchHistory(b *testing.B, fleet int) (*postgres.History, int64) {
	b.Helper()
	f := newFixture(b)
	for i := range fleet {
		f.declare(benchID(i))
	}
	return f.store, f.epoch
}

func benchID(i int) devices.ID { return devices.ID(fmt.Sprintf("fridge-%04d", i)) }

// benchReports returns n reports of a fleet, round about, one second apart.
func benchReports(fleet, metrics, n int) []devices.Report {
	reports := make([]devices.Report, n)
	for i := range reports {
		r := &reports[i]
		r.Device = benchID(i % fleet)
		r.ObservedAt = noon.Add(time.Duration(i/fleet) * time.Second)
		r.ReceivedAt = r.ObservedAt
		for m := range metrics {
			r.Readings = append(r.Readings, devices.Reading{
				Metric: fmt.Sprintf("metric_%d", m), Value: devices.Number(float64(i) / 7),
			})
		}
	}
	return reports
}

func advance(reports []devices.Report, step time.Duration) {
	for i := range reports {
		reports[i].ObservedAt = reports[i].ObservedAt.Add(step)
		reports[i].ReceivedAt = reports[i].ReceivedAt.Add(step)
	}
}
