package simulator_test

import (
	"fmt"
	"time"

	"telltale/simulator"
)

// A fleet says what its scenario tells it to, the same every time.
func ExampleFleet_Step() {
	scenario, err := simulator.Parse("example.yaml", []byte(`
seed: 3
fleet:
  - {kind: fridge, id: fridge-1, report_every: 5m}
faults:
  - {device: fridge-1, fault: compressor, at: 20m}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fleet := simulator.NewFleet(scenario, start)
	for _, report := range fleet.Step(start.Add(time.Hour)) {
		fmt.Println(report.ObservedAt.Format("15:04"), report.Readings[0].Value, report.Readings[2].Value)
	}
	// Output:
	// 00:04 5.9 3
	// 00:09 4.2 93
	// 00:14 3.3 5
	// 00:19 5.1 3
	// 00:24 6 4
	// 00:29 6.9 2
	// 00:34 7.2 4
	// 00:39 7.9 3
	// 00:44 8.2 3
	// 00:49 8.3 3
	// 00:54 8.7 4
	// 00:59 9.7 3
}

// The clock runs four hours in a minute, and then with the wall clock.
func ExampleClock() {
	began := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	clock := simulator.Clock{Start: began.Add(-4 * time.Hour), Began: began, Speed: 240}
	for _, passed := range []time.Duration{0, 30 * time.Second, 2 * time.Minute} {
		fmt.Println(clock.At(began.Add(passed)).Format(time.TimeOnly))
	}
	// Output:
	// 08:00:00
	// 10:00:00
	// 12:02:00
}
