package rules

import "slices"

// episode is an alarm that has ended, or one that was never raised and is not
// held back any more.
type episode struct {
	rule int
	alarm
	count      int64
	chattering bool
	clearedAt  int64
}

// level is how grave an alarm was from a time on.
type level struct {
	rule     int
	raisedAt int64 // of the alarm
	at       int64
	severity Severity
}

// remember keeps the alarm of a cell that ends now, in case that a late
// report amends it.
func (d *device) remember(i int, c *cell, at int64) {
	if d.journal != nil && !d.plan.rules[i].byClock() {
		ended := *c.alarm
		ended.listed = 0
		d.journal.past = append(d.journal.past, episode{i, ended, c.count, c.chattering, at})
	}
}

// rememberLevel does the same for the severity of an alarm that begins or
// changes.
func (d *device) rememberLevel(i int, at int64) {
	if a := d.cells[i].alarm; d.journal != nil && !d.plan.rules[i].byClock() {
		d.journal.levels = append(d.journal.levels, level{i, a.raisedAt, at, a.severity})
	}
}

// standing is an alarm, or one that was held back, as one run over the reports
// decided it.
type standing struct {
	rule       int
	alarm      *alarm
	count      int64
	chattering bool
	clearedAt  int64   // never: its condition holds, or it is held back still
	levels     []level // since the checkpoint that the run began with
}

func (s standing) ended() bool { return s.clearedAt != never }

// standing lists the alarms that reports alone decide: those that have ended
// since a place of the journal, and those that hold; of one rule in order. A
// copy stays as it is when the device is decided again.
func (d *device) standing(since place, copied bool) []standing {
	levels := d.journal.levels[since.levels:]
	all := d.decisions(since, copied, func(a *alarm) bool { return a.told > 0 })
	for i := range all {
		for _, l := range levels {
			if l.rule == all[i].rule && l.raisedAt == all[i].alarm.raisedAt {
				all[i].levels = append(all[i].levels, l)
			}
		}
	}
	return all
}

// heldBack is the same for alarms that were never raised.
func (d *device) heldBack(since place, copied bool) []standing {
	return d.decisions(since, copied, func(a *alarm) bool { return a.told == 0 })
}

func (d *device) decisions(since place, copied bool, which func(*alarm) bool) []standing {
	past := d.journal.past[since.past:]
	if copied {
		past = slices.Clone(past)
	}
	var all []standing
	for i := range past {
		if p := &past[i]; which(&p.alarm) {
			all = append(all, standing{p.rule, &p.alarm, p.count, p.chattering, p.clearedAt, nil})
		}
	}
	for i := range d.cells {
		if c := &d.cells[i]; c.alarm != nil && which(c.alarm) && !d.plan.rules[i].byClock() {
			all = append(all, standing{i, c.alarm, c.count, c.chattering, never, nil})
		}
	}
	return all
}

// match finds for each alarm of the new version the one of the old version
// that it is: by index, or -1. An alarm that holds, and began no later than
// the one that was told to hold, is that one, whatever was told to lie
// between. Else the onset decides, and where that has moved, whether the two
// overlap.
func match(was, now []standing) []int {
	pairs := slices.Repeat([]int{-1}, len(now))
	taken := make([]bool, len(was))
	pass := func(same func(w, n standing) bool) {
		for i, n := range now {
			for k, w := range was {
				if pairs[i] < 0 && !taken[k] && w.rule == n.rule && same(w, n) {
					pairs[i], taken[k] = k, true
				}
			}
		}
	}
	pass(func(w, n standing) bool {
		return !w.ended() && !n.ended() && n.alarm.raisedAt <= w.alarm.raisedAt
	})
	pass(func(w, n standing) bool { return w.alarm.raisedAt == n.alarm.raisedAt })
	pass(standing.overlaps)
	return pairs
}

func (s standing) overlaps(o standing) bool {
	return (!o.ended() || s.alarm.raisedAt < o.clearedAt) && (!s.ended() || o.alarm.raisedAt < s.clearedAt)
}

// differs reports whether what was told of an alarm has to be taken back. An
// end, or a change of severity after all that were told, that was only not
// known yet takes nothing back.
func (s standing) differs(now standing) bool {
	return s.alarm.raisedAt != now.alarm.raisedAt || s.alarm.pendingSince != now.alarm.pendingSince ||
		s.chattering != now.chattering || s.ended() && s.clearedAt != now.clearedAt || s.regraded(now)
}

// regraded reports whether the severity took another course than was told, and
// did not merely change further.
func (s standing) regraded(now standing) bool {
	if s.ended() && len(now.levels) != len(s.levels) || len(now.levels) < len(s.levels) {
		return true
	}
	return !slices.Equal(s.levels, now.levels[:len(s.levels)])
}
