package excursion

import (
	"slices"
	"time"

	"telltale/devices/shipments"
)

// own divides the track's time between its readings, gaps and what is left
// out.
func (t *track) own(p *shipments.StorageProfile) {
	longer := p.Gaps.LongerThan
	if len(t.readings) > 0 {
		t.exclude(p.IgnoreFirst)
	}
	if len(t.readings) == 0 {
		if t.finished {
			t.addUnwatched(t.start, t.end, longer)
		}
		return
	}

	t.spans = make([]span, 0, len(t.readings)+1)
	t.addUnwatched(t.start, t.readings[0].At, longer)
	for i, r := range t.readings[:len(t.readings)-1] {
		next := t.readings[i+1].At
		if isGap(r.At, next, longer) {
			t.addReading(r, r.At, next)
			t.addGap(r.At, next)
			continue
		}
		t.addReading(r, next, next)
	}
	t.ownLast(longer)
}

// ownLast gives the last reading its time: the median interval when the
// trace is finished, nothing when more may come.
func (t *track) ownLast(longer time.Duration) {
	last := t.readings[len(t.readings)-1]
	switch {
	case !t.finished:
		t.addReading(last, last.At, last.At)
	case isGap(last.At, t.end, longer):
		t.addReading(last, last.At, t.end)
		t.addGap(last.At, t.end)
	default:
		until := last.At.Add(t.medianInterval(longer))
		t.addReading(last, until, until)
	}
}

// medianInterval is the median distance between readings, gaps aside: a gap
// is no interval that anybody owned. Zero with less than two readings.
func (t *track) medianInterval(longer time.Duration) time.Duration {
	intervals := make([]time.Duration, 0, len(t.readings))
	for i, r := range t.readings[:len(t.readings)-1] {
		if next := t.readings[i+1].At; !isGap(r.At, next, longer) {
			intervals = append(intervals, next.Sub(r.At))
		}
	}
	n := len(intervals)
	if n == 0 {
		return 0
	}
	slices.Sort(intervals)
	return (intervals[(n-1)/2] + intervals[n/2]) / 2
}

func isGap(from, to time.Time, longer time.Duration) bool {
	return longer > 0 && to.Sub(from) > longer
}

// exclude names the start of each logger as left out.
func (t *track) exclude(ignoreFirst time.Duration) {
	if ignoreFirst <= 0 {
		return
	}
	for _, l := range t.loggers {
		until := l.From.Add(ignoreFirst)
		if !l.Until.IsZero() && until.After(l.Until) {
			until = l.Until
		}
		t.excluded = append(t.excluded, Excluded{
			From: l.From, To: until,
			Why: "first " + durationText(ignoreFirst) + " of " + string(l.Device),
		})
	}
}

// addReading gives a reading the time until the next one, or until time that
// is left out begins. A reading inside such time does not count, and neither
// does its value for what follows: the logger had not settled yet. So the
// time is left out until the next reading.
func (t *track) addReading(r reading, until, seen time.Time) {
	for i := range t.excluded {
		e := &t.excluded[i]
		switch {
		case !e.To.After(r.At):
		case !e.From.After(r.At):
			if until.After(e.To) {
				e.To = until
			}
			return
		case e.From.Before(until):
			until = e.From
		}
	}
	t.spans = append(t.spans, span{from: r.At, to: until, seen: seen, celsius: r.C, logger: r.logger})
}

// addGap adds what is counted of a stretch between readings as a gap.
func (t *track) addGap(from, to time.Time) {
	for f, u := range t.counted(from, to) {
		t.spans = append(t.spans, span{from: f, to: u, seen: to, unknown: true})
		t.gaps = append(t.gaps, Gap{From: f, To: u})
	}
}

// addUnwatched adds a stretch at either end of the track as a gap, when what
// is counted of it is long enough. Readings are not expected in time that is
// left out, so that time does not make it longer.
func (t *track) addUnwatched(from, to time.Time, longer time.Duration) {
	var total time.Duration
	for f, u := range t.counted(from, to) {
		total += u.Sub(f)
	}
	if longer > 0 && total > longer {
		t.addGap(from, to)
	}
}

// counted yields the parts of [from, to) that are not left out.
func (t *track) counted(from, to time.Time) func(yield func(from, to time.Time) bool) {
	return func(yield func(from, to time.Time) bool) {
		for _, e := range t.excluded {
			if !e.To.After(from) {
				continue
			}
			if !e.From.Before(to) {
				break
			}
			if e.From.After(from) && !yield(from, e.From) {
				return
			}
			from = e.To
		}
		if from.Before(to) {
			yield(from, to)
		}
	}
}
