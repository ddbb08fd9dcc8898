package rules

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"telltale/devices"
)

// benchRule is one of many rules that watch the temperature: two of three have
// an on-delay, the third looks at a window or adds up.
func benchRule(i int) Rule {
	r := Rule{ID: fmt.Sprintf("rule-%03d", i), AppliesTo: Selector{Models: []string{"FR-*"}}}
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

// nearRule is benchRule with windows that are never out of reach: their limit
// lies between the mean and the highest value.
func nearRule(i int) Rule {
	r := benchRule(i)
	if i%3 == 0 {
		r.When = fmt.Sprintf(`avg(temperature, "%s") > %d`, []string{"10m", "30m", "15m", "20m"}[i/3%4], 20+i%3)
	}
	return r
}

// benchSet has n rules that watch the temperature, and others of another
// model.
func benchSet(tb testing.TB, rule func(int) Rule, n, others, count int, lateness time.Duration) (*Set, []devices.ID) {
	tb.Helper()
	var rules []Rule
	for i := range n {
		rules = append(rules, rule(i))
	}
	for i := range others {
		rules = append(rules, Rule{ID: fmt.Sprintf("other-%03d", i), When: "temperature > 8", AppliesTo: Selector{Models: []string{"WM-*"}}})
	}
	model := fridge()
	model.Lateness = lateness
	washer := &devices.Model{ID: "WM-1", Metrics: map[string]devices.Metric{"temperature": {Unit: "Cel"}}}
	var ids []devices.ID
	var all []*devices.Device
	for i := range count {
		id := devices.ID(fmt.Sprintf("fridge-%06d", i))
		ids = append(ids, id)
		all = append(all, &devices.Device{ID: id, Model: model.ID})
	}
	set, err := Compile(rules, devices.NewDirectory(1, []*devices.Model{model, washer}, all))
	if err != nil {
		tb.Fatal(err)
	}
	return set, ids
}

// benchTemperature is that of a cabinet whose compressor comes and goes every
// 45 minutes, between 2 and 8 degrees, with a noise of half a degree. Every
// hundredth reading is far above all limits.
func benchTemperature(random *rand.Rand, device int, at time.Time) float64 {
	if random.IntN(100) == 0 {
		return 30
	}
	cycle := at.Sub(start).Minutes()/45 + float64(device%100)/100
	return 5 + 3*math.Sin(2*math.Pi*cycle) + random.Float64() - 0.5
}

// benchFleet is an engine whose devices have reported every minute for longer
// than most windows, so that little has to be made any more. A batch has a
// hundred reports of one temperature each, of devices in an order that caches
// cannot guess.
type benchFleet struct {
	engine *Engine
	ids    []devices.ID
	random *rand.Rand
	batch  []devices.Report
	now    time.Time
	step   time.Duration // between two readings of the fleet
}

func newBenchFleet(tb testing.TB, set *Set, ids []devices.ID) *benchFleet {
	tb.Helper()
	f := &benchFleet{
		engine: NewEngine(set), ids: ids, random: rand.New(rand.NewPCG(1, 2)), batch: make([]devices.Report, 100),
		now: start, step: time.Minute / time.Duration(len(ids)),
	}
	minutes := 120
	if len(ids) > 10_000 {
		minutes = 12 // the shortest window; two hours would take longer than the measurement
	}
	for range minutes {
		for i, id := range ids {
			f.now = f.now.Add(f.step)
			r := reportOf(id, f.now, map[string]any{"temperature": benchTemperature(f.random, i, f.now), "door_open": true})
			f.engine.Apply([]devices.Report{r}, f.now, nil)
		}
	}
	for i := range f.batch {
		f.batch[i].Readings = []devices.Reading{{Metric: "temperature"}}
	}
	return f
}

// draw makes up the next batch.
func (f *benchFleet) draw() {
	for i := range f.batch {
		f.now = f.now.Add(f.step)
		r, device := &f.batch[i], f.random.IntN(len(f.ids))
		r.Device, r.ObservedAt, r.ReceivedAt = f.ids[device], f.now, f.now
		r.Readings[0].Value = devices.Number(benchTemperature(f.random, device, f.now))
	}
}

// measure reports what a reading costs; to make it up is not counted.
func (f *benchFleet) measure(b *testing.B) {
	b.ReportAllocs()
	spent := time.Duration(0)
	b.ResetTimer()
	for n := 0; n < b.N; n += len(f.batch) {
		f.draw()
		begin := time.Now()
		f.engine.Apply(f.batch, f.now, nil)
		spent += time.Since(begin)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64((b.N+99)/100*100), "ns/reading")
}

// BenchmarkEngine measures one reading through the engine, with 1,000 rules of
// other models beside.
func BenchmarkEngine(b *testing.B) {
	for _, rules := range []int{0, 1, 10, 100, 1_000} {
		for _, count := range []int{10, 1_000, 100_000} {
			benchEngine(b, fmt.Sprintf("rules=%d/devices=%d", rules, count), benchRule, rules, count, 10*time.Minute)
		}
	}
	for _, count := range []int{10, 1_000} {
		benchEngine(b, fmt.Sprintf("near/rules=10/devices=%d", count), nearRule, 10, count, 10*time.Minute)
		benchEngine(b, fmt.Sprintf("lateness=0s/rules=10/devices=%d", count), benchRule, 10, count, 0)
	}
}

func benchEngine(b *testing.B, name string, rule func(int) Rule, rules, count int, lateness time.Duration) {
	var f *benchFleet // made once, for all rounds that find out how long to measure
	b.Run(name, func(b *testing.B) {
		if f == nil {
			set, ids := benchSet(b, rule, rules, 1000, count, lateness)
			f = newBenchFleet(b, set, ids)
		}
		f.measure(b)
	})
}

// BenchmarkRestore measures the recovery of 100,000 devices with 10 rules.
func BenchmarkRestore(b *testing.B) {
	set, ids := benchSet(b, benchRule, 10, 1000, 100_000, 10*time.Minute)
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
