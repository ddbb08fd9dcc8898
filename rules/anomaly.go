package rules

import (
	"math"
	"time"
)

// How a baseline learns. The values were chosen by measurement on two series
// of real machines and on simulated cabinets: docs/benchmarks/anomaly.md.
const (
	levelFades    = 3 * 24.0  // hours: what is usual now
	spreadFades   = 14 * 24.0 // hours: how far values usually stray
	movementFades = 7 * 24.0  // hours: how unsteady the values usually are
	daysFade      = 30        // usual days that are remembered

	probationDays     = 2   // whole days, after a first one, before there is a score
	probationReadings = 100 // and at least so many readings

	movementHours    = 1  // movement is a mean over this time
	movementReadings = 12 // or over so many readings, where that is longer
	largestChange    = 5  // usual ones that one change counts at most
	longestStep      = 3  // a gap counts as so many usual distances between readings
)

// baseline is what is usual of one metric of one device, learnt from its own
// readings, and how far the latest ones are from that. It judges two
// quantities: the value, against the level at this hour of the day, and the
// movement, which is how much the value changes from one reading to the next:
// a noisy or a stuck sensor keeps its level.
//
// It is 304 bytes, and a reading changes it in place.
type baseline struct {
	at       int64 // of the latest reading
	day      int64 // when the day under way began, by the device's own count
	readings int64
	days     int32 // usual days that are behind the gauges, at most daysFade

	every    float64 // usual distance between readings, in hours
	before   float64 // the value before the latest
	value    float64 // the latest
	middle   float64 // of the latest three: what is judged, so that one spike is nothing
	step     float64 // the smallest change ever seen: what the sensor resolves
	movement float64 // mean change from reading to reading, lately

	level   gauge
	unrest  gauge       // of the movement's logarithm
	byHours [24]float32 // how the level differs by the hour of the day, in UTC
}

// learn takes in a reading that is newer than all before.
func (b *baseline) learn(at int64, v float64) {
	if b.readings++; b.readings == 1 {
		b.at, b.day, b.before, b.value, b.middle = at, at, v, v, v
		b.level.level = v
		return
	}
	elapsed := b.elapsed(at)
	change := math.Abs(v - b.value)
	b.middle = median3(b.before, b.value, v)
	b.at, b.before, b.value = at, b.value, v
	if change > 0 && (b.step == 0 || change < b.step) {
		b.step = change
	}
	b.endDay()
	b.learnValue(elapsed)
	b.learnMovement(change, elapsed)
}

// elapsed is the time since the reading before, in hours. A gap counts no
// more than a few readings: nobody knows what was in it.
func (b *baseline) elapsed(at int64) float64 {
	elapsed := hours(at - b.at)
	if b.readings == 2 {
		b.every = elapsed
	}
	elapsed = math.Min(elapsed, longestStep*b.every)
	b.every += math.Max(0.02, 1/float64(b.readings)) * (elapsed - b.every)
	return elapsed
}

// endDay closes the day under way once it is over. The first day only learns
// the level, so what it strayed by says nothing.
func (b *baseline) endDay() {
	if b.at-b.day < int64(24*time.Hour) {
		return
	}
	b.day = b.at
	if b.readings < probationReadings/2 || !b.level.counting {
		b.level.counting, b.unrest.counting = true, true
		return
	}
	b.level.endDay()
	b.unrest.endDay()
	b.days = min(b.days+1, daysFade)
}

func (b *baseline) learnValue(elapsed float64) {
	hour := &b.byHours[hourOf(b.at)]
	expected := b.level.level + float64(*hour)
	distance := b.middle - expected
	b.level.stray(distance/(deviation*math.Max(b.level.spread, b.step)), elapsed, valueAllowed)
	b.level.cap(b.days, valueSlack)

	limit := b.level.clip(b.readings, b.step)
	b.level.follow(distance, limit, elapsed, levelFades, b.readings)
	offset := b.middle - b.level.level - float64(*hour)
	*hour += float32(weight(elapsed, levelFades/24*2) * math.Max(-limit, math.Min(limit, offset)))
}

func (b *baseline) learnMovement(change, elapsed float64) {
	over := math.Max(movementHours, movementReadings*b.every)
	n := b.readings - movementReadings
	if n > youngest {
		change = math.Min(change, largestChange*(math.Exp(b.unrest.level)+b.step))
	}
	b.movement += math.Max(weight(elapsed, over), 1/float64(b.readings)) * (change - b.movement)
	if n <= 0 || b.step == 0 {
		return // what has never moved has no usual movement
	}
	log := math.Log(b.movement + stillShare*b.level.spread + stillStep*b.step)
	if b.unrest.level == 0 {
		b.unrest.level = log
	}
	distance := log - b.unrest.level
	b.unrest.stray(distance/(deviation*b.unrest.spread+movementFloor), elapsed, movementAllowed)
	b.unrest.cap(b.days, movementSlack)
	b.unrest.follow(distance, b.unrest.clip(n, movementFloor), elapsed, movementFades, n)
}

// hourOf is the hour of the day of a time, in UTC.
func hourOf(at int64) int { return int(at / int64(time.Hour) % 24) }

// known reports whether the probation is over. What has never changed has no
// usual spread.
func (b *baseline) known() bool {
	return b.days >= probationDays && b.readings >= probationReadings && b.level.spread > 0
}

// excess is how far the latest readings are from what is usual, as a multiple
// of what a usual day reaches at most; NaN while it is not known.
func (b *baseline) excess() float64 {
	if !b.known() {
		return math.NaN()
	}
	return math.Max(b.level.excess(b.days, valueSlack), b.unrest.excess(b.days, movementSlack))
}

// score turns an excess into 0 (as usual) to 0.999: each time what a usual day
// reaches takes a tenth of what is left, so 0.9 is once that and 0.99 twice.
func (b *baseline) score() float64 { return 1 - math.Exp(-math.Ln10*b.excess()) }
