package stream

import (
	"fmt"
	"testing"
	"time"

	"telltale/devices"
)

// sampleReport is what a fridge sends: three readings and no faults.
func sampleReport(i int) devices.Report {
	return devices.Report{
		Device:     devices.ID(fmt.Sprintf("fridge-%d", i)),
		ObservedAt: noon.Add(-time.Duration(i) * time.Millisecond), ReceivedAt: noon.Add(-time.Microsecond),
		Seq: uint64(1000 + i),
		Readings: []devices.Reading{
			{Metric: "temperature", Value: devices.Number(4.2 + float64(i)/10)},
			{Metric: "door_open", Value: devices.Number(0)},
			{Metric: "compressor_w", Value: devices.Number(87.5)},
		},
		Faults: []string{},
	}
}

func sampleBatch(n int) Batch {
	b := Batch{AppendedAt: noon}
	for i := range n {
		b.Reports = append(b.Reports, sampleReport(i))
	}
	return b
}

func BenchmarkEncode(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("reports=%d", n), func(b *testing.B) {
			batch := sampleBatch(n)
			e := encoder{index: make(map[string]uint64)}
			b.ReportAllocs()
			for b.Loop() {
				e.buf = e.buf[:0]
				e.begin(batch.AppendedAt)
				for i := range batch.Reports {
					e.add(&batch.Reports[i])
				}
				e.finish()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/report")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("reports=%d", n), func(b *testing.B) {
			p := encode(b, sampleBatch(n))
			var d Decoder
			b.ReportAllocs()
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				if _, err := d.Decode(p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/report")
		})
	}
}
