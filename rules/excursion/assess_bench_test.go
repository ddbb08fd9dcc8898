package excursion_test

import (
	"math"
	"testing"
	"time"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
)

// BenchmarkAssess judges thirty days of minutes, 43,200 points.
func BenchmarkAssess(b *testing.B) {
	points := make([]excursion.Point, 43_200)
	for i := range points {
		points[i] = excursion.Point{At: at(time.Duration(i) * minute), C: 5 + 3.5*math.Sin(float64(i)/300)}
	}
	p := profile(budget(shipments.Above, 8, 400*time.Hour, true), budget(shipments.AtOrBelow, -0.5, time.Hour, false))
	p.Gaps = shipments.GapPolicy{LongerThan: 30 * minute, CountAs: shipments.GapUnknown}
	withMKT := *p
	withMKT.MKT = &shipments.MKT{Max: 8, Window: 24 * time.Hour, ActivationEnergy: 83.144}

	for name, p := range map[string]*shipments.StorageProfile{"budgets": p, "budgets and MKT": &withMKT} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				assess(p, points)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(points)), "ns/point")
		})
	}
}
