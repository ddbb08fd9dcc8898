package history

import (
	"context"
	"iter"
	"time"

	"telltale/devices"
)

// Bounds of a stretch. Its length follows from how dense the readings are, so
// that one holds about stretchReadings whatever the number of devices.
const (
	stretchReadings = 500_000
	firstStretch    = time.Hour
	leastStretch    = time.Minute
	mostStretch     = 366 * 24 * time.Hour
	stretchGrowth   = 8 // at most, from one to the next
)

// Stretches yields what is kept of some devices (none named: of all) over
// [from, to), span by span in the order of time; within a span the reports are
// in no order. The reports are the caller's to keep. It ends with the first
// error. Reading stops when ctx ends.
func Stretches(ctx context.Context, archive Archive, ids []devices.ID, from, to time.Time) iter.Seq2[[]devices.Report, error] {
	if len(ids) == 0 {
		ids = []devices.ID{""}
	}
	return func(yield func([]devices.Report, error) bool) {
		length, expected := firstStretch, 0
		for from.Before(to) {
			end := from.Add(length)
			if end.After(to) {
				end = to
			}
			reports, readings, err := gather(ctx, archive, ids, from, end, expected)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(reports) > 0 && !yield(reports, nil) {
				return
			}
			next := nextLength(length, readings)
			expected = roomFor(len(reports), end.Sub(from), min(next, to.Sub(end)))
			length, from = next, end
		}
	}
}

// roomFor is how many reports to expect in the next stretch: as many as the
// last one had for its length, and a tenth more, for a list that is a little
// too short is copied as a whole.
func roomFor(reports int, length, next time.Duration) int {
	return min(int(float64(reports)*1.1*float64(next)/float64(length)), 2*stretchReadings)
}

// nextLength is the length after a stretch that had so many readings.
func nextLength(length time.Duration, readings int) time.Duration {
	if readings*stretchGrowth <= stretchReadings {
		return min(length*stretchGrowth, mostStretch)
	}
	return max(leastStretch, time.Duration(float64(length)*stretchReadings/float64(readings)))
}

// gather reads one stretch, in which so many reports are expected. Its readings
// lie in blocks that are shared by many reports.
func gather(ctx context.Context, archive Archive, ids []devices.ID, from, to time.Time, expected int) (all []devices.Report, readings int, err error) {
	const block = 4096
	all = make([]devices.Report, 0, expected)
	var room []devices.Reading
	for _, id := range ids {
		err := archive.Walk(ctx, id, from, to, func(run []devices.Report) error {
			for i := range run {
				r := &run[i]
				if cap(room)-len(room) < len(r.Readings) {
					room = make([]devices.Reading, 0, max(block, len(r.Readings)))
				}
				begin := len(room)
				room = append(room, r.Readings...)
				all = append(all, *r)
				all[len(all)-1].Readings = room[begin:len(room):len(room)]
				readings += len(r.Readings)
			}
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return all, readings, nil
}
