package rules

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"telltale/devices"
)

// BenchmarkOtherModels measures a reading of a device with ten rules, beside
// none and beside a thousand rules of other models: the figures must agree.
func BenchmarkOtherModels(b *testing.B) {
	for _, others := range []int{0, 1_000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			set, ids := benchSet(b, benchRule, 10, others, 100, 10*time.Minute)
			newBenchFleet(b, set, ids).measure(b)
		})
	}
}

// BenchmarkWindow measures one look at a window by how many readings it holds.
func BenchmarkWindow(b *testing.B) {
	for _, readings := range []int{10, 60, 1_440} {
		b.Run(fmt.Sprintf("readings=%d", readings), func(b *testing.B) {
			var r ring
			keep := int64(readings) * int64(time.Minute)
			for i := range int64(3 * readings) {
				r.push(sample{at: i * int64(time.Minute), number: float64(i % 7)}, keep)
			}
			start := r.at(r.count-1).at - keep
			for b.Loop() {
				r.over(start, 3*int64(time.Minute))
			}
		})
	}
}

// BenchmarkTheAlarmOfASiteEnds measures an alarm that comes and ends at a site of
// ten silent devices, by how many others the partition has.
func BenchmarkTheAlarmOfASiteEnds(b *testing.B) {
	for _, others := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			meter := &devices.Model{ID: "PM-1", Metrics: map[string]devices.Metric{"volts": {Unit: "V"}}}
			all := []*devices.Device{{ID: "meter-1", Model: "PM-1", Site: "site-0"}}
			for i := range 10 + others {
				id := devices.ID(fmt.Sprintf("fridge-%06d", i))
				all = append(all, &devices.Device{ID: id, Model: "FR-200", Site: fmt.Sprintf("site-%d", i/10)})
			}
			set, err := Compile([]Rule{powerLost(), {
				ID: "quiet", When: `silent("15m")`, AppliesTo: Selector{Models: []string{"FR-*"}}, InhibitedBy: []Inhibitor{{"power-lost", SameSite}},
			}}, devices.NewDirectory(1, []*devices.Model{fridge(), meter}, all))
			if err != nil {
				b.Fatal(err)
			}
			e := NewEngine(set)
			for _, d := range all[1:] {
				e.Apply([]devices.Report{reportOf(d.ID, start, map[string]any{"temperature": 4})}, start, nil)
			}
			now := start
			for b.Loop() {
				for _, volts := range []float64{0, 230} {
					now = now.Add(time.Microsecond)
					e.Apply([]devices.Report{reportOf("meter-1", now, map[string]any{"volts": volts})}, now, nil)
				}
			}
		})
	}
}

// Not parallel: it measures the memory of the whole process.
func TestADeviceWithTenRulesTakesLessThanAKibibyte(t *testing.T) {
	var plain []Rule
	for i := range 10 {
		plain = append(plain, Rule{ID: fmt.Sprintf("rule-%d", i), When: fmt.Sprintf("temperature > %d and not door_open", i), For: 10 * time.Hour})
	}
	const count = 2_000
	var ids []devices.ID
	for i := range count {
		ids = append(ids, devices.ID(fmt.Sprintf("fridge-%04d", i)))
	}
	set, err := Compile(plain, directoryOf(ids...))
	if err != nil {
		t.Fatal(err)
	}
	e := NewEngine(set)
	before := heapSize()
	for _, id := range ids {
		e.Apply([]devices.Report{reportOf(id, start, map[string]any{"temperature": 30.0, "door_open": false, "mode": "eco"})}, start, nil)
	}
	each := (heapSize() - before) / count
	t.Logf("%d bytes", each)
	if each > 1024 {
		t.Errorf("a device takes %d bytes", each)
	}
	runtime.KeepAlive(e)
}

func heapSize() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
