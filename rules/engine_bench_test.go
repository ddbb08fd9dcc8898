package rules

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"telltale/devices"
)

// benchRule is one of many rules that watch the temperature: two of three have
// an on-delay, the third looks at a window or adds up.
func benchRule(i int) Rule {
	r := Rule{ID: fmt.Sprintf("rule-%03d", i)}
	limit := 8 + i%20 // what breaches now and then begins an on-delay; windows are far from theirs
	switch {
	case i%3 == 1:
		r.When, r.For = fmt.Sprintf("temperature > %d", limit), 10*time.Minute
	case i%3 == 2:
		r.When, r.For = fmt.Sprintf("temperature > %d and not door_open", limit), 10*time.Minute
	default:
		r.When = fmt.Sprintf([]string{
			`avg(temperature, "10m") > %d`,
			`max(temperature, "30m") - min(temperature, "30m") > %d`,
			`time_where(temperature > %d, "24h") > 3600`,
			`delta(temperature, "15m") > %d`,
		}[i/3%4], 40+limit)
	}
	return r
}

// benchSet has n rules that watch the temperature and 1,000 of another model.
func benchSet(tb testing.TB, n, count int) (*Set, []devices.ID) {
	tb.Helper()
	var rules []Rule
	for i := range n {
		rules = append(rules, benchRule(i))
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

// benchFleet is an engine whose devices have reported every minute for longer
// than most windows, so that little has to be made any more.
type benchFleet struct {
	engine  *Engine
	batches [][]devices.Report
	next    int
	now     time.Time
	step    time.Duration // between two readings of the fleet
}

func newBenchFleet(tb testing.TB, rules, count int) *benchFleet {
	tb.Helper()
	set, ids := benchSet(tb, rules, count)
	f := &benchFleet{engine: NewEngine(set), batches: benchBatches(ids), now: start, step: time.Minute / time.Duration(count)}
	minutes := 60
	if count > 10_000 {
		minutes = 12 // the shortest window; an hour would take longer than the measurement
	}
	for range minutes {
		for _, id := range ids {
			f.now = f.now.Add(f.step)
			f.engine.Apply([]devices.Report{reportOf(id, f.now, map[string]any{"temperature": 4, "door_open": true})}, f.now, nil)
		}
	}
	return f
}

// apply takes in the next batch, a hundred readings.
func (f *benchFleet) apply() int {
	batch := f.batches[f.next%len(f.batches)]
	f.next++
	for i := range batch {
		f.now = f.now.Add(f.step)
		batch[i].ObservedAt, batch[i].ReceivedAt = f.now, f.now
	}
	f.engine.Apply(batch, f.now, nil)
	return len(batch)
}

// BenchmarkEngine measures one reading through the engine.
func BenchmarkEngine(b *testing.B) {
	for _, rules := range []int{0, 1, 10, 100, 1_000} {
		for _, count := range []int{10, 1_000, 100_000} {
			var f *benchFleet // made once, for all rounds that find out how long to measure
			b.Run(fmt.Sprintf("rules=%d/devices=%d", rules, count), func(b *testing.B) {
				if f == nil {
					f = newBenchFleet(b, rules, count)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for n := 0; n < b.N; {
					n += f.apply()
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
	t.Run("late reports are dropped", func(t *testing.T) { testNoAllocations(t, 0) })
	t.Run("late reports amend", func(t *testing.T) { testNoAllocations(t, 2*time.Minute) })
}

func testNoAllocations(t *testing.T, lateness time.Duration) {
	set := patient(t, lateness,
		Rule{ID: "a", When: "temperature > 8", For: 10 * time.Hour},
		Rule{ID: "b", When: `mode == "defrost" and humidity / 2 > 80 or fault("E21")`},
		Rule{ID: "c", When: `silent("15m")`},
		Rule{ID: "e", When: `avg(temperature, "10m") > 80 or time_where(humidity > 30, "1h") > 7200`},
		Rule{ID: "f", When: `anomaly(temperature) > 0.9 or cohort_z(temperature, "4h") > 3`},
		Rule{ID: "d", When: "temperature > 80", Escalate: []Escalation{{After: time.Hour, Severity: Critical}}},
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
