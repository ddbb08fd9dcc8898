package load

import (
	"math"
	"math/bits"
	"time"
)

// histogram counts durations in buckets of at most 1/16 of their value: fine
// enough for a percentile, and small. It is not safe for concurrent use.
type histogram struct {
	buckets [64 * subBuckets]uint32
	count   int64
	max     time.Duration
}

const (
	subBits    = 4
	subBuckets = 1 << subBits
)

// bucketOf returns the bucket of d: its power of two and the next four bits.
func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < subBuckets {
		return int(v)
	}
	exponent := bits.Len64(v) - 1
	return (exponent-subBits+1)*subBuckets + int(v>>(exponent-subBits))&(subBuckets-1)
}

// upperOf returns the largest duration of a bucket.
func upperOf(bucket int) time.Duration {
	if bucket < subBuckets {
		return time.Duration(bucket)
	}
	exponent := bucket/subBuckets + subBits - 1
	mantissa := uint64(bucket%subBuckets) + subBuckets + 1
	upper := mantissa<<(exponent-subBits) - 1
	return time.Duration(min(upper, math.MaxInt64))
}

func (h *histogram) observe(d time.Duration) {
	h.buckets[bucketOf(d)]++
	h.count++
	h.max = max(h.max, d)
}

// quantile returns an upper bound of the q-quantile; 0 when nothing was
// observed.
func (h *histogram) quantile(q float64) time.Duration {
	rank := int64(math.Ceil(q * float64(h.count)))
	var seen int64
	for i, n := range h.buckets {
		seen += int64(n)
		if n > 0 && seen >= rank {
			return min(upperOf(i), h.max)
		}
	}
	return 0
}
