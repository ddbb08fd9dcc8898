package console

import (
	"iter"
	"maps"
	"slices"
	"time"

	"telltale/ingest/history"
	"telltale/rules/excursion"
)

// keys yields a map's keys.
func keys[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }

// thin returns at most about n of the points, ascending, with the lowest and
// the highest of every stretch among them, so that no excursion disappears.
func thinned(points []excursion.Point, n int) []excursion.Point {
	if len(points) <= n {
		return points
	}
	per := (2*len(points) + n - 1) / n // two points stay of each stretch
	out := make([]excursion.Point, 0, n+2)
	for start := 0; start < len(points); start += per {
		some := points[start:min(start+per, len(points))]
		low, high := 0, 0
		for i, p := range some {
			if p.C < some[low].C {
				low = i
			}
			if p.C > some[high].C {
				high = i
			}
		}
		out = append(out, some[min(low, high)])
		if low != high {
			out = append(out, some[max(low, high)])
		}
	}
	return out
}

// traceLine draws one logger's points, broken where the profile sees a gap.
// Gaps are found before points are left out, which would make new ones.
func traceLine(name string, points []excursion.Point, gap time.Duration) chartSeries {
	line := chartSeries{Name: name, T: []float64{}, V: []*float64{}}
	stretches := unbroken(points, gap)
	for i, stretch := range stretches {
		if i > 0 {
			line.T, line.V = append(line.T, unix(stretch[0].At)-1), append(line.V, nil)
		}
		for _, p := range thinned(stretch, maxPoints*2*len(stretch)/len(points)+2) {
			line.T, line.V = append(line.T, unix(p.At)), append(line.V, &p.C)
		}
	}
	return line
}

// unbroken cuts points where two are further apart than gap; zero never cuts.
func unbroken(points []excursion.Point, gap time.Duration) [][]excursion.Point {
	var out [][]excursion.Point
	start := 0
	for i := 1; i < len(points); i++ {
		if gap > 0 && points[i].At.Sub(points[i-1].At) > gap {
			out = append(out, points[start:i])
			start = i
		}
	}
	if start < len(points) {
		out = append(out, points[start:])
	}
	return out
}

// traceTable sums all loggers' points up for the table below the chart.
func (v viewer) traceTable(trace excursion.Trace) []chartRow {
	var buckets []history.Bucket
	for _, points := range trace {
		for _, p := range points {
			buckets = append(buckets, history.Bucket{T: p.At, Min: p.C, Avg: p.C, Max: p.C, N: 1})
		}
	}
	slices.SortFunc(buckets, func(a, b history.Bucket) int { return a.T.Compare(b.T) })
	return v.table(buckets, celsius)
}
