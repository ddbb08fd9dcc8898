package rules

import (
	"fmt"
	"slices"
	"strings"
)

// amendment gathers what a second decision about a device changes.
type amendment struct {
	engine  *Engine
	device  *device
	late    stragglers
	decided map[string][]Transition // of the second decision, by the id it gave
	renamed map[string]string       // ids that the second decision gave, to those under which the alarms are told

	withdrawn, ended, reopened, over, regular []Transition // in the order they are told
}

// amend compares what was told with what a second decision found, and tells
// the difference. Alarms keep the ids under which they were told.
func (e *Engine) amend(d *device, late stragglers, was, now run) {
	a := amendment{engine: e, device: d, late: late, decided: make(map[string][]Transition), renamed: make(map[string]string)}
	for _, t := range now.decided {
		a.decided[t.AlarmID] = append(a.decided[t.AlarmID], t)
	}
	pairs := match(was.alarms, now.alarms)
	for i, n := range now.alarms {
		a.rename(n, was.alarms, pairs[i])
	}
	for i, n := range now.alarms {
		if pairs[i] < 0 {
			a.raise(n)
		} else {
			a.compare(was.alarms[pairs[i]], n)
		}
	}
	for k, w := range was.alarms {
		if !slices.Contains(pairs, k) {
			a.withdraw(w, now.alarms)
		}
	}
	a.holdBack(was.held, now.held)
	a.tell()
}

// tell adds what has changed to the round.
func (a *amendment) tell() {
	e, d := a.engine, a.device
	slices.SortStableFunc(a.regular, func(x, y Transition) int { return x.At.Compare(y.At) })
	told := slices.Concat(a.withdrawn, a.ended, a.reopened, a.over)
	if len(told) > 0 || slices.ContainsFunc(a.regular, a.isLate) {
		d.amended++
	}
	for _, t := range slices.Concat(told, a.regular) {
		for _, id := range []*string{&t.Reopens, &t.Becomes} {
			if known, ok := a.renamed[*id]; ok {
				*id = known
			}
		}
		e.emit(t)
	}
	for i := range d.cells {
		if c := &d.cells[i]; c.phase.isRaised() && !d.plan.rules[i].byClock() && c.count > c.alarm.told {
			e.repeat(d, i, d.observed)
		}
	}
}

// rename gives an alarm the id under which it was told, or a new one. What is
// remembered of earlier alarms goes by these ids as well.
func (a *amendment) rename(n standing, was []standing, pair int) {
	decided := n.alarm.id
	switch {
	case pair >= 0:
		w := was[pair].alarm
		n.alarm.id, n.alarm.told, n.alarm.revision = w.id, w.told, w.revision
	case a.tooLate(n):
		r := &a.device.plan.rules[n.rule].rule
		n.alarm.id = alarmID(a.device.key(n.rule), r.Mode, n.alarm.raisedAt, a.device.amended+1)
	}
	if n.alarm.id == decided {
		return
	}
	a.renamed[decided] = n.alarm.id
	a.decided[n.alarm.id] = a.decided[decided]
	j := a.device.journal
	for i := range a.device.pasts {
		for _, id := range []*string{&a.device.pasts[i].lastID, idOf(&j.newer, i), idOf(&j.before, i)} {
			if id != nil && *id == decided {
				*id = n.alarm.id
			}
		}
	}
}

// idOf is where a checkpoint has the alarm of a past that ended last; nil when
// there is no checkpoint.
func idOf(c *checkpoint, i int) *string {
	if i >= len(c.ended) {
		return nil
	}
	return &c.ended[i]
}

// tooLate reports whether an alarm should have been raised before the late
// reports came.
func (a *amendment) tooLate(n standing) bool { return n.alarm.raisedAt <= a.late.behind }

// isLate reports whether a transition raises such an alarm.
func (a *amendment) isLate(t Transition) bool {
	return t.Change == Raised && !t.RaisedAt.After(timeOf(a.late.behind))
}

// raise tells of an alarm that was not there before.
func (a *amendment) raise(n standing) {
	decided := a.decided[n.alarm.id]
	if len(decided) == 0 { // a damaged snapshot had it in the checkpoint: it stands, so it is told
		a.regular = append(a.regular, a.transition(n, Raised))
		return
	}
	for i := range decided {
		decided[i].AlarmID = n.alarm.id
	}
	late := a.tooLate(n)
	if late {
		raised := &decided[0]
		raised.Explanation = append(raised.Explanation, fmt.Sprintf("Raised late: %s.", a.because()))
	}
	if !late || !n.ended() {
		a.regular = append(a.regular, decided...)
		return
	}
	t, last := decided[0], decided[len(decided)-1]
	t.ClearedAt, t.Severity, t.Occurrences = last.At, last.Severity, last.Occurrences
	t.Explanation = append(t.Explanation, last.Explanation...)
	a.over = append(a.over, t)
}

// compare tells what has changed of an alarm that was there before.
func (a *amendment) compare(w, n standing) {
	decided := a.decided[n.alarm.id]
	if !w.differs(n) {
		a.goOn(w, n, decided)
		return
	}
	n.alarm.revision++
	n.alarm.told = n.count
	t := a.transition(n, Amended)
	t.Before = w.before()
	if len(decided) > 0 && decided[0].Change == Raised {
		t.Values, t.Faults = decided[0].Values, decided[0].Faults
		t.Explanation, t.Evidence = decided[0].Explanation, decided[0].Evidence
	}
	t.Explanation = append(t.Explanation, fmt.Sprintf("Amended: %s. %s.", strings.Join(a.changes(w, n), ", "), capital(a.because())))
	if n.ended() {
		a.ended = append(a.ended, t)
	} else {
		a.reopened = append(a.reopened, t)
	}
}

// goOn tells what had merely not become known of an alarm: its end, and the
// changes of its severity behind those that were told.
func (a *amendment) goOn(w, n standing, decided []Transition) {
	known := len(w.levels)
	for _, t := range decided {
		switch t.Change {
		case Raised, Escalated, Deescalated:
			if known--; known >= 0 {
				continue
			}
		case Cleared:
			if w.ended() {
				continue
			}
		default:
			continue
		}
		t.AlarmID, t.Revision = n.alarm.id, n.alarm.revision
		if t.At.UnixNano() <= a.late.behind {
			t.Explanation = append(t.Explanation, fmt.Sprintf("Noticed late: %s.", a.because()))
		}
		a.regular = append(a.regular, t)
	}
}

// withdraw tells that an alarm would not have been raised.
func (a *amendment) withdraw(w standing, now []standing) {
	w.alarm.revision++
	t := a.transition(w, Withdrawn)
	t.Before = w.before()
	why := "it would not have been raised"
	for _, n := range now {
		if n.rule == w.rule && w.overlaps(n) {
			why = fmt.Sprintf("it is part of the alarm raised at %s", a.clock(n.alarm.raisedAt))
		}
	}
	t.Explanation = []string{fmt.Sprintf("Withdrawn: %s. %s.", why, capital(a.because()))}
	a.withdrawn = append(a.withdrawn, t)
}

// transition fills in what amendments have in common.
func (a *amendment) transition(s standing, change Change) Transition {
	e, d, r := a.engine, a.device, &a.device.plan.rules[s.rule].rule
	t := Transition{
		AlarmID: s.alarm.id, Key: d.key(s.rule), Change: change, At: timeOf(max(d.observed, s.alarm.raisedAt)),
		RaisedAt: timeOf(s.alarm.raisedAt), PendingSince: timeOf(s.alarm.pendingSince),
		Severity: s.alarm.severity, Occurrences: s.count, Chattering: s.chattering,
		Revision: s.alarm.revision, RuleVersion: r.Version, Mode: r.Mode,
	}
	if s.ended() {
		t.ClearedAt = timeOf(s.clearedAt)
	}
	if e.round.trace != nil {
		t.Trace = e.round.trace(e.round.report)
	}
	return t
}

func (s standing) before() *Before {
	b := &Before{
		PendingSince: timeOf(s.alarm.pendingSince), RaisedAt: timeOf(s.alarm.raisedAt),
		Severity: s.alarm.severity, Occurrences: s.count,
	}
	if s.ended() {
		b.ClearedAt = timeOf(s.clearedAt)
	}
	return b
}

// changes says in words what an amendment corrects.
func (a *amendment) changes(w, n standing) []string {
	var said []string
	switch {
	case w.alarm.raisedAt != n.alarm.raisedAt:
		said = append(said, fmt.Sprintf("raised at %s instead of %s", a.clock(n.alarm.raisedAt), a.clock(w.alarm.raisedAt)))
	case w.alarm.pendingSince != n.alarm.pendingSince:
		said = append(said, fmt.Sprintf("pending since %s instead of %s", a.clock(n.alarm.pendingSince), a.clock(w.alarm.pendingSince)))
	}
	switch {
	case w.ended() && n.ended() && w.clearedAt != n.clearedAt:
		said = append(said, fmt.Sprintf("ended at %s instead of %s", a.clock(n.clearedAt), a.clock(w.clearedAt)))
	case w.ended() && !n.ended():
		said = append(said, fmt.Sprintf("it holds and did not end at %s", a.clock(w.clearedAt)))
	case !w.ended() && n.ended():
		said = append(said, fmt.Sprintf("ended at %s", a.clock(n.clearedAt)))
	}
	switch moved := w.alarm.raisedAt != n.alarm.raisedAt; {
	case w.alarm.severity != n.alarm.severity:
		said = append(said, fmt.Sprintf("severity %s instead of %s", n.alarm.severity, w.alarm.severity))
	case !moved && w.regraded(n):
		said = append(said, fmt.Sprintf("its severity, %s, changed at other times", n.alarm.severity))
	}
	switch {
	case n.chattering && !w.chattering:
		said = append(said, "it chatters")
	case w.chattering && !n.chattering:
		said = append(said, "it does not chatter")
	}
	return said
}

func (a *amendment) clock(at int64) string { return formatTime(at, a.device.observed) }

// because says which reports came late.
func (a *amendment) because() string {
	if a.late.count == 1 {
		return fmt.Sprintf("a report observed at %s arrived late", a.clock(a.late.first))
	}
	return fmt.Sprintf("%d reports observed from %s to %s arrived late", a.late.count, a.clock(a.late.first), a.clock(a.late.last))
}

func capital(sentence string) string { return strings.ToUpper(sentence[:1]) + sentence[1:] }
