package rules

import (
	"fmt"
	"time"

	"telltale/devices"
)

// Loss is that reports of a device could not be taken in, because storing or
// learning a reading failed. The rules have not seen them, or not all of them.
type Loss struct {
	Device devices.ID
	At     time.Time // log time of the last
	Reason string    // of the last
	Trace  string    // of the last
	Count  int64     // how often
}

// TakeLosses returns what could not be taken in since it was last asked, one
// entry for each device in the order of the first, and forgets it. A replay
// loses what the first run lost.
func (e *Engine) TakeLosses() []Loss {
	losses := e.losses
	e.losses = nil
	return losses
}

// reportsFrom takes in the reports from one on, and returns the position of the
// next: behind the last, or behind one that could not be taken in. One guard is
// set for all of them.
func (e *Engine) reportsFrom(reports []devices.Report, from int, now int64) (next int) {
	defer func() {
		if d := e.round.taking; d != nil {
			e.lose(d, recover())
			next++
			if d.journal != nil {
				d.journal.resume()
				d.journal.restart(d) // its reports do not lead to this state
			}
			e.schedule(d)
		}
	}()
	for next = from; next < len(reports); next++ {
		e.round.report = next
		e.report(&reports[next], e.round.known[next], now)
	}
	return next
}

// againGuarded is [Engine.again], and reports whether the entry was taken in.
func (e *Engine) againGuarded(d *device, one *entry) (taken bool) {
	defer func() {
		if e.round.taking != nil {
			e.lose(d, recover())
			taken = false
		}
	}()
	e.again(d, one)
	return true
}

// lose notes that a report of a device could not be taken in. What of it is
// stored stays, and counts with the device's next report.
func (e *Engine) lose(d *device, cause any) {
	e.round.taking, e.frame.device = nil, nil
	e.stats.Lost++
	loss := Loss{Device: d.id, At: timeOf(e.now), Reason: fmt.Sprint(cause), Count: 1}
	if e.round.trace != nil {
		loss.Trace = e.round.trace(e.round.report)
	}
	for i := range e.losses {
		if before := &e.losses[i]; before.Device == d.id {
			loss.Count += before.Count
			*before = loss
			return
		}
	}
	e.losses = append(e.losses, loss)
}
