package history

import (
	"context"
	"iter"
	"slices"
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
		length := firstStretch
		for from.Before(to) {
			end := from.Add(length)
			if end.After(to) {
				end = to
			}
			reports, readings, err := gather(ctx, archive, ids, from, end)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(reports) > 0 && !yield(reports, nil) {
				return
			}
			length = nextLength(length, readings)
			from = end
		}
	}
}

// nextLength is the length after a stretch that had so many readings.
func nextLength(length time.Duration, readings int) time.Duration {
	if readings*stretchGrowth <= stretchReadings {
		return min(length*stretchGrowth, mostStretch)
	}
	return max(leastStretch, time.Duration(float64(length)*stretchReadings/float64(readings)))
}

// gather reads one stretch. Its readings lie in blocks that are shared by many
// reports.
func gather(ctx context.Context, archive Archive, ids []devices.ID, from, to time.Time) (all []devices.Report, readings int, err error) {
	const block = 4096
	var room []devices.Reading
	for _, id := range ids {
		err := archive.Walk(ctx, id, from, to, func(run []devices.Report) error {
			all = slices.Grow(all, len(run))
			for _, r := range run {
				if cap(room)-len(room) < len(r.Readings) {
					room = make([]devices.Reading, 0, max(block, len(r.Readings)))
				}
				begin := len(room)
				room = append(room, r.Readings...)
				r.Readings = room[begin:len(room):len(room)]
				all = append(all, r)
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
