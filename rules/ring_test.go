package rules

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestOrderedComparesAsNumbersDo(t *testing.T) {
	t.Parallel()
	ascending := []float64{math.Inf(-1), -math.MaxFloat64, -1, -math.SmallestNonzeroFloat64, math.Copysign(0, -1), 0, math.SmallestNonzeroFloat64, 1, math.MaxFloat64, math.Inf(1)}
	for i, v := range ascending {
		if got := unordered(ordered(v)); math.Float64bits(got) != math.Float64bits(v) {
			t.Errorf("%v comes back as %v", v, got)
		}
		if i > 0 && ordered(ascending[i-1]) >= ordered(v) {
			t.Errorf("%v is not below %v", ascending[i-1], v)
		}
	}
}

// plainly is [ring.over], reading by reading.
func plainly(r *ring, start, stale int64) aggregate {
	a := aggregate{min: math.Inf(1), max: math.Inf(-1)}
	for i := r.from(start); i < r.count; i++ {
		owned := r.owned(i, start, stale)
		if owned < 0 {
			continue
		}
		v := r.at(i).number
		a = aggregate{a.owned + owned, a.sum + v*float64(owned), min(a.min, v), max(a.max, v)}
	}
	return a
}

func TestAWindowIsItsReadingsWhereverTheyLie(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var r ring
		at, keep, stale := int64(1), 1+random.Int64N(400), random.Int64N(30)
		for range 300 {
			at += 1 + random.Int64N(25)
			r.push(sample{at, random.NormFloat64()}, keep)
			start := at - random.Int64N(keep+1)
			if got, want := r.over(start, stale), plainly(&r, start, stale); got != want {
				t.Fatalf("from %d of %d, first %d: %+v, want %+v", start, r.count, r.first, got, want)
			}
		}
	}
}
