package rules

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strconv"
	"strings"
)

// alarm is what is remembered of an alarm while it exists, or while it is
// held back from existing.
type alarm struct {
	id           string
	raisedAt     int64 // event times
	pendingSince int64
	severity     Severity
	told         int64 // occurrences, as last given out; 0: it was never raised, but held back
	listed       int   // place among the round's repeated ones, from 1; 0: none
	revision     int   // how often it was amended

	floor Severity // what the severity would be but for steps of the ladder that have conditions
	held  []holder // what held it back before it was raised
}

// idEncoding writes ids that are safe in topics, URLs and file names.
var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// alarmID is the same in every replay: it is made of what the alarm is. How
// often decisions about its device were amended is part of it, because what
// was amended or withdrawn keeps the id that its first onset gave it.
func alarmID(key Key, mode Mode, raisedAt int64, amended int) string {
	const half = 16 // 128 bits: no two alarms will ever share them
	parts := []string{key.Rule, key.Subject.Type, key.Subject.ID, string(mode), strconv.FormatInt(raisedAt, 10)}
	if amended > 0 {
		parts = append(parts, strconv.Itoa(amended))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return idEncoding.EncodeToString(sum[:half])
}

func (d *device) key(i int) Key {
	return Key{Rule: d.plan.rules[i].rule.ID, Subject: Subject{Type: subjectDevice, ID: string(d.id)}}
}

// subjectDevice is the type of the subjects that an engine's alarms are about.
const subjectDevice = "device"

// raise makes the alarm of a cell that has just become active.
func (e *Engine) raise(d *device, i int, f *frame) {
	c, r := &d.cells[i], d.plan.rules[i]
	var held []holder
	before := *c
	before.phase = pending
	if c.alarm != nil {
		held = c.alarm.held
	}
	c.alarm = &alarm{
		id: alarmID(d.key(i), r.rule.Mode, f.now, d.amended), raisedAt: f.now, pendingSince: c.since,
		severity: d.severity(i, r.rule.Severity), floor: r.rule.Severity, told: c.count, held: held,
	}
	d.rememberLevel(i, f.now)
	t := e.transition(d, i, Raised, f.now)
	p := d.past(i)
	if p != nil {
		t.Reopens = p.reopened(f.now, r.rule.ReopenWithin)
	}
	if e.explains(d, i) {
		t.Values = d.values(f.oldest)
		t.Explanation = explainRaise(d, i, f)
		t.Evidence = d.evidence(i, f)
		if p != nil {
			t.Explanation = append(t.Explanation, p.explain(c, &r.rule, t.Reopens, f.now)...)
		}
	}
	if p != nil {
		p.come(f.now, r.rule.Chattering)
	}
	e.emit(t)
	e.release(d, i, &before, f.now, "it was raised", t.AlarmID)
	e.reach(d, i, 1)
}

// clear ends the alarm of a cell.
func (e *Engine) clear(d *device, i int, f *frame) {
	c := &d.cells[i]
	at := max(f.now, c.alarm.raisedAt)
	t := e.transition(d, i, Cleared, at)
	if e.explains(d, i) {
		t.Values = d.values(f.oldest)
		t.Explanation = explainClear(d, i, f)
	}
	e.emit(t)
	if p := d.past(i); p != nil {
		p.lastID, p.endedAt = c.alarm.id, at
	}
	d.remember(i, c, at)
	*c = cell{}
	e.reach(d, i, -1)
}

// escalate raises the severity of an alarm as far as its age asks for. The
// change is dated to when it was due, however late anybody looks.
func (e *Engine) escalate(d *device, i int, now, at int64) {
	c, r := &d.cells[i], d.plan.rules[i]
	for int(c.step) < len(r.aged) {
		step := r.aged[c.step]
		due := c.alarm.raisedAt + int64(step.After)
		if now < due {
			return
		}
		c.step++
		c.alarm.floor = max(c.alarm.floor, step.Severity)
		if step.Severity <= c.alarm.severity {
			continue
		}
		c.alarm.severity = step.Severity
		d.rememberLevel(i, due)
		t := e.transition(d, i, Escalated, due)
		if e.explains(d, i) {
			t.Values = d.values(e.prepare(d, now, at).oldest)
			t.Explanation = []string{explainEscalation(step, r)}
		}
		e.emit(t)
	}
}

// repeat notes that the condition of a raised alarm was found true once more.
func (e *Engine) repeat(d *device, i int, now int64) {
	a := d.cells[i].alarm
	if a.listed > 0 {
		latest := &e.round.repeated[a.listed-1]
		latest.at, latest.report = now, e.round.report
		return
	}
	e.round.repeated = append(e.round.repeated, repeated{device: d, rule: i, alarm: a, at: now, report: e.round.report})
	a.listed = len(e.round.repeated)
}

func (e *Engine) emitRepeated(r repeated, c *cell) {
	e.round.report = r.report
	e.emit(e.transition(r.device, r.rule, Repeated, r.at))
	r.alarm.told = c.count
}

// transition fills in what all changes of an alarm have in common.
func (e *Engine) transition(d *device, i int, change Change, at int64) Transition {
	return e.transitionOf(d, i, &d.cells[i], change, at)
}

// transitionOf does so for a cell as it was.
func (e *Engine) transitionOf(d *device, i int, c *cell, change Change, at int64) Transition {
	r := d.plan.rules[i]
	t := Transition{
		AlarmID: c.alarm.id, Key: d.key(i), Change: change, At: timeOf(at),
		RaisedAt: timeOf(c.alarm.raisedAt), PendingSince: timeOf(c.alarm.pendingSince),
		Severity: c.alarm.severity, Occurrences: c.count,
		Chattering: c.chattering, RuleVersion: r.rule.Version, Mode: r.rule.Mode, Faults: slices.Clone(d.faults),
		Revision: c.alarm.revision,
	}
	if e.round.trace != nil {
		t.Trace = e.round.trace(e.round.report)
	}
	return t
}

func (e *Engine) emit(t Transition) {
	if e.frame.speechless != nil {
		e.noteSpeechless(&t)
	}
	e.round.transitions = append(e.round.transitions, t)
}
