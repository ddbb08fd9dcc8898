package rules

import (
	"cmp"
	"slices"
)

// summaryPoints is how many values stand for all of a summary's. With so many
// or fewer, the summary is exact; with more, a median is off by at most one
// part in 64 of the ranks for each time it was merged.
const summaryPoints = 32

// summary is a sketch of the values that devices had in one slot of time. It
// does not depend on the order in which they came, a wild value costs it no
// resolution, and two can be merged.
type summary struct {
	slot   int64
	count  int64     // devices
	points []float64 // ascending; each stands for the same share of the devices
}

// summarize sorts values and returns their summary.
func summarize(slot int64, values []float64) summary {
	slices.Sort(values)
	s := summary{slot: slot, count: int64(len(values)), points: make([]float64, min(len(values), summaryPoints))}
	for i := range s.points {
		s.points[i] = values[(2*i+1)*len(values)/(2*len(s.points))]
	}
	return s
}

// weighted is a value and how many devices it stands for.
type weighted struct{ value, weight float64 }

// weigh appends the points of a summary.
func (s *summary) weigh(all []weighted) []weighted {
	for _, v := range s.points {
		all = append(all, weighted{v, float64(s.count) / float64(len(s.points))})
	}
	return all
}

// mergeSummaries returns the summary of several of one slot.
func mergeSummaries(slot int64, parts []summary) summary {
	merged := summary{slot: slot}
	var all []weighted
	for i := range parts {
		all = parts[i].weigh(all)
		merged.count += parts[i].count
	}
	sortWeighted(all)
	merged.points = make([]float64, min(len(all), summaryPoints))
	passed, next := 0.0, 0
	for i := range merged.points {
		rank := (float64(i) + 0.5) * float64(merged.count) / float64(len(merged.points))
		for next < len(all)-1 && passed+all[next].weight <= rank {
			passed += all[next].weight
			next++
		}
		merged.points[i] = all[next].value
	}
	return merged
}

func sortWeighted(all []weighted) {
	slices.SortFunc(all, func(a, b weighted) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.weight, b.weight))
	})
}

// weightedMedian sorts values and returns the middle one by weight.
func weightedMedian(all []weighted) float64 {
	sortWeighted(all)
	total := 0.0
	for _, w := range all {
		total += w.weight
	}
	passed := 0.0
	for i, w := range all {
		switch passed += w.weight; {
		case 2*passed > total:
			return w.value
		case 2*passed == total && i+1 < len(all):
			return (w.value + all[i+1].value) / 2
		}
	}
	return all[len(all)-1].value
}
