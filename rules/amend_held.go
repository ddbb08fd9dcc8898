package rules

import (
	"slices"
	"time"
)

// holdBack tells what a second decision changes of the alarms that were held
// back and never raised. They keep their ids, which their first holder gave
// them. What had been released before, and would not have been held back, stays
// as it was known.
func (a *amendment) holdBack(was, now []standing) {
	with := func(all []standing, id string) int {
		return slices.IndexFunc(all, func(s standing) bool { return s.alarm.id == id })
	}
	for _, n := range now {
		k := with(was, n.alarm.id)
		if k < 0 {
			a.regular = append(a.regular, a.decided[n.alarm.id]...)
			continue
		}
		w := was[k]
		n.alarm.revision = w.alarm.revision
		if w.clearedAt == n.clearedAt {
			continue
		}
		n.alarm.revision++
		a.regular = append(a.regular, a.heldAnew(n))
	}
	for _, w := range was {
		if with(now, w.alarm.id) < 0 && !w.ended() {
			w.alarm.revision++
			a.regular = append(a.regular, a.held(w, Released, "No longer held back: "+a.because()+"."))
		}
	}
}

// heldAnew tells when an alarm was released after all, or that it was not.
func (a *amendment) heldAnew(n standing) Transition {
	if !n.ended() {
		return a.held(n, Suppressed, "Held back after all: "+a.because()+".")
	}
	for _, t := range slices.Backward(a.decided[n.alarm.id]) {
		if t.Change == Released {
			t.Revision = n.alarm.revision
			return t
		}
	}
	t := a.held(n, Released, "No longer held back: "+a.because()+".") // only a damaged snapshot has such an alarm
	t.At = timeOf(n.clearedAt)
	return t
}

// held is a transition of an alarm that was held back.
func (a *amendment) held(s standing, change Change, why string) Transition {
	t := a.transition(s, change)
	t.ClearedAt = time.Time{}
	t.Evidence.Held = s.alarm.suppressions()
	t.Explanation = []string{why}
	return t
}
