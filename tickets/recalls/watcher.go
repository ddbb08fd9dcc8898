package recalls

import (
	"math"
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
)

// Watcher picks the temperatures of shipments out of a stream of reports. It
// remembers the last point of each logger, and nothing else, so it may be
// made anew at any time: then the first point of each logger makes its
// shipment due, which costs one more look. It is not safe for concurrent use.
type Watcher struct {
	watch *Watch
	last  map[watched]lastPoint
}

type lastPoint struct {
	at      time.Time
	notable bool      // its value alone made the shipment due
	dueAt   time.Time // of the last point that made the shipment due
}

// lookEvery is how often, in event time, a quiet shipment is judged again.
// Nothing grave happens there, but a window of the mean kinetic temperature
// becomes full, and lists show until when the data reach.
const lookEvery = 15 * time.Minute

// NewWatcher returns a watcher by the watch.
func NewWatcher(watch *Watch) *Watcher {
	return &Watcher{watch: watch, last: make(map[watched]lastPoint)}
}

// Use goes over to a new watch. What is remembered stays, but for loggers
// that watch nothing any more.
func (w *Watcher) Use(watch *Watch) {
	w.watch = watch
	for key := range w.last {
		if !watch.knows(key) {
			delete(w.last, key)
		}
	}
}

func (w *Watch) knows(key watched) bool {
	for _, a := range w.byDevice[key.device] {
		if a.key == key {
			return true
		}
	}
	return false
}

// Observe returns the points that the report adds to the traces of shipments,
// and the shipments whose judgement may change by it. Most reports are of
// devices that travel with nothing, and cost one look-up.
//
// A point makes its shipment due when it is outside the limits, spends a
// budget or lies above the bound of the mean kinetic temperature; when it is
// late; when it is the first, or follows a gap or a point of the first kind;
// and when the last look was a quarter of an hour ago. Every other point
// leaves the verdict as it was.
func (w *Watcher) Observe(r *devices.Report) (points []TracePoint, due []string) {
	for i := range w.watch.byDevice[r.Device] {
		a := &w.watch.byDevice[r.Device][i]
		if !a.logger.Watches(r.ObservedAt) {
			continue
		}
		celsius, ok := temperature(r, a.logger.Metric)
		if !ok {
			continue
		}
		points = append(points, TracePoint{
			Shipment: a.key.shipment, Device: r.Device,
			ObservedAt: r.ObservedAt, ReceivedAt: r.ReceivedAt, Celsius: celsius,
		})
		if w.isDue(a, r.ObservedAt, celsius) {
			due = append(due, a.key.shipment)
		}
	}
	return points, due
}

func temperature(r *devices.Report, metric string) (float64, bool) {
	for _, reading := range r.Readings {
		if reading.Metric != metric || reading.Value.IsLabel() {
			continue
		}
		c := reading.Value.Number
		return c, !math.IsNaN(c) && !math.IsInf(c, 0)
	}
	return 0, false
}

// isDue decides about one point and remembers it.
func (w *Watcher) isDue(a *assignment, at time.Time, celsius float64) bool {
	last, known := w.last[a.key]
	if known && !at.After(last.at) {
		return true // late; the memory is of the newest point
	}
	now := lastPoint{at: at, notable: notable(a.profile, celsius), dueAt: last.dueAt}
	gap := a.profile.Gaps.LongerThan
	due := !known || now.notable || last.notable ||
		gap > 0 && at.Sub(last.at) > gap || at.Sub(last.dueAt) >= lookEvery
	if due {
		now.dueAt = at
	}
	w.last[a.key] = now
	return due
}

// notable reports whether a value alone may change the judgement.
func notable(p *shipments.StorageProfile, celsius float64) bool {
	if !p.Limits.Contains(celsius) || p.MKT != nil && celsius > p.MKT.Max {
		return true
	}
	for _, b := range p.Budgets {
		if b.Breached(celsius) {
			return true
		}
	}
	return false
}
