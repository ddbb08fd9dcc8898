package backtest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"telltale/devices"
)

// tape is everything that a run plays, in the order of time, then device. What
// a device measures is named once, and each reading says which of those it is:
// that is half the memory of a [Reading], and less to move about and to look
// up.
type tape struct {
	points []point
	series []series
}

// point is a reading on a tape.
type point struct {
	at     int64 // Unix nanoseconds
	series int32
	value  devices.Value
}

// series is one metric of one device.
type series struct {
	device devices.ID
	metric string
}

// tapeBlock is how many readings are kept in one piece while their number is
// not known: longer pieces would have to be copied as they grow.
const tapeBlock = 1 << 16

// gather reads everything within the bounds and puts it in order.
func gather(ctx context.Context, in Input, readings iter.Seq2[Reading, error]) (*tape, error) {
	t := &tape{}
	known := make(map[series]int32)
	var blocks [][]point
	block := make([]point, 0, 1024)
	ordered, n := true, 0
	var last point
	for r, err := range readings {
		if err != nil {
			return nil, fmt.Errorf("readings: %w", err)
		}
		if n++; n%checkEvery == 0 {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if in.Progress != nil {
				in.Progress(Progress{Read: int64(n)})
			}
		}
		if !in.From.IsZero() && r.At.Before(in.From) || !in.To.IsZero() && !r.At.Before(in.To) {
			continue
		}
		of := series{r.Device, r.Metric}
		number, ok := known[of]
		if !ok {
			number = int32(len(t.series)) //nolint:gosec // readings of that many metrics are no input for a machine
			known[of] = number
			t.series = append(t.series, of)
		}
		p := point{at: nanosOf(r.At), series: number, value: r.Value}
		ordered = ordered && (n == 1 || t.order(&last, &p) <= 0)
		if len(block) == cap(block) {
			blocks = append(blocks, block)
			block = make([]point, 0, tapeBlock)
		}
		block, last = append(block, p), p
	}
	t.points = slices.Concat(append(blocks, block)...)
	if !ordered {
		slices.SortStableFunc(t.points, func(a, b point) int { return t.order(&a, &b) })
	}
	return t, nil
}

// order is by time, then by device, so that what a device said at one instant
// stands together.
func (t *tape) order(a, b *point) int {
	if a.at != b.at || a.series == b.series {
		return cmp.Compare(a.at, b.at)
	}
	return cmp.Compare(t.series[a.series].device, t.series[b.series].device)
}

// nanosOf is a time in Unix nanoseconds; one so far away that it has none is
// the furthest that has. The engine believes neither.
func nanosOf(t time.Time) int64 {
	const second = int64(time.Second)
	switch at := t.Unix(); {
	case at <= math.MinInt64/second:
		return math.MinInt64
	case at >= math.MaxInt64/second:
		return math.MaxInt64
	default:
		return t.UnixNano()
	}
}

// time is when the reading was made.
func (p *point) time() time.Time { return time.Unix(0, p.at).UTC() }

// measured returns the devices on the tape, each with its metrics.
func (t *tape) measured() map[devices.ID][]string {
	seen := make(map[devices.ID][]string)
	for _, s := range t.series {
		seen[s.device] = append(seen[s.device], s.metric)
	}
	return seen
}
