package rules

import (
	"math"
	"slices"
	"sort"
	"time"
)

// A forecast looks back four times as far as it looks ahead: far enough that
// the rise and fall of a compressor's cycle, which takes 15 to 45 minutes,
// weighs little in the slope. What happened in the last half of the horizon
// is set against that.
const forecastLooksBack = 4

// course is the readings that a forecast is made from. Spikes of one reading
// are taken out: a value counts as the median of itself and its neighbours,
// but for the first and the last.
// Times are in hours, before now and so negative.
type course struct {
	r     *ring
	first int
	n     int
	now   int64
}

// forecast is the value to expect after the horizon; NaN unless there are
// eight readings that span at least the horizon.
//
// It is the continuation of the straight line through the whole course. Two
// things make it leave that line. When the last half of the horizon climbs or
// falls as no stretch before it did, its own line counts; but what is on its
// way back to the course ends there. And when the latest value lies outside of
// everything in the older half, the line begins where it turned.
func (r *ring) forecast(now, horizon int64) float64 {
	if line, ok := r.outlook(now, horizon); ok {
		return line.at(hours(horizon))
	}
	return math.NaN()
}

// outlook is the line that a forecast over the horizon goes by; false where
// there is none.
func (r *ring) outlook(now, horizon int64) (line straight, ok bool) {
	first := sort.Search(r.count, func(i int) bool { return r.at(i).at >= now-forecastLooksBack*horizon })
	c := course{r: r, first: first, n: r.count - first, now: now}
	if c.n < 8 || r.at(r.count-1).at-r.at(first).at < horizon {
		return straight{}, false
	}
	ahead := hours(horizon)
	whole := c.line(0)
	noise := c.noise()
	recent, before := c.steepest(whole, horizon/2)
	if math.Abs(recent) > 1.5*before+8*noise/ahead {
		return returning(whole, c.line(c.since(now-horizon/2)), ahead), true
	}
	if turn, left := c.turn(2 * noise); left {
		return c.line(turn), true
	}
	return whole, true
}

// returning continues the recent line, but no further than to the line of the
// whole course if it leads back there.
func returning(whole, recent straight, ahead float64) straight {
	got, home := recent.at(ahead), whole.at(ahead)
	off := recent.level - whole.level
	if off*recent.slope < 0 && (got-home)*off < 0 {
		return whole
	}
	return recent
}

func hours(d int64) float64 { return float64(d) / float64(time.Hour) }

// at returns the time and value of reading i of the course.
func (c *course) at(i int) (t, v float64) {
	s := c.r.at(c.first + i)
	if i == 0 || i == c.n-1 {
		return hours(s.at - c.now), s.number
	}
	return hours(s.at - c.now), c.middle(i)
}

// middle is the median of reading i and its neighbours.
func (c *course) middle(i int) float64 {
	return median3(c.r.at(c.first+i-1).number, c.r.at(c.first+i).number, c.r.at(c.first+i+1).number)
}

func median3(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

// since returns the index of the first reading at or after a time.
func (c *course) since(at int64) int {
	i := sort.Search(c.n, func(i int) bool { return c.r.at(c.first+i).at >= at })
	return min(i, c.n-3)
}

// noise is how far a value typically lies from the middle of its neighbours.
func (c *course) noise() float64 {
	sum := 0.0
	_, a := c.at(0)
	_, b := c.at(1)
	for i := 2; i < c.n; i++ {
		_, v := c.at(i)
		sum += math.Abs(v - 2*b + a)
		a, b = b, v
	}
	return sum / float64(c.n-2)
}

// straight is a line: its level now, and its slope per hour.
type straight struct{ level, slope float64 }

func (l straight) at(t float64) float64 { return l.level + l.slope*t }

// lineParts is into how many parts of equal time a course is averaged before
// a line is laid through it.
const lineParts = 16

// line is the line of Theil and Sen through the course from a reading on: the
// median of the slopes between all pairs of parts, at the median level. Up to
// 29% of the parts may be wrong without moving it far.
func (c *course) line(from int) straight {
	var times, values [lineParts]float64
	parts := c.average(from, &times, &values)
	var slopes [lineParts * (lineParts - 1) / 2]float64
	n := 0
	for i := range parts {
		for j := i + 1; j < parts; j++ {
			slopes[n] = (values[j] - values[i]) / (times[j] - times[i])
			n++
		}
	}
	if n == 0 {
		return straight{level: values[0]}
	}
	l := straight{slope: median(slopes[:n])}
	for i := range parts {
		values[i] -= l.slope * times[i]
	}
	l.level = median(values[:parts])
	return l
}

// average fills in the mean time and value of each part that has readings,
// and returns how many have.
func (c *course) average(from int, times, values *[lineParts]float64) int {
	begin, _ := c.at(from)
	end, _ := c.at(c.n - 1)
	part, count, parts := 0, 0.0, 0
	for i := from; i < c.n; i++ {
		t, v := c.at(i)
		if now := min(lineParts-1, int(lineParts*(t-begin)/(end-begin))); now != part && count > 0 {
			times[parts], values[parts] = times[parts]/count, values[parts]/count
			part, count, parts = now, 0, parts+1
		}
		times[parts] += t
		values[parts] += v
		count++
	}
	times[parts], values[parts] = times[parts]/count, values[parts]/count
	return parts + 1
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// steepest compares stretches of a length by how they run off the line: the
// slope of the last one, and the largest, without its sign, of those before.
func (c *course) steepest(line straight, length int64) (recent, before float64) {
	for end := c.n; end > 3; {
		start := c.since(c.r.at(c.first+end-1).at - length)
		start = min(start, end-1)
		slope := c.slopeOff(line, start, end)
		if end == c.n {
			recent = slope
		} else {
			before = math.Max(before, math.Abs(slope))
		}
		end = start
	}
	return recent, before
}

// slopeOff is the slope between the means of the two halves of a stretch, less
// the line's; zero for a stretch too short to tell.
func (c *course) slopeOff(line straight, start, end int) float64 {
	middle := (start + end) / 2
	if middle-start < 2 || end-middle < 2 {
		return 0
	}
	t1, v1 := c.mean(start, middle)
	t2, v2 := c.mean(middle, end)
	return (v2-v1)/(t2-t1) - line.slope
}

func (c *course) mean(start, end int) (t, v float64) {
	for i := start; i < end; i++ {
		ti, vi := c.at(i)
		t, v = t+ti, v+vi
	}
	n := float64(end - start)
	return t / n, v / n
}

// turn finds where the course turned towards its latest value, when that lies
// beyond everything in the older half, by more than a margin.
func (c *course) turn(margin float64) (from int, left bool) {
	half := c.since((c.r.at(c.first).at + c.r.at(c.first+c.n-1).at) / 2)
	low, high := math.Inf(1), math.Inf(-1)
	for i := range half {
		_, v := c.at(i)
		low, high = math.Min(low, v), math.Max(high, v)
	}
	last := c.middle(c.n - 2)
	sign := 0.0
	switch {
	case last > high+margin:
		sign = 1
	case last < low-margin:
		sign = -1
	default:
		return 0, false
	}
	extreme := math.Inf(1)
	for i := range c.n {
		if _, v := c.at(i); sign*v <= extreme {
			from, extreme = i, sign*v
		}
	}
	return from, c.n-from >= 6
}
