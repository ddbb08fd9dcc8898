package rules

import (
	"math"
	"time"
)

// maxRingSize bounds how many readings of one metric of one device are kept.
// A device that reports much faster than its model says loses the oldest, and
// its windows become unknown where too little of them is left.
const maxRingSize = 1 << 14

// ringSpec says which readings the devices of a model keep.
type ringSpec struct {
	slot int
	keep int64 // for how long, in nanoseconds
}

// sample is one number of a metric.
type sample struct {
	at     int64
	number float64
}

// ring is the latest readings of one metric of one device, by ascending time.
type ring struct {
	samples []sample // a circle once it is full
	first   int      // index of the oldest
	count   int
	since   int64 // time of the first reading ever; 0: none yet
	version int32 // changes with every reading
	behind  int32 // readings since low and high were looked up

	low, high float64 // no reading is beyond them; now and then one is
}

func (r *ring) at(i int) *sample { return &r.samples[(r.first+i)&(len(r.samples)-1)] }

// push adds a reading that is newer than all others and drops those that no
// window of the length keep needs: all but one before its start, which is the
// one that owns it.
func (r *ring) push(s sample, keep int64) {
	for r.count > 1 && r.at(1).at <= s.at-keep {
		r.drop()
	}
	if r.count == maxRingSize {
		r.drop()
	}
	if r.count == len(r.samples) {
		r.grow()
	}
	if r.since == 0 {
		r.since = s.at
	}
	r.count++
	r.version++
	*r.at(r.count - 1) = s
	r.bound(s.number)
}

// bound keeps low and high about the readings. They are looked up anew as often
// as the whole ring has been written, so that what is long gone widens them no
// more.
func (r *ring) bound(v float64) {
	if r.behind++; int(r.behind) < r.count {
		r.low, r.high = min(r.low, v), max(r.high, v)
		return
	}
	r.behind, r.low, r.high = 0, v, v
	for i := range r.count {
		r.low, r.high = min(r.low, r.at(i).number), max(r.high, r.at(i).number)
	}
}

func (r *ring) drop() { r.first, r.count = (r.first+1)&(len(r.samples)-1), r.count-1 }

// grow doubles the circle, whose size is a power of two.
func (r *ring) grow() {
	larger := make([]sample, max(8, 2*len(r.samples)))
	for i := range r.count {
		larger[i] = *r.at(i)
	}
	r.samples, r.first = larger, 0
}

// after returns the index of the first reading behind a time.
func (r *ring) after(at int64) int {
	low, high := 0, r.count
	for low < high {
		if middle := int(uint(low+high) >> 1); r.at(middle).at > at {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// from returns the index of the first reading that matters to a window
// starting at start: the one that owns the start, if there is one.
func (r *ring) from(start int64) int { return max(0, r.after(start)-1) }

// pieces returns the readings from an index on, in order of time, as the two
// pieces of the circle that they lie in.
func (r *ring) pieces(from int) (older, newer []sample) {
	begin, end, size := r.first+from, r.first+r.count, len(r.samples)
	switch {
	case begin >= size:
		return r.samples[begin-size : end-size], nil
	case end > size:
		return r.samples[begin:], r.samples[:end-size]
	default:
		return r.samples[begin:end], nil
	}
}

// aggregate is what a window holds, by the rule that a reading owns the time
// from itself to the next one. A stretch longer than the model's staleness is
// owned by nobody, and the last reading owns nothing yet.
type aggregate struct {
	owned    int64   // nanoseconds owned within the window
	sum      float64 // of value times owned
	min, max float64 // of the values in force within the window
}

func (a *aggregate) mean() float64 { return a.sum / float64(a.owned) }

// over gathers the window that begins at start and ends with the last reading.
// It looks at every reading in it, each time anew: what comes out then depends
// on the readings alone, and not on how long ago the last restart was.
func (r *ring) over(start, stale int64) aggregate {
	a := aggregate{min: math.Inf(1), max: math.Inf(-1)}
	if r.count == 0 {
		return a
	}
	first := r.from(start)
	if owned := r.owned(first, start, stale); owned >= 0 {
		v := r.at(first).number
		a = aggregate{owned: owned, sum: v * float64(owned), min: v, max: v}
	}
	if stale == 0 {
		stale = math.MaxInt64
	}
	older, newer := r.pieces(first + 1)
	if len(older) == 0 {
		return a
	}
	last := a.add(older[0], older[1:], stale)
	last = a.add(last, newer, stale)
	a.add(last, []sample{last}, stale) // until now
	return a
}

// add gathers a reading and those that follow it, next to each other in memory,
// but for the last, which it returns. This loop is where the time of windows
// goes.
func (a *aggregate) add(last sample, following []sample, stale int64) sample {
	owned, sum, low, high := a.owned, a.sum, ordered(a.min), ordered(a.max)
	for _, next := range following {
		length := next.at - last.at
		if length > stale {
			length = 0
		}
		owned += length
		sum += last.number * float64(length)
		rank := ordered(last.number)
		low, high = min(low, rank), max(high, rank)
		last = next
	}
	*a = aggregate{owned, sum, unordered(low), unordered(high)}
	return last
}

// ordered turns a number into an integer, such that they compare alike: the
// lowest of integers takes a third of the time that the lowest of numbers does.
func ordered(v float64) int64 {
	bits := int64(math.Float64bits(v))
	return bits ^ int64(uint64(bits>>63)>>1)
}

// unordered is the inverse of ordered.
func unordered(rank int64) float64 {
	return math.Float64frombits(uint64(rank ^ int64(uint64(rank>>63)>>1)))
}

// owned is for how long after start reading i was in force; negative when it
// was over before start.
func (r *ring) owned(i int, start, stale int64) int64 {
	s := r.at(i)
	owned := int64(0)
	if i+1 < r.count {
		owned = r.at(i+1).at - s.at
		if stale > 0 && owned > stale {
			owned = 0
		}
	}
	if s.at >= start {
		return owned
	}
	if owned -= start - s.at; owned > 0 {
		return owned
	}
	return -1
}

// deviation is the standard deviation within a window whose aggregate is
// known. It takes a second look at the readings, because the quick formula
// loses all digits where values are large and close together.
func (r *ring) deviation(a *aggregate, start, stale int64) float64 {
	mean, squares := a.mean(), 0.0
	for i := r.from(start); i < r.count; i++ {
		if owned := r.owned(i, start, stale); owned > 0 {
			distance := r.at(i).number - mean
			squares += float64(owned) * distance * distance
		}
	}
	return math.Sqrt(squares / float64(a.owned))
}

// countIn returns the number of readings after start.
func (r *ring) countIn(start int64) int { return r.count - r.after(start) }

// valueAt returns the value in force at a time: NaN where nobody owns it.
func (r *ring) valueAt(at, stale int64) float64 {
	i := r.after(at) - 1
	if i < 0 || i+1 < r.count && stale > 0 && r.at(i+1).at-r.at(i).at > stale {
		return math.NaN()
	}
	return r.at(i).number
}

// slope is that of the straight line nearest to the readings of a window, per
// hour; NaN unless they span at least half of it.
func (r *ring) slope(start, span int64) float64 {
	first := r.after(start - 1)
	n := r.count - first
	if n < 2 || 2*(r.at(r.count-1).at-r.at(first).at) < span {
		return math.NaN()
	}
	origin := r.at(first).at
	hours := func(i int) float64 { return float64(r.at(i).at-origin) / float64(time.Hour) }
	var meanT, meanV float64
	for i := first; i < r.count; i++ {
		meanT += hours(i) / float64(n)
		meanV += r.at(i).number / float64(n)
	}
	var covariance, variance float64
	for i := first; i < r.count; i++ {
		t := hours(i) - meanT
		covariance += t * (r.at(i).number - meanV)
		variance += t * t
	}
	return covariance / variance
}
