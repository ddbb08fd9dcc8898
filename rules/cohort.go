package rules

import (
	"math"
	"time"
)

// How a cohort is kept.
const (
	cohortSlots  = 24   // parts of its window
	cohortLeast  = 8    // peers, apart from the device itself, without which nothing is known
	cohortMost   = 4096 // devices of a partition that count in one slot
	madDeviation = 1.4826
)

// cohortSpec is what conditions ask of the peers of a device: one metric over
// one window.
type cohortSpec struct {
	slot   int // of the metric
	window int64
	part   int64 // length of a slot of time
}

// newCohortSpec cuts a window into slots. A slot lasts for two reports at
// least, so that every device that is there has a reading in it.
func newCohortSpec(slot int, window, every int64) cohortSpec {
	part := max(window/cohortSlots, min(2*every, window))
	return cohortSpec{slot: slot, window: window, part: part}
}

// cohortKey names a cohort.
type cohortKey struct {
	model, metric string
	window        int64
}

// cohort is all devices of one model in one partition, by one metric, and what
// other partitions told of theirs. A device counts once in each slot of time,
// with its first reading, however often it reports. Slots go by the log's
// time. A device is judged by the slots that are over, so what a round says
// does not depend on the order of its devices.
type cohort struct {
	spec   cohortSpec
	part   int64     // number of the slot under way
	values []float64 // in it
	closed []summary // ours, by ascending slot
	others []summary // of all other partitions together, by ascending slot

	// What follows from closed and others.
	peers         int64   // most devices in any slot
	median, scale float64 // scale: 1.4826 times the median distance from the median

	scratch []weighted
}

// contribute takes in the first reading of a device in a slot of time and
// returns the number of the slot; last is that of the device's slot before.
func (c *cohort) contribute(last int64, v float64) int64 {
	if last != c.part && len(c.values) < cohortMost {
		c.values = append(c.values, v)
	}
	return c.part
}

// pass closes the slot under way when the log time has left it.
func (c *cohort) pass(now int64) {
	part := now / c.spec.part
	if part <= c.part {
		return
	}
	if len(c.values) > 0 {
		c.closed = append(c.closed, summarize(c.part, c.values))
		c.values = c.values[:0]
	}
	c.part = part
	c.closed = recent(c.closed, c.oldest())
	c.others = recent(c.others, c.oldest())
	c.refer()
}

// oldest is the first slot that still is in the window.
func (c *cohort) oldest() int64 { return c.part - c.spec.window/c.spec.part }

// recent drops the summaries of slots before one.
func recent(all []summary, oldest int64) []summary {
	over := 0
	for over < len(all) && all[over].slot < oldest {
		over++
	}
	return all[over:]
}

// refer computes what devices are measured against.
func (c *cohort) refer() {
	c.peers, c.median, c.scale = 0, 0, 0
	all := c.scratch[:0]
	counts := make(map[int64]int64, len(c.closed)+len(c.others))
	for _, side := range [][]summary{c.closed, c.others} {
		for i := range side {
			all = side[i].weigh(all)
			counts[side[i].slot] += side[i].count
			c.peers = max(c.peers, counts[side[i].slot])
		}
	}
	if c.scratch = all; len(all) == 0 {
		return
	}
	c.median = weightedMedian(all)
	for i := range all {
		all[i].value = math.Abs(all[i].value - c.median)
	}
	c.scale = madDeviation * weightedMedian(all)
}

// z is how far a value is from the peers'. It is unknown with too few of them,
// and when half of them say the same to the last digit.
func (c *cohort) z(v float64) float64 {
	if c.peers-1 < cohortLeast || !(c.scale > 0) {
		return math.NaN()
	}
	return (v - c.median) / c.scale
}

// smallestWindow is the shortest window of a cohort.
const smallestWindow = time.Minute
