package excursion

import (
	"cmp"
	"math"
	"slices"
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
)

// track is what one place in the shipment went through: the readings of
// loggers that followed each other there.
type track struct {
	loggers  []shipments.Logger // ascending; each ends before the next begins
	start    time.Time          // when the track should have begun
	end      time.Time          // when it is to end; zero: not known
	finished bool               // end is known and not in the future

	readings []reading // ascending, one per instant
	spans    []span    // ascending, not overlapping
	gaps     []Gap
	excluded []Excluded
}

// reading is a point with the logger it came from.
type reading struct {
	Point
	logger devices.ID
}

// span is time owned by one reading, or by nobody. Time that is left out of
// the judgement is in no span. A span without length stands for a reading
// that owns nothing: it still says that the value was seen.
type span struct {
	from, to time.Time
	seen     time.Time // the reading that ended it, which is when it was known
	celsius  float64
	unknown  bool // a gap; celsius says nothing
	logger   devices.ID
}

func (s span) length() time.Duration { return s.to.Sub(s.from) }

// tracksOf arranges the loggers into tracks with their spans. Strays are the
// points that belong to no logger's time with the shipment.
func tracksOf(s *shipments.Shipment, p *shipments.StorageProfile, trace Trace, now time.Time) ([]*track, []Excluded) {
	loggers := watching(s)
	tracks := joinLoggers(loggers)
	stretchToJourney(tracks, s)
	for _, t := range tracks {
		t.finished = !t.end.IsZero() && !t.end.After(now)
		t.collect(trace, p.Limits)
		t.own(p)
	}
	return tracks, straysOf(trace, loggers)
}

// watching returns the loggers with the times they were with the goods: from
// departure when they have no beginning, until arrival at the latest.
func watching(s *shipments.Shipment) []shipments.Logger {
	loggers := make([]shipments.Logger, 0, len(s.Loggers))
	for _, l := range s.Loggers {
		if l.From.IsZero() {
			l.From = s.DepartedAt
		}
		if !s.ArrivedAt.IsZero() && (l.Until.IsZero() || l.Until.After(s.ArrivedAt)) {
			l.Until = s.ArrivedAt
		}
		if l.Until.IsZero() || l.Until.After(l.From) {
			loggers = append(loggers, l)
		}
	}
	slices.SortFunc(loggers, func(a, b shipments.Logger) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Device, b.Device), a.Until.Compare(b.Until))
	})
	return loggers
}

// joinLoggers puts each logger behind one that has ended, or on a track of
// its own.
func joinLoggers(loggers []shipments.Logger) []*track {
	var tracks []*track
	for _, l := range loggers {
		i := slices.IndexFunc(tracks, func(t *track) bool { return !t.end.IsZero() && !t.end.After(l.From) })
		if i < 0 {
			tracks = append(tracks, &track{start: l.From})
			i = len(tracks) - 1
		}
		tracks[i].loggers = append(tracks[i].loggers, l)
		tracks[i].end = l.Until
	}
	return tracks
}

// stretchToJourney makes the first track begin at departure and the last one
// end at arrival, so that time nobody watched is seen as a gap.
func stretchToJourney(tracks []*track, s *shipments.Shipment) {
	if len(tracks) == 0 {
		return
	}
	if first := tracks[0]; !s.DepartedAt.IsZero() && s.DepartedAt.Before(first.start) {
		first.start = s.DepartedAt
	}
	if s.ArrivedAt.IsZero() {
		return
	}
	last := slices.MaxFunc(tracks, func(a, b *track) int { return a.end.Compare(b.end) })
	last.end = s.ArrivedAt
}

// collect gathers the readings of the track's loggers, sorted, one per
// instant.
func (t *track) collect(trace Trace, limits shipments.Limits) {
	n := 0
	for _, l := range t.loggers {
		n += len(trace[l.Device])
	}
	t.readings = make([]reading, 0, n)
	for _, l := range t.loggers {
		for _, pt := range trace[l.Device] {
			if l.Watches(pt.At) && isTemperature(pt.C) {
				t.readings = append(t.readings, reading{pt, l.Device})
			}
		}
	}
	if slices.IsSortedFunc(t.readings, func(a, b reading) int {
		return cmp.Or(a.At.Compare(b.At), -1) // equal is not sorted: one of them must go
	}) {
		return
	}
	// Of two values for one instant the one further from the middle of the
	// limits comes first and stays, whatever the order they arrived in.
	middle := (limits.Min + limits.Max) / 2
	slices.SortFunc(t.readings, func(a, b reading) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(math.Abs(b.C-middle), math.Abs(a.C-middle)), cmp.Compare(b.C, a.C))
	})
	t.readings = slices.CompactFunc(t.readings, func(a, b reading) bool { return a.At.Equal(b.At) })
}

func isTemperature(c float64) bool { return !math.IsNaN(c) && !math.IsInf(c, 0) }

// straysOf names the points that no logger's time covers, in runs.
func straysOf(trace Trace, loggers []shipments.Logger) []Excluded {
	var out []Excluded
	for id, points := range trace {
		var stray []time.Time
		for _, pt := range points {
			counted := slices.ContainsFunc(loggers, func(l shipments.Logger) bool {
				return l.Device == id && l.Watches(pt.At)
			})
			if !counted {
				stray = append(stray, pt.At)
			} else if !isTemperature(pt.C) {
				out = append(out, Excluded{From: pt.At, To: pt.At, Why: string(id) + " sent no temperature"})
			}
		}
		out = append(out, runsOf(stray, id, loggers)...)
	}
	slices.SortFunc(out, func(a, b Excluded) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Why, b.Why))
	})
	return out
}

// runsOf joins strays that have none of the logger's times between them.
func runsOf(stray []time.Time, id devices.ID, loggers []shipments.Logger) []Excluded {
	slices.SortFunc(stray, time.Time.Compare)
	var out []Excluded
	for _, at := range stray {
		n := len(out)
		apart := n == 0 || slices.ContainsFunc(loggers, func(l shipments.Logger) bool {
			return l.Device == id && l.From.After(out[n-1].To) && l.From.Before(at)
		})
		if apart {
			out = append(out, Excluded{From: at, To: at, Why: string(id) + " was not with the shipment"})
			continue
		}
		out[n-1].To = at
	}
	return out
}
