package load

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuantilesAreAtMostASixteenthTooHigh(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 200).Draw(t, "values")
		q := rapid.Float64Range(0.01, 1).Draw(t, "q")
		var h histogram
		for _, v := range values {
			h.observe(time.Duration(v))
		}
		slices.Sort(values)
		exact := values[min(len(values)-1, max(0, int(float64(len(values))*q+0.999999999)-1))]
		got := int64(h.quantile(q))
		if got < exact-exact/subBuckets-1 || got > exact+exact/subBuckets+1 {
			t.Fatalf("quantile %v = %d, exactly %d", q, got, exact)
		}
	})
}

func TestAnEmptyHistogramHasNoQuantile(t *testing.T) {
	t.Parallel()
	var h histogram
	if got := h.quantile(0.99); got != 0 {
		t.Errorf("quantile = %v", got)
	}
}
