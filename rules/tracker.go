package rules

import "time"

// trackerSpec is a condition whose time is added up on the devices of a model.
type trackerSpec struct {
	name  string // the time_where as it reads: what it is found by in a snapshot
	holds truthFunc
	uses  uses
	keep  int64 // for how long, in nanoseconds
}

// span is a stretch of time: from <= t < to.
type span struct{ from, to int64 }

// tracker adds up for how long a condition has held on one device.
type tracker struct {
	at    int64 // of the latest observation; 0: none yet
	truth truth // what it found
	held  []span
}

// observe notes what the condition is now. What it was before held until now,
// unless that is longer ago than a value stays fresh.
func (t *tracker) observe(now int64, found truth, stale, keep int64) {
	if t.at != 0 && t.truth == yes && now > t.at && (stale == 0 || now-t.at <= stale) {
		if last := len(t.held) - 1; last >= 0 && t.held[last].to == t.at {
			t.held[last].to = now
		} else {
			t.held = append(t.held, span{t.at, now})
		}
	}
	t.at, t.truth = now, found

	over := 0
	for over < len(t.held) && t.held[over].to <= now-keep {
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
