package rules

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"telltale/devices"
)

// benchSet has n rules that watch the temperature, two thirds of them with
// an on-delay, and 1,000 rules of other models.
func benchSet(tb testing.TB, n, count int) (*Set, []devices.ID) {
	tb.Helper()
	var rules []Rule
	for i := range n {
		r := Rule{ID: fmt.Sprintf("rule-%03d", i), When: fmt.Sprintf("temperature > %d and not door_open", 8+i%20)}
		if i%3 > 0 {
			r.When, r.For = fmt.Sprintf("temperature > %d", 8+i%20), 10*time.Minute
		}
		rules = append(rules, r)
	}
	for i := range 1000 {
		rules = append(rules, Rule{ID: fmt.Sprintf("other-%03d", i), When: "temperature > 8", AppliesTo: Selector{Models: []string{"WM-*"}}})
	}
	for i := range rules[:n] {
		rules[i].AppliesTo.Models = []string{"FR-*"}
	}
	washer := &devices.Model{ID: "WM-1", Metrics: map[string]devices.Metric{"temperature": {Unit: "Cel"}}}
	var ids []devices.ID
	var all []*devices.Device
	for i := range count {
		id := devices.ID(fmt.Sprintf("fridge-%06d", i))
		ids = append(ids, id)
		all = append(all, &devices.Device{ID: id, Model: "FR-200"})
	}
	set, err := Compile(rules, devices.NewDirectory(1, []*devices.Model{fridge(), washer}, all))
	if err != nil {
		tb.Fatal(err)
	}
	return set, ids
}

// benchBatches are reports of one temperature each, of devices in an order
// that caches cannot guess, a hundred to a batch. Every hundredth breaches.
func benchBatches(ids []devices.ID) [][]devices.Report {
	random := rand.New(rand.NewPCG(1, 2))
	const batches, size = 64, 100
	all := make([][]devices.Report, batches)
	for i := range all {
		for range size {
			v := 4 + random.Float64()
			if random.IntN(100) == 0 {
				v = 30
			}
			all[i] = append(all[i], devices.Report{
				Device:   ids[random.IntN(len(ids))],
				Readings: []devices.Reading{{Metric: "temperature", Value: devices.Number(v)}},
			})
		}
	}
	return all
}

// BenchmarkEngine measures one reading through the engine.
func BenchmarkEngine(b *testing.B) {
	for _, rules := range []int{0, 1, 10, 100} {
		for _, count := range []int{10, 1_000, 100_000} {
			b.Run(fmt.Sprintf("rules=%d/devices=%d", rules, count), func(b *testing.B) {
				set, ids := benchSet(b, rules, count)
				e := NewEngine(set)
				batches := benchBatches(ids)
				now := start
				for _, id := range ids { // so that no device is made in the loop
					e.Apply([]devices.Report{reportOf(id, now, map[string]any{"temperature": 4, "door_open": true})}, now, nil)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for n := 0; n < b.N; {
					batch := batches[(n/100)%len(batches)]
					for i := range batch {
						now = now.Add(time.Millisecond)
						batch[i].ObservedAt, batch[i].ReceivedAt = now, now
					}
					e.Apply(batch, now, nil)
					n += len(batch)
				}
			})
		}
	}
}

// BenchmarkRestore measures the recovery of 100,000 devices with 10 rules.
func BenchmarkRestore(b *testing.B) {
	set, ids := benchSet(b, 10, 100_000)
	e := NewEngine(set)
	for i, id := range ids {
		e.Apply([]devices.Report{reportOf(id, start, map[string]any{"temperature": 4 + 10*(i%10), "door_open": false, "mode": "eco", "humidity": 40})}, start, nil)
	}
	state := e.Snapshot(nil)
	b.Run("snapshot", func(b *testing.B) {
		buf := make([]byte, 0, len(state))
		b.SetBytes(int64(len(state)))
		b.ReportAllocs()
		for b.Loop() {
			buf = e.Snapshot(buf[:0])
		}
	})
	b.Run("restore", func(b *testing.B) {
		b.SetBytes(int64(len(state)))
		b.ReportAllocs()
		for b.Loop() {
			if err := NewEngine(set).Restore(state); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCondition measures the conditions alone.
func BenchmarkCondition(b *testing.B) {
	for _, condition := range []string{
		"temperature > 8",
		"temperature > 8 and humidity < 50",
		`mode == "defrost" or fault("E21")`,
		"torque * speed > 3500",
	} {
		b.Run(condition, func(b *testing.B) {
			model := fridge()
			model.Metrics["torque"], model.Metrics["speed"] = devices.Metric{}, devices.Metric{}
			n, problems, _ := checkCondition(condition, newScope([]*devices.Model{model}))
			if n == nil {
				b.Fatal(problems)
			}
			mp := newModelPlan(model, nil)
			d := newDevice(fridgeID, &plan{modelPlan: mp})
			for i := range d.slots {
				d.slots[i].set(1, devices.Number(9))
			}
			f := &frame{slots: d.slots, now: 1, faultsKnown: true}
			holds := (&binder{layout: mp.layout}).truth(n)
			b.ReportAllocs()
			for b.Loop() {
				holds(f)
			}
		})
	}
}

// Not parallel: it counts the allocations of the whole process.
func TestAReadingAllocatesNothing(t *testing.T) {
	set := compile(t,
		Rule{ID: "a", When: "temperature > 8", For: 10 * time.Hour},
		Rule{ID: "b", When: `mode == "defrost" and humidity / 2 > 80 or fault("E21")`},
		Rule{ID: "c", When: `silent("15m")`},
		Rule{ID: "e", When: `avg(temperature, "10m") > 80 or time_where(humidity > 30, "1h") > 7200`},
		Rule{ID: "d", When: "temperature > 80", Escalate: []Escalation{{time.Hour, Critical}}},
	)
	e := NewEngine(set)
	now := start
	reports := []devices.Report{
		reportOf(fridgeID, now, map[string]any{"temperature": 9, "mode": "eco", "humidity": 40, "faults": []string{"E9"}}),
		reportOf("fridge-2", now, map[string]any{"temperature": 4}),
	}
	step := func() {
		now = now.Add(time.Second)
		for i := range reports {
			reports[i].ObservedAt, reports[i].ReceivedAt = now, now
		}
		e.Apply(reports, now, nil)
	}
	for range 700 { // until the windows are full
		step()
	}
	if n := testing.AllocsPerRun(500, step); n != 0 {
		t.Errorf("%v allocations for two reports", n)
	}
}
