package rules

import "math"

// What a gauge allows before it counts. Deviations are of the gauge's own
// spread, sums in deviations times hours.
const (
	deviation = 1.2533 // standard deviations per mean deviation of a normal distribution
	farthest  = 8      // deviations that one reading counts at most
	clipped   = 3      // mean deviations that one reading teaches at most
	youngest  = 20     // readings before it is known what to clip at
	fullest   = 3      // a sum counts at most so often what a usual day reaches

	valueAllowed    = 1.25 // deviations of the value that are nothing
	valueSlack      = 0.25 // deviation hours that are nothing on any day
	movementAllowed = 3
	movementSlack   = 1
	movementFloor   = 0.2  // of the logarithm: a fifth more or less movement is nothing
	stillShare      = 0.02 // of the value's spread, and
	stillStep       = 0.25 // of the sensor's smallest step: less movement is as good as none
)

// gauge follows one quantity: where it usually is, how far it usually strays
// from there, and how much straying a usual day sees. Straying is counted by
// cumulative sums, one for each side: what lies beyond the allowance, times
// how long it does. A spike adds little to them and a small shift that stays
// adds up.
//
// What a sum may reach is learnt too. It is the one thing that makes the same
// threshold fit a furnace that takes a day to change and a fridge whose
// compressor switches four times an hour.
type gauge struct {
	level, spread float64 // forgetting mean, and mean distance from it
	above, below  float64 // the sums
	top           float64 // the largest in the day under way
	tops, squares float64 // of the days before, forgetting
	counting      bool    // the first day is over
}

// weight is that of a new value in a mean that forgets, after elapsed hours.
func weight(elapsed, fades float64) float64 { return elapsed / (elapsed + fades) }

// stray counts a distance, in deviations, that lasted for some hours.
func (g *gauge) stray(distance, elapsed, allowed float64) {
	if !g.counting || distance != distance {
		return
	}
	distance = math.Max(-farthest, math.Min(farthest, distance))
	g.above = math.Max(0, g.above+(distance-allowed)*elapsed)
	g.below = math.Max(0, g.below+(-distance-allowed)*elapsed)
}

// cap keeps the sums from growing for as long as a fault lasts, so that they
// are down again soon after it, and notes the day's largest.
func (g *gauge) cap(days int32, slack float64) {
	if days > 0 {
		most := fullest * g.most(days, slack)
		g.above, g.below = math.Min(g.above, most), math.Min(g.below, most)
	}
	g.top = math.Max(g.top, math.Max(g.above, g.below))
}

// clip is the largest distance that is learnt from as it is. The spread is
// taken to be no less than finest.
func (g *gauge) clip(readings int64, finest float64) float64 {
	if readings <= youngest {
		return math.Inf(1)
	}
	return clipped * math.Max(g.spread, finest)
}

// follow moves level and spread towards a distance from the level, of which
// no more than the limit is believed.
func (g *gauge) follow(distance, limit, elapsed, fades float64, readings int64) {
	distance = math.Max(-limit, math.Min(limit, distance))
	first := 1 / float64(readings)
	g.level += math.Max(weight(elapsed, fades), first) * distance
	g.spread += math.Max(weight(elapsed, spreadFades), first) * (math.Abs(distance) - g.spread)
}

// endDay adds the day's largest sum to those of usual days.
func (g *gauge) endDay() {
	const keep = 1 - 1.0/daysFade
	g.tops = keep*g.tops + g.top
	g.squares = keep*g.squares + g.top*g.top
	g.top = math.Max(g.above, g.below)
}

// most is what a usual day reaches. Days with more weigh more, and as long as
// few days are known it is taken to be larger.
func (g *gauge) most(days int32, slack float64) float64 {
	usual := 0.0
	if g.tops > 0 {
		usual = g.squares / g.tops
	}
	return usual*(1+1/float64(days)) + slack
}

func (g *gauge) excess(days int32, slack float64) float64 {
	return math.Max(g.above, g.below) / g.most(days, slack)
}
