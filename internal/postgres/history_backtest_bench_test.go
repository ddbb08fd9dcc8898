package postgres_test

import (
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/postgres"
	"telltale/rules"
	"telltale/rules/backtest"
)

// BenchmarkBacktestHistory plays what PostgreSQL keeps of 200 devices that
// report once a minute, 1,200,000 readings in all: packed three to a report, and
// each in a report of its own. Walk alone reads and plays nothing. The figure
// to look at is readings/s; PostgreSQL works on the same processors.
func BenchmarkBacktestHistory(b *testing.B) {
	for _, c := range []struct {
		name    string
		metrics int
	}{{"three metrics", 3}, {"one metric", 1}} {
		b.Run(c.name, func(b *testing.B) {
			const fleet, readings = 200, 1_200_000
			store, from, to := backtestHistory(b, fleet, c.metrics, readings)
			b.Run("walk", func(b *testing.B) {
				for b.Loop() {
					n := 0
					for stretch, err := range history.Stretches(b.Context(), store, nil, from, to) {
						if err != nil {
							b.Fatal(err)
						}
						for i := range stretch {
							n += len(stretch[i].Readings)
						}
					}
					if n != readings {
						b.Fatalf("%d readings", n)
					}
				}
				b.ReportMetric(float64(b.N)*readings/b.Elapsed().Seconds(), "readings/s")
			})
			b.Run("play", func(b *testing.B) {
				in := backtestInput(fleet, c.metrics, from, to)
				for b.Loop() {
					result, err := backtest.Play(b.Context(), in, history.Stretches(b.Context(), store, nil, from, to))
					if err != nil || result.Readings != readings || len(result.Alarms) == 0 {
						b.Fatalf("%d readings, %d alarms, %v", result.Readings, len(result.Alarms), err)
					}
				}
				b.ReportMetric(float64(b.N)*readings/b.Elapsed().Seconds(), "readings/s")
			})
		})
	}
}

// backtestHistory stores readings of a fleet, a report a minute of each.
func backtestHistory(b *testing.B, fleet, metrics, readings int) (store *postgres.History, from, to time.Time) {
	b.Helper()
	store, epoch := benchHistory(b, fleet)
	minutes := readings / metrics / fleet
	for minute, seq := 0, uint64(1); minute < minutes; seq++ {
		some := min(100, minutes-minute)
		reports := benchReports(fleet, metrics, some*fleet)
		for i := range reports {
			r := &reports[i]
			r.ObservedAt = noon.Add(time.Duration(minute+i/fleet) * time.Minute)
			r.ReceivedAt = r.ObservedAt
			for m := range r.Readings {
				r.Readings[m].Value = devices.Number(5 + float64((minute+i/fleet)*7%50+i%fleet*13%50)/20)
			}
		}
		if _, err := store.Write(b.Context(), []history.Chunk{{Epoch: epoch, Seq: seq, Reports: reports}}); err != nil {
			b.Fatal(err)
		}
		minute += some
	}
	return store, noon, noon.Add(time.Duration(minutes) * time.Minute)
}

// backtestInput is one rule on the fleet.
func backtestInput(fleet, metrics int, from, to time.Time) backtest.Input {
	model := &devices.Model{ID: "FR", Metrics: make(map[string]devices.Metric), ReportEvery: time.Minute, StaleAfter: 3 * time.Minute}
	for _, r := range benchReports(1, metrics, 1)[0].Readings {
		model.Metrics[r.Metric] = devices.Metric{Name: r.Metric}
	}
	in := backtest.Input{
		Rules:  []rules.Rule{{ID: "warm", When: "metric_0 > 9.7", Severity: rules.Major, Mode: rules.Live}},
		Models: []*devices.Model{model}, From: from, To: to,
	}
	for i := range fleet {
		in.Devices = append(in.Devices, &devices.Device{ID: benchID(i), Model: model.ID})
	}
	return in
}
