//go:build !race

package rules

import "math"

// candidate is a streaming detector: how far a reading is from what the past
// lets one expect, in units of its own. NaN: not known yet.
type candidate interface {
	step(at int64, v float64) float64
}

type namedCandidate struct {
	name string
	make func() candidate
}

// candidates are what anomaly() was chosen from.
func candidates() []namedCandidate {
	return []namedCandidate{
		{"distance from a forgetting mean", func() candidate { return &meanDistance{} }},
		{"distance from the mean of the hour", func() candidate { return &hourDistance{} }},
		{"Page-Hinkley, by readings", func() candidate { return &pageHinkley{} }},
		{"likelihood of recent errors", func() candidate { return &likelihood{} }},
		{"cumulative sums by time, fixed limit", func() candidate { return &fixedSums{} }},
		{"the value's sums, learnt limit", func() candidate { return &chosen{valueAlone: true} }},
		{chosenName, func() candidate { return &chosen{} }},
	}
}

const chosenName = "value and movement, learnt limits (chosen)"

// chosen is the detector of anomaly() itself.
type chosen struct {
	baseline
	valueAlone bool
}

func (c *chosen) step(at int64, v float64) float64 {
	c.learn(at, v)
	if c.valueAlone && c.known() {
		return c.level.excess(c.days, valueSlack)
	}
	return c.excess()
}

// meanDistance is the distance from a mean that forgets in a day, in mean
// deviations that forget in three. What is far away teaches little.
type meanDistance struct {
	readings    int
	at          int64
	level, mean float64
}

func (c *meanDistance) step(at int64, v float64) float64 {
	if c.readings++; c.readings == 1 {
		c.at, c.level = at, v
		return math.NaN()
	}
	elapsed := hours(at - c.at)
	c.at = at
	distance := v - c.level
	z := math.Abs(distance) / (deviation*c.mean + 1e-9)
	if c.readings > youngest {
		limit := 4 * deviation * c.mean
		distance = math.Max(-limit, math.Min(limit, distance))
	}
	first := 1 / float64(c.readings)
	c.level += math.Max(weight(elapsed, 24), first) * distance
	c.mean += math.Max(weight(elapsed, 72), first) * (math.Abs(distance) - c.mean)
	return z
}

// hourDistance is the distance from the mean of the same hour on other days,
// in the mean deviations of that hour.
type hourDistance struct {
	at         int64
	readings   [24]int
	level      [24]float64
	mean       [24]float64
	overall    float64
	allReading int
}

func (c *hourDistance) step(at int64, v float64) float64 {
	h := hourOf(at)
	elapsed := 1.0
	if c.at != 0 {
		elapsed = math.Min(1, hours(at-c.at))
	}
	c.at = at
	c.allReading++
	if c.readings[h]++; c.readings[h] == 1 {
		c.level[h] = v
		return math.NaN()
	}
	distance := v - c.level[h]
	z := math.Abs(distance) / (deviation*math.Max(c.mean[h], c.overall/2) + 1e-9)
	if c.readings[h] > 10 {
		limit := 4 * deviation * c.mean[h]
		distance = math.Max(-limit, math.Min(limit, distance))
	}
	learns := math.Max(weight(elapsed, 14), 1/float64(c.readings[h]))
	c.level[h] += learns * distance
	c.mean[h] += learns * (math.Abs(distance) - c.mean[h])
	c.overall += math.Max(weight(elapsed, 200), 1/float64(c.allReading)) * (math.Abs(distance) - c.overall)
	return z
}

// pageHinkley sums up, reading by reading, what lies more than a deviation
// away from a forgetting mean.
type pageHinkley struct {
	meanDistance
	above, below float64
}

func (c *pageHinkley) step(at int64, v float64) float64 {
	distance := (v - c.level) / (deviation*c.mean + 1e-9)
	if c.meanDistance.step(at, v); c.readings < 50 {
		return math.NaN()
	}
	c.above = math.Min(1e4, math.Max(0, c.above+distance-1))
	c.below = math.Min(1e4, math.Max(0, c.below-distance-1))
	return math.Max(c.above, c.below)
}

// likelihood is how improbable the mean of the latest errors of prediction is
// among those of the last 8,000, were they normal: the tail, as a power of
// ten. It is the scoring of Numenta's detectors on the simplest prediction,
// that a value is about the last ones.
type likelihood struct {
	readings      int
	predicted     float64
	recent        float64
	mean, squares float64
}

func (c *likelihood) step(_ int64, v float64) float64 {
	if c.readings++; c.readings == 1 {
		c.predicted = v
		return math.NaN()
	}
	miss := math.Abs(v - c.predicted)
	c.predicted += 0.3 * (v - c.predicted)
	c.recent += 0.1 * (miss - c.recent)
	z := (c.recent - c.mean) / math.Sqrt(math.Max(1e-18, c.squares-c.mean*c.mean))
	learns := math.Max(1/8000.0, 1/float64(c.readings))
	c.mean += learns * (miss - c.mean)
	c.squares += learns * (miss*miss - c.squares)
	if c.readings < 100 {
		return math.NaN()
	}
	return -math.Log10(math.Erfc(z/math.Sqrt2)/2 + 1e-300)
}

// fixedSums are cumulative sums over time, in deviation hours, against a limit
// that is the same for all.
type fixedSums struct {
	readings int64
	at       int64
	gauge
}

func (c *fixedSums) step(at int64, v float64) float64 {
	if c.readings++; c.readings == 1 {
		c.at, c.gauge.level = at, v
		return math.NaN()
	}
	elapsed := math.Min(3, hours(at-c.at))
	c.at, c.counting = at, c.readings > youngest
	distance := v - c.gauge.level
	c.stray(distance/(deviation*c.spread+1e-9), elapsed, 1)
	c.follow(distance, c.clip(c.readings, 0), elapsed, levelFades, c.readings)
	if c.readings < probationReadings {
		return math.NaN()
	}
	return math.Max(c.above, c.below)
}
