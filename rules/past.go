package rules

import (
	"fmt"
	"time"

	"telltale/devices"
)

// past is what is remembered of a rule's earlier alarms on a device, where the
// rule asks for it: by chattering or by reopen_within.
type past struct {
	raises  []int64 // event times of the latest raises and returns, oldest first
	lastID  string  // the alarm that ended last; "": none yet
	endedAt int64   // when it did
}

// maxChatter bounds the raises that are remembered for one rule.
const maxChatter = 1000

// remembers reports whether a rule needs its past.
func (r *Rule) remembers() bool { return r.Chattering.Times > 0 || r.ReopenWithin > 0 }

// past returns what is remembered of rule i, nil when nothing has to be.
func (d *device) past(i int) *past {
	if d.plan.pastOf == nil || d.plan.pastOf[i] < 0 {
		return nil
	}
	return &d.pasts[d.plan.pastOf[i]]
}

// flaps reports whether one more raise now would be one too many.
func (p *past) flaps(now int64, c Chattering) bool {
	if c.Times == 0 || len(p.raises) < c.Times {
		return false
	}
	return p.raises[len(p.raises)-c.Times] > now-int64(c.Within)
}

// come notes that the alarm was raised, or came back while it was held. Only
// so many as decide the next raise are kept.
func (p *past) come(now int64, c Chattering) {
	if c.Times == 0 {
		return
	}
	if over := len(p.raises) - c.Times + 1; over > 0 {
		p.raises = p.raises[:copy(p.raises, p.raises[over:])]
	}
	p.raises = append(p.raises, now)
}

// comeBefore notes a raise that became known only now, unless it is older than
// what is known.
func (p *past) comeBefore(at int64, c Chattering) {
	if n := len(p.raises); n == 0 || p.raises[n-1] < at {
		p.come(at, c)
	}
}

// reopened returns the alarm that a raise now goes on with, "" for a new one.
func (p *past) reopened(now int64, within time.Duration) string {
	if p.lastID == "" || within == 0 || now-p.endedAt > int64(within) {
		return ""
	}
	return p.lastID
}

// explainPast says what earlier alarms have to do with one that was raised.
func (p *past) explain(c *cell, r *Rule, reopens string, now int64) []string {
	var said []string
	if reopens != "" {
		said = append(said, fmt.Sprintf("It had ended at %s, %s before: the same alarm goes on.",
			formatTime(p.endedAt, now), devices.Span(time.Duration(now-p.endedAt))))
	}
	if c.chattering {
		said = append(said, fmt.Sprintf("Chattering: raised more than %d times within %s. It is held as one alarm and ends when it has been quiet for %s.",
			r.Chattering.Times, devices.Span(r.Chattering.Within), devices.Span(r.Chattering.Quiet)))
	}
	return said
}
