package rules

import "time"

// trackerSpec is a condition of which the devices of a model keep when it
// held.
type trackerSpec struct {
	name  string // the call as it reads: what it is found by in a snapshot
	holds truthFunc
	uses  uses
	notes noted
	keep  int64 // for how long, in nanoseconds; or onlyLast; of noteReports how many
}

// noted is what of a condition is noted down.
type noted uint8

const (
	noteTime    noted = iota // when it held
	noteReports              // what each of the latest reports found
	noteStarts               // when it began to hold
)

// observe notes what a tracker's condition is now.
func (s *trackerSpec) observe(t *tracker, now int64, found truth, stale int64) {
	switch s.notes {
	case noteReports:
		t.observeReport(now, found, stale, int(s.keep))
	case noteStarts:
		t.observeStart(now, found, stale, s.keep)
	default:
		t.observe(now, found, stale, s.keep)
	}
}

// onlyLast in place of a length keeps one span: from the first time that the
// condition was known to the last time that it held.
const onlyLast = -1

// span is a stretch of time: from <= t < to.
type span struct{ from, to int64 }

// tracker keeps when a condition held on one device.
type tracker struct {
	at    int64 // of the latest observation; 0: none yet
	truth truth // what it found
	held  []span
}

// observe notes what the condition is now. What it was before held until now,
// unless that is longer ago than a value stays fresh.
func (t *tracker) observe(now int64, found truth, stale, keep int64) {
	heldUntilNow := t.at != 0 && t.truth == yes && now > t.at && (stale == 0 || now-t.at <= stale)
	if keep == onlyLast {
		t.observeLast(now, found, heldUntilNow)
	} else if heldUntilNow {
		if last := len(t.held) - 1; last >= 0 && t.held[last].to == t.at {
			t.held[last].to = now
		} else {
			t.held = append(t.held, span{t.at, now})
		}
	}
	t.at, t.truth = now, found
	if keep != onlyLast {
		t.forget(now - keep)
	}
}

// observeLast moves the end of the one span. Before the condition has ever
// held, the time since it was first known is all that is certain.
func (t *tracker) observeLast(now int64, found truth, heldUntilNow bool) {
	if len(t.held) == 0 {
		if found == unknown {
			return
		}
		t.held = append(t.held, span{now, now})
	}
	if found == yes || heldUntilNow {
		t.held[0].to = max(t.held[0].to, now)
	}
}

// forget drops what was over by a time, and the oldest beyond the limit.
func (t *tracker) forget(by int64) {
	over := 0
	for over < len(t.held) && t.held[over].to <= by {
		over++
	}
	over = max(over, len(t.held)-maxRingSize)
	if over > 0 {
		t.held = t.held[:copy(t.held, t.held[over:])]
	}
}

// seconds is for how long the condition held after start.
func (t *tracker) seconds(start int64) float64 {
	var sum int64
	for i := len(t.held) - 1; i >= 0 && t.held[i].to > start; i-- {
		sum += t.held[i].to - max(start, t.held[i].from)
	}
	return time.Duration(sum).Seconds()
}

// ago is how long before now the condition last held: zero while it does.
func (t *tracker) ago(now, stale int64) time.Duration {
	if t.truth == yes && (stale == 0 || now-t.at <= stale) {
		return 0
	}
	return time.Duration(max(0, now-t.held[0].to))
}
