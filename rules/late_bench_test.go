package rules

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"telltale/devices"
)

// lateRules watch a temperature as rules do: thresholds with and without
// delays, and windows.
func lateRules() []Rule {
	var rules []Rule
	for i := range 10 {
		r := Rule{ID: fmt.Sprintf("rule-%d", i), When: fmt.Sprintf("temperature > %d", 8+i), For: 10 * time.Minute}
		if i%3 == 0 {
			r.When = fmt.Sprintf(`avg(temperature, "10m") > %d`, 8+i)
		}
		rules = append(rules, r)
	}
	return rules
}

// minuteReports are reports of three metrics, one a minute.
func minuteReports(n int) []devices.Report {
	all := make([]devices.Report, n)
	for i := range all {
		all[i] = reportOf(fridgeID, minute(float64(i)), map[string]any{"temperature": 4 + i%3, "humidity": 40, "compressor_w": 80})
	}
	return all
}

// BenchmarkInOrder measures what it costs devices in order that they could be
// taken back: time for a report of three metrics with ten rules, and memory
// for a device.
func BenchmarkInOrder(b *testing.B) {
	for _, lateness := range []time.Duration{0, 10 * time.Minute, time.Hour, 12 * time.Hour} {
		b.Run("lateness="+lateness.String(), func(b *testing.B) {
			set := patient(b, lateness, lateRules()...)
			e := NewEngine(set)
			reports := minuteReports(4096)
			now := start
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				r := &reports[n%len(reports)]
				now = now.Add(time.Minute)
				r.ObservedAt, r.ReceivedAt = now, now
				e.Apply(reports[n%len(reports):][:1], now, nil)
			}
			b.ReportMetric(bytesPerDevice(set), "B/device")
		})
	}
}

// bytesPerDevice is what engines with one device each take, a day after.
func bytesPerDevice(set *Set) float64 {
	const engines = 200
	var before, after runtime.MemStats
	kept := make([]*Engine, engines)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range kept {
		kept[i] = NewEngine(set)
		for _, r := range minuteReports(1440) {
			kept[i].Apply([]devices.Report{r}, r.ReceivedAt, nil)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return float64(after.HeapAlloc-before.HeapAlloc) / engines
}

// BenchmarkLate measures a report in order and one that comes after it and
// belongs some reports before it.
func BenchmarkLate(b *testing.B) {
	for _, back := range []int{2, 8, 50, 200} {
		b.Run(fmt.Sprintf("back=%d", back), func(b *testing.B) {
			e := NewEngine(patient(b, time.Duration(back+2)*time.Minute, lateRules()...))
			reports := minuteReports(1000)
			for _, r := range reports {
				e.Apply([]devices.Report{r}, r.ReceivedAt, nil)
			}
			now := reports[len(reports)-1].ObservedAt
			for b.Loop() {
				now = now.Add(time.Minute)
				late := now.Add(-time.Duration(back)*time.Minute - 30*time.Second)
				e.Apply([]devices.Report{reportOf(fridgeID, now, map[string]any{"temperature": 5})}, now, nil)
				e.Apply([]devices.Report{reportOf(fridgeID, late, map[string]any{"temperature": 5})}, now, nil)
			}
			if e.Stats().Late > 0 {
				b.Fatalf("%d readings were too late", e.Stats().Late)
			}
		})
	}
}
