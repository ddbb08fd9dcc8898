package rules

import (
	"cmp"
	"slices"
	"time"
)

// heartbeat is how often an engine with rules about silence wants to be told
// the time, although nothing else happens. A longer break in the log means
// that we were not listening, and then nobody's silence counts.
const heartbeat = time.Minute

// advance moves the log time, which never falls, and notices breaks.
func (e *Engine) advance(at time.Time) int64 {
	now, ok := nanos(at)
	if !ok {
		return e.now
	}
	if e.now != 0 && e.silent > 0 && now-e.now > 2*int64(heartbeat) {
		e.listening = now
		for _, d := range e.devices {
			e.schedule(d) // also those that had nothing more to wait for
		}
	}
	e.now = max(e.now, now)
	return e.now
}

// NextDeadline returns the log time at which Apply or Tick should be called
// at the latest, so that nothing timed is decided late; false when nothing
// waits for time. Only rules with silent() and escalations of active alarms do.
func (e *Engine) NextDeadline() (time.Time, bool) {
	for len(e.queue) > 0 {
		first := e.queue[0]
		due, ok := e.due(first.device)
		if ok && due == first.at {
			break
		}
		e.requeue(first.device, due, ok)
	}
	var deadline int64
	switch {
	case e.now == 0:
		return time.Time{}, false
	case len(e.queue) > 0:
		deadline = e.queue[0].at
		if e.silent > 0 {
			deadline = min(deadline, e.now+int64(heartbeat))
		}
	case e.silent > 0:
		deadline = e.now + int64(heartbeat)
	default:
		return time.Time{}, false
	}
	return timeOf(deadline), true
}

// schedule puts a device where its next timer belongs, when that is sooner
// than where it is. A later one is found when the sooner comes up, so that a
// reading costs no work on the queue.
func (e *Engine) schedule(d *device) {
	due, ok := e.due(d)
	if !ok || d.queued >= 0 && e.queue[d.queued].at <= due {
		return
	}
	e.requeue(d, due, true)
}

func (e *Engine) requeue(d *device, due int64, ok bool) {
	switch {
	case !ok:
		e.queue.remove(d)
	case d.queued < 0:
		e.queue.push(d, due)
	default:
		e.queue.move(d, due)
	}
}

// due returns the log time of a device's next timer.
func (e *Engine) due(d *device) (int64, bool) {
	due := int64(never)
	sooner := func(at int64) {
		if due == never || at < due {
			due = at
		}
	}
	if len(d.plan.timed) > 0 && d.contact > 0 {
		heard := max(d.contact, e.listening)
		for _, after := range d.plan.silences {
			if heard+after > d.decided {
				sooner(heard + after)
				break
			}
		}
	}
	for _, i := range d.plan.timed {
		c, delays := &d.cells[i], d.plan.rules[i].delays
		var ends int64
		switch c.phase {
		case pending:
			ends = d.logTime(c.since + delays.on)
		case clearing:
			ends = d.logTime(c.since + c.offDelay(delays))
		}
		if ends > d.decided {
			sooner(ends)
		}
		if at, ok := e.heldUntil(d, i); ok {
			sooner(at)
		}
		if at, ok := d.dueOnLadder(i); ok {
			sooner(at)
		}
	}
	for _, i := range d.plan.aging {
		if c := &d.cells[i]; c.phase.isRaised() && int(c.step) < len(d.plan.rules[i].aged) {
			ends := d.logTime(c.alarm.raisedAt + int64(d.plan.rules[i].aged[c.step].After))
			sooner(max(ends, d.decided))
		}
	}
	return due, due != never
}

// runTimers decides everything that is due at a log time, in the order it
// was due, devices of one instant by id.
func (e *Engine) runTimers(now int64) {
	var late []timer
	for len(e.queue) > 0 && e.queue[0].at <= now {
		d := e.queue[0].device
		due, ok := e.due(d)
		e.queue.remove(d)
		if ok {
			late = append(late, timer{due, d})
		}
	}
	slices.SortFunc(late, func(a, b timer) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.device.id, b.device.id))
	})
	e.round.report, e.round.observed = -1, never
	for _, t := range late {
		for due, ok := t.at, true; ok && due <= now; due, ok = e.due(t.device) {
			e.runTimer(t.device, due)
		}
		e.schedule(t.device)
	}
}

// runTimer decides what is due of a device at one log time.
func (e *Engine) runTimer(d *device, at int64) {
	d.decided = at
	e.frame.device = nil
	decided := len(e.round.transitions)
	if d.journal != nil {
		d.journal.pause(d)
	}
	for _, i := range d.plan.timed {
		e.evaluateAlone(d, i, d.clock(at), at)
	}
	for _, i := range d.plan.aging {
		if c := &d.cells[i]; c.phase.isRaised() {
			before := c.step
			e.escalate(d, i, d.clock(at), at)
			decided -= int(c.step - before) // also one that tells nothing
		}
	}
	if d.journal != nil && len(e.round.transitions) > decided {
		d.journal.timer = max(d.journal.timer, d.clock(at))
	}
}
