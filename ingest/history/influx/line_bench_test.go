package influx

import (
	"fmt"
	"testing"
	"time"

	"telltale/devices"
)

// BenchmarkLines encodes a batch of 20,000 readings of 1,000 devices, five in a
// report.
func BenchmarkLines(b *testing.B) {
	reports := benchReports(4_000)
	var buffer []byte
	b.ReportAllocs()
	readings := 0
	for b.Loop() {
		refs, _ := finiteReadings(reports)
		buffer, _ = appendLines(buffer[:0], refs)
		readings += len(refs)
	}
	b.SetBytes(int64(len(buffer)))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(readings), "ns/reading")
}

func benchReports(n int) []devices.Report {
	reports := make([]devices.Report, n)
	for i := range reports {
		at := time.UnixMicro(1_763_780_000_000_000).Add(time.Duration(i) * time.Millisecond)
		reports[i] = devices.Report{Device: devices.ID(fmt.Sprintf("fridge-%04d", i%1000)), ObservedAt: at, ReceivedAt: at}
		for m := range 5 {
			reports[i].Readings = append(reports[i].Readings, devices.Reading{
				Metric: fmt.Sprintf("sensor_%d", m), Value: devices.Number(float64(i%977) / 8),
			})
		}
	}
	return reports
}
