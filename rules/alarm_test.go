package rules

import (
	"fmt"
	"testing"
)

// Each edge of docs/alarm-life-cycle.md, and each that is not drawn because
// nothing must happen. On-delay 10, off-delay 5, now 100 unless said.
func TestEveryEdgeOfTheAlarmLifeCycle(t *testing.T) {
	t.Parallel()
	const now = 100
	both := delays{on: 10, off: 5}
	quiet := delays{off: 5, quiet: 30}
	chattering := func(c cell) cell { c.chattering = true; return c }
	at := func(p phase, since int64) cell { return cell{phase: p, since: since, count: 3} }
	counted := func(c cell) cell { c.count++; return c }

	for _, c := range []struct {
		name   string
		before cell
		delays delays
		seen   observation
		after  cell
		what   outcome
	}{
		{"normal stays while the condition is false", cell{}, both, observation{when: no}, cell{}, nothing},
		{"normal stays while the condition is unknown", cell{}, both, observation{when: unknown}, cell{}, nothing},
		{"normal becomes pending with an on-delay", cell{}, both, observation{when: yes}, cell{phase: pending, since: now, count: 1}, nothing},
		{"normal becomes active without one", cell{}, delays{}, observation{when: yes}, cell{phase: active, since: now, count: 1}, raised},
		{"normal is held back by an inhibitor", cell{}, delays{}, observation{when: yes, inhibited: true}, cell{phase: pending, since: now, count: 1}, heldBack},

		{"pending ends with the condition", at(pending, 95), both, observation{when: no}, cell{}, nothing},
		{"pending ends when the condition is unknown", at(pending, 85), both, observation{when: unknown}, cell{}, nothing},
		{"pending waits", at(pending, 91), both, observation{when: yes}, counted(at(pending, 91)), nothing},
		{"pending becomes active when the on-delay is met to the instant", at(pending, 90), both, observation{when: yes}, counted(at(active, 90)), raised},
		{"pending is held back", at(pending, 80), both, observation{when: yes, inhibited: true}, counted(at(pending, 80)), heldBack},
		{"pending waits before it is held back", at(pending, 95), both, observation{when: yes, inhibited: true}, counted(at(pending, 95)), nothing},
		{"pending keeps when time stands still", at(pending, 120), both, observation{when: yes}, counted(at(pending, 120)), nothing},

		{"active counts while the condition holds", at(active, 50), both, observation{when: yes, clear: no}, counted(at(active, 50)), nothing},
		{"active stays between the two conditions", at(active, 50), both, observation{when: no, clear: no}, at(active, 50), nothing},
		{"active stays when both are unknown", at(active, 50), both, observation{}, at(active, 50), nothing},
		{"active stays when the clear condition is unknown", at(active, 50), both, observation{when: no}, at(active, 50), nothing},
		{"active stays when both conditions hold", at(active, 50), both, observation{when: yes, clear: yes}, counted(at(active, 50)), nothing},
		{"active is not ended by an inhibitor", at(active, 50), both, observation{when: yes, clear: no, inhibited: true}, counted(at(active, 50)), nothing},
		{"active begins to clear with an off-delay", at(active, 50), both, observation{when: no, clear: yes}, at(clearing, now), nothing},
		{"active clears without one", at(active, 50), delays{}, observation{when: no, clear: yes}, at(normal, now), cleared},
		{"active clears although the raise condition is unknown", at(active, 50), delays{}, observation{clear: yes}, at(normal, now), cleared},
		{"active clears under an inhibitor: suppress creation, never resolution", at(active, 50), delays{}, observation{when: no, clear: yes, inhibited: true}, at(normal, now), cleared},

		{"clearing waits", at(clearing, 96), both, observation{when: no, clear: yes}, at(clearing, 96), nothing},
		{"clearing clears when the off-delay is met to the instant", at(clearing, 95), both, observation{when: no, clear: yes}, at(normal, 95), cleared},
		{"clearing goes back when the condition holds again", at(clearing, 90), both, observation{when: yes, clear: no}, counted(at(active, 90)), nothing},
		{"clearing goes back between the two conditions", at(clearing, 90), both, observation{when: no, clear: no}, at(active, 90), nothing},
		{"clearing goes back when the clear condition is unknown", at(clearing, 90), both, observation{when: no}, at(active, 90), nothing},
		{"clearing goes back when both hold", at(clearing, 90), both, observation{when: yes, clear: yes}, counted(at(active, 90)), nothing},

		{"normal becomes active and chatters", cell{}, quiet, observation{when: yes, flapping: true}, chattering(cell{phase: active, since: now, count: 1}), raised},
		{"pending becomes active and chatters", at(pending, 80), both, observation{when: yes, flapping: true}, chattering(counted(at(active, 80))), raised},
		{"an alarm that is held back does not chatter yet", cell{}, quiet, observation{when: yes, flapping: true, inhibited: true}, cell{phase: pending, since: now, count: 1}, heldBack},
		{"chattering stays while it is not quiet for long enough", chattering(at(clearing, 71)), quiet, observation{when: no, clear: yes}, chattering(at(clearing, 71)), nothing},
		{"chattering clears when it has been quiet", chattering(at(clearing, 70)), quiet, observation{when: no, clear: yes}, chattering(at(normal, 70)), cleared},
		{"chattering keeps to a longer off-delay", chattering(at(clearing, 70)), delays{off: 40, quiet: 30}, observation{when: no, clear: yes}, chattering(at(clearing, 70)), nothing},
		{"chattering comes back", chattering(at(clearing, 90)), quiet, observation{when: yes, clear: no}, chattering(counted(at(active, 90))), nothing},
		{"an alarm that does not chatter needs no quiet", at(clearing, 95), quiet, observation{when: no, clear: yes}, at(normal, 95), cleared},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.seen.now = now
			after, what := next(c.before, c.delays, c.seen)
			if after != c.after || what != c.what {
				t.Errorf("got  %+v, outcome %d\nwant %+v, outcome %d", after, what, c.after, c.what)
			}
		})
	}
}

// Whatever is observed in whatever state: an alarm begins only from a state
// without one and ends only from a state with one.
func TestNoEdgeRaisesTwiceOrClearsAnOrphan(t *testing.T) {
	t.Parallel()
	truths := []truth{unknown, no, yes}
	for _, p := range []phase{normal, pending, active, clearing} {
		for _, since := range []int64{0, 95, 100, 200} {
			for _, when := range truths {
				for _, clear := range truths {
					for _, inhibited := range []bool{false, true} {
						o := observation{now: 100, when: when, clear: clear, inhibited: inhibited}
						after, what := next(cell{phase: p, since: since}, delays{on: 10, off: 5}, o)
						name := fmt.Sprintf("%s since %d, %+v", p, since, o)
						switch what {
						case raised:
							if p.isRaised() || !after.phase.isRaised() || when != yes || inhibited {
								t.Errorf("%s: raised into %s", name, after.phase)
							}
						case cleared:
							if !p.isRaised() || after.phase != normal || when == yes || clear != yes {
								t.Errorf("%s: cleared into %s", name, after.phase)
							}
						default:
							if p.isRaised() != after.phase.isRaised() {
								t.Errorf("%s: went to %s without a word", name, after.phase)
							}
						}
					}
				}
			}
		}
	}
}

func TestWordsForStatesAreNeverAPanic(t *testing.T) {
	t.Parallel()
	if got := fmt.Sprint(normal, pending, active, clearing, phase(9)); got != "normal pending active clearing phase(9)" {
		t.Error(got)
	}
	if got := fmt.Sprint(Raised, Repeated, Escalated, Cleared, Deescalated, Suppressed, Released, Change(99)); got != "raised repeated escalated cleared de-escalated suppressed released change(99)" {
		t.Error(got)
	}
	if got := fmt.Sprint(unknown, no, yes, Severity(9)); got != "unknown false true severity(9)" {
		t.Error(got)
	}
}
