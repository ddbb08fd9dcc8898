package backtest

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// BenchmarkRun plays a million readings from memory: 100 devices, one reading
// a minute each, in order. The figure to look at is readings/s.
func BenchmarkRun(b *testing.B) {
	const perDevice, fleet = 10_000, 100
	all := make([]Reading, 0, perDevice*fleet)
	for i := range perDevice {
		for d := range fleet {
			all = append(all, Reading{Device: devices.ID(fmt.Sprintf("f%02d", d)), Metric: "temperature",
				At: start.Add(time.Duration(i) * time.Minute), Value: devices.Number(5 + float64((i*7+d*13)%50)/10)})
		}
	}
	windows := warm()
	windows.When = `avg(temperature, "30m") > 8`
	for _, c := range []struct {
		name string
		in   Input
	}{
		{"one rule", Input{Rules: []rules.Rule{warm()}}},
		{"a window", Input{Rules: []rules.Rule{windows}}},
		{"compared", Input{Rules: []rules.Rule{warm()}, Against: []rules.Rule{warm()}, With: "live"}},
		{"sweep of 11", Input{Rules: []rules.Rule{warm()}, Sweep: &Sweep{Place: "temperature >", Values: []float64{5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5, 10}}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Run(b.Context(), c.in, each(all)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(all))/b.Elapsed().Seconds(), "readings/s")
		})
	}
}

func each(all []Reading) iter.Seq2[Reading, error] {
	return func(yield func(Reading, error) bool) {
		for i := range all {
			if !yield(all[i], nil) {
				return
			}
		}
	}
}
