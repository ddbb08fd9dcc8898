package rules

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"telltale/devices"
)

// Use goes over to other rules or devices at the log time at. State is kept
// as [Engine.Restore] keeps it. Alarms of rules that were removed or switched
// off, and of devices that are gone, are cleared with the reason: what the
// engine opened, it closes.
func (e *Engine) Use(set *Set, at time.Time) []Transition {
	state := e.Snapshot(nil)
	e.set = set
	orphans, err := e.restore(state)
	if err != nil {
		panic("rules: own snapshot cannot be restored: " + err.Error())
	}
	now, ok := nanos(at)
	if !ok {
		now = e.now
	}
	var transitions []Transition
	for _, o := range orphans {
		transitions = append(transitions, o.clear(now))
	}
	e.stats.Transitions += int64(len(transitions))
	return transitions
}

// clear ends an alarm that has no place any more, at a log time. What was only
// held back is released.
func (o *orphan) clear(now int64) Transition {
	at := max(o.alarm.raisedAt, o.at, now)
	t := Transition{
		AlarmID: o.alarm.id, Key: Key{Rule: o.rule.id, Subject: Subject{Type: subjectDevice, ID: string(o.device)}},
		Change: Cleared, At: timeOf(at), RaisedAt: timeOf(o.alarm.raisedAt), PendingSince: timeOf(o.alarm.pendingSince),
		Severity: o.alarm.severity, Occurrences: o.count, Chattering: o.chattering, RuleVersion: o.rule.version, Mode: o.rule.mode,
		Explanation: []string{fmt.Sprintf("Cleared because %s.", o.reason)}, Revision: o.alarm.revision,
	}
	if o.held {
		t.Change, t.Evidence.Held = Released, o.alarm.suppressions()
		t.Explanation = []string{fmt.Sprintf("No longer held back: %s.", o.reason)}
	}
	return t
}

// OpenAlarm is an alarm that is active in the database, or held back.
type OpenAlarm struct {
	AlarmID      string // of its latest raise
	Held         bool   // it was never raised
	Key          Key
	Mode         Mode
	RuleVersion  int
	RaisedAt     time.Time
	PendingSince time.Time
	Severity     Severity
	Occurrences  int64
	Chattering   bool
	Revision     int // how often it was amended
}

// Reconcile makes the engine and the alarms that are active in the database
// agree, after a recovery. An alarm that only the engine has is raised again,
// under the same id. One that only the database has is taken over as active,
// so that it ends when its condition does; when its rule or device is gone,
// it is cleared. What only the database takes for held back is released. All
// are exceptions: they need a crash and a change of the rules to come together.
func (e *Engine) Reconcile(open []OpenAlarm) []Transition {
	type place struct {
		device string
		rule   string
		mode   Mode
	}
	inDatabase := make(map[place]bool, len(open))
	for _, o := range open {
		if o.Key.Subject.Type != subjectDevice {
			continue
		}
		if o.Held {
			e.releaseLost(o)
			continue
		}
		inDatabase[place{o.Key.Subject.ID, o.Key.Rule, o.Mode}] = true
		e.adopt(o)
	}
	for _, d := range e.devices {
		for i := range d.cells {
			rule := &d.plan.rules[i].rule
			if d.cells[i].phase.isRaised() && !inDatabase[place{string(d.id), rule.ID, rule.Mode}] {
				e.raiseAgain(d, i)
			}
		}
	}
	slices.SortStableFunc(e.round.transitions, func(a, b Transition) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.AlarmID, b.AlarmID))
	})
	return e.finish()
}

// releaseLost releases an alarm that is held back only in the database.
func (e *Engine) releaseLost(o OpenAlarm) {
	if d, ok := e.devices[devices.ID(o.Key.Subject.ID)]; ok {
		if i, ok := d.plan.position[o.Key.Rule]; ok && d.cells[i].alarm != nil && d.cells[i].alarm.id == o.AlarmID {
			return
		}
	}
	lost := orphan{
		device: devices.ID(o.Key.Subject.ID), rule: storedRule{id: o.Key.Rule, mode: o.Mode, version: o.RuleVersion},
		alarm: e.alarmOf(o), count: o.Occurrences, held: true, reason: "the rules changed while nobody listened",
	}
	e.emit(lost.clear(e.now))
}

// alarmOf is an alarm of the database as the engine keeps it.
func (e *Engine) alarmOf(o OpenAlarm) alarm {
	raisedAt, ok := nanos(o.RaisedAt)
	if !ok {
		raisedAt = e.now
	}
	pendingSince, ok := nanos(o.PendingSince)
	if !ok {
		pendingSince = raisedAt
	}
	return alarm{
		id: o.AlarmID, raisedAt: raisedAt, pendingSince: pendingSince, severity: o.Severity, floor: o.Severity,
		told: max(o.Occurrences, 1), revision: o.Revision,
	}
}

// adopt takes over an alarm of the database that the engine may not know.
func (e *Engine) adopt(o OpenAlarm) {
	taken := e.alarmOf(o)
	stored := storedRule{id: o.Key.Rule, mode: o.Mode, version: o.RuleVersion}

	d := e.device(devices.ID(o.Key.Subject.ID))
	if d != nil {
		if i, ok := d.plan.position[stored.id]; ok && d.plan.rules[i].rule.Mode == o.Mode {
			if !d.cells[i].phase.isRaised() {
				if d.contact == 0 {
					d.contact = e.now // not heard of since the restart: its silence is counted from here
				}
				rule := &d.plan.rules[i].rule
				e.release(d, i, &d.cells[i], d.observed, "its alarm was found active", o.AlarmID)
				d.cells[i] = cell{
					phase: active, count: o.Occurrences, alarm: &taken, step: d.plan.rules[i].stepOf(o.Severity),
					chattering: o.Chattering && rule.Chattering.Times > 0,
				}
				if p := d.past(i); p != nil {
					p.comeBefore(taken.raisedAt, rule.Chattering)
				}
				d.stir(i)
				d.standOn(i)
				e.reach(d, i, 1)
				if d.journal != nil {
					d.journal.resume()
					d.journal.restart(d) // its reports do not lead to this alarm
				}
				e.schedule(d)
			}
			return
		}
	}
	gone := orphan{device: devices.ID(o.Key.Subject.ID), rule: stored, alarm: taken, count: o.Occurrences, chattering: o.Chattering, at: taken.raisedAt}
	if d == nil {
		gone.reason = "the device is no longer declared"
	} else {
		gone.reason = d.keep(e.set, stored, cell{}, true)
	}
	e.emit(gone.clear(e.now))
}

// stepOf returns how many escalations an alarm of the severity has behind it.
func (r *bound) stepOf(severity Severity) uint8 {
	done := 0
	for done < len(r.aged) && r.aged[done].Severity <= severity {
		done++
	}
	return uint8(done)
}

// raiseAgain tells of an alarm that the database has lost or never had.
func (e *Engine) raiseAgain(d *device, i int) {
	c := &d.cells[i]
	e.round.report = -1
	t := e.transition(d, i, Raised, c.alarm.raisedAt)
	f := e.prepare(d, max(d.observed, c.alarm.raisedAt), e.now)
	t.Values = d.values(f.oldest)
	t.Explanation = []string{
		fmt.Sprintf("Active since %s (rule %s v%d).", formatTime(c.alarm.raisedAt, f.now), t.Key.Rule, t.RuleVersion),
		"Found active at a restart and not in the database, so it was raised again.",
	}
	e.emit(t)
}
