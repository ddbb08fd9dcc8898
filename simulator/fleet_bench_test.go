package simulator_test

import (
	"testing"
	"time"

	"telltale/simulator"
)

// BenchmarkFleetStep is a minute of a thousand fridges, each reporting once.
func BenchmarkFleetStep(b *testing.B) {
	fleet := simulator.NewFleet(scenario(b, "{fleet: [{kind: fridge, id: 'f-%d', count: 1000}]}"), start)
	at := start
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(time.Minute)
		if got := len(fleet.Step(at)); got != 1000 {
			b.Fatalf("%d reports", got)
		}
	}
}
