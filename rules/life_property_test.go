package rules

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
)

// lifeRules use everything of the life cycle together.
func lifeRules() []Rule {
	fridges := Selector{Models: []string{"FR-*"}}
	return []Rule{
		powerLost(),
		{ID: "uplink-lost", When: "not uplink", AppliesTo: Selector{Models: []string{"GW-*"}}},
		{ID: "warm", When: "temperature > 8", AppliesTo: fridges, Severity: Info, ReopenWithin: 20 * time.Minute,
			InhibitedBy: []Inhibitor{{"power-lost", SameSite}, {"uplink-lost", SameGateway}, {Rule: "door"}},
			Chattering:  Chattering{Times: 2, Within: 30 * time.Minute, Quiet: 6 * time.Minute},
			Escalate: []Escalation{
				{When: "temperature > 8.5", For: 2 * time.Minute, ClearWhen: "temperature < 7", ClearFor: time.Minute, Severity: Critical},
				{When: "door_open", Severity: Minor}, {After: 10 * time.Minute, Severity: Major},
			}},
		{ID: "door", When: "door_open", AppliesTo: fridges, Chattering: Chattering{Times: 1, Within: 10 * time.Minute, Quiet: 3 * time.Minute}},
		{ID: "quiet", When: `silent("5m")`, For: time.Minute, AppliesTo: fridges, ReopenWithin: time.Hour,
			InhibitedBy: []Inhibitor{{"power-lost", SameSite}, {"uplink-lost", SameGateway}},
			Escalate:    []Escalation{{When: `silent("20m")`, Severity: Critical}}},
	}
}

// maintainedSite is a site set under windows that overlap.
func maintainedSite(t testing.TB) *Set {
	t.Helper()
	return patientSite(t, 0)
}

// patientSite is the same with reports that may be late.
func patientSite(t testing.TB, lateness time.Duration) *Set {
	t.Helper()
	return lateSiteSet(t, lateness, lifeRules()...).WithMaintenance([]Maintenance{
		{ID: "one", Devices: []devices.ID{fridgeID}, From: minute(10), To: minute(20)},
		{ID: "site", Sites: []string{"Warsaw"}, From: minute(15), To: minute(40)},
		{ID: "weekly", Models: []string{"FR-*"}, Weekly: &Weekly{
			Days: []time.Weekday{time.Thursday}, From: clockTime(12, 0), To: clockTime(12, 20), Zone: time.UTC}},
	})
}

// happening is an event, or what the engine is told of others.
type happening struct {
	event
	told   bool
	places []Place
}

func drawHappenings(t *rapid.T) []happening {
	var all []happening
	elsewhere := []Place{{"power-lost", SameSite, "Warsaw"}, {"uplink-lost", SameGateway, "gateway-1"}, {"gone", SameSite, "x"}}
	for _, one := range drawEvents(t) {
		for range rapid.IntRange(0, 2).Draw(t, "others") {
			id := rapid.SampledFrom([]devices.ID{"meter-1", "gateway-1"}).Draw(t, "other")
			metric, v := "volts", rapid.SampledFrom([]any{0, 230}).Draw(t, "volts")
			if id == "gateway-1" {
				metric, v = "uplink", rapid.Bool().Draw(t, "uplink")
			}
			one.reports = append(one.reports, reportOf(id, one.at, map[string]any{metric: v}))
		}
		h := happening{event: one}
		if rapid.IntRange(0, 5).Draw(t, "told") == 0 {
			h.told = true
			h.places = slices.DeleteFunc(slices.Clone(elsewhere), func(Place) bool { return rapid.Bool().Draw(t, "holds") })
		}
		all = append(all, h)
	}
	return all
}

func (h *happening) play(e *Engine) []Transition {
	if h.told {
		e.Inhibit(h.places)
	}
	return e.Apply(h.reports, h.at, nil)
}

// drawRestart lets an engine be restarted, go over to the rules it has, or go
// on: each is to make no difference.
func drawRestart(t *rapid.T, e *Engine, at time.Time) *Engine {
	switch rapid.IntRange(0, 3).Draw(t, "restart") {
	case 0:
		return restored(t, e, e.set)
	case 1:
		if changed := e.Use(e.set, at); len(changed) > 0 {
			t.Fatalf("at %s: the same rules changed %+v", at, changed)
		}
	}
	return e
}

// However the life cycle's parts meet: no two open alarms, no orphan, and a
// restart at any point changes nothing.
func TestNoHistoryBreaksTheLifeCycle(t *testing.T) {
	t.Parallel()
	set := maintainedSite(t)
	rapid.Check(t, func(t *rapid.T) {
		want, got := NewEngine(set), NewEngine(set)
		open, held := map[string]Transition{}, map[string]bool{}
		ended := map[string]string{} // place to the alarm that ended last
		for i, one := range drawHappenings(t) {
			got = drawRestart(t, got, one.at)
			transitions := one.play(want)
			if diff := cmp.Diff(transitions, one.play(got)); diff != "" {
				t.Fatalf("event %d differs (-without restart +with):\n%s", i, diff)
			}
			for _, x := range transitions {
				place := x.Key.String()
				if x.Reopens != "" && x.Reopens != ended[place] {
					t.Fatalf("%s reopens %s, and %s ended last", place, x.Reopens, ended[place])
				}
				if x.Change == Cleared {
					ended[place] = x.AlarmID
				}
			}
			if err := checkLife(open, transitions); err != nil {
				t.Fatal(err)
			}
			checkStanding(t, want, open)
			checkHeld(t, want, held, transitions)
			wantDeadline, _ := want.NextDeadline()
			if gotDeadline, _ := got.NextDeadline(); gotDeadline != wantDeadline {
				t.Fatalf("event %d: deadline %v, want %v", i, gotDeadline, wantDeadline)
			}
		}
		if !bytes.Equal(want.Snapshot(nil), got.Snapshot(nil)) {
			t.Fatal("states differ at the end")
		}
	})
}

// checkStanding compares what is open by the transitions with what the engine
// says, and the engine's own count of far-reaching alarms with both.
func checkStanding(t *rapid.T, e *Engine, open map[string]Transition) {
	reach := map[Place]int{}
	for _, o := range open {
		id := devices.ID(o.Key.Subject.ID)
		s, ok := e.State(id, o.Key.Rule)
		if !ok || !s.Raised() || s.Since != o.RaisedAt || s.Severity != o.Severity || s.Chattering != o.Chattering {
			t.Fatalf("%s is open as %+v, and the engine says %+v", o.Key, o, s)
		}
		for _, p := range e.set.PlacesOf(o.Key) {
			reach[p]++
		}
	}
	if diff := cmp.Diff(reach, e.around.own, cmp.Transformer("present", func(m map[Place]int) []Place {
		var all []Place
		for p, n := range m {
			for range n {
				all = append(all, p)
			}
		}
		slices.SortFunc(all, comparePlaces)
		return all
	})); diff != "" {
		t.Fatalf("where alarms hold others back (-by transitions +by the engine):\n%s", diff)
	}
}

// checkHeld follows what is held back through transitions, and compares it with
// what the engine says. Only an amendment may release what was released before.
func checkHeld(t *rapid.T, e *Engine, held map[string]bool, transitions []Transition) {
	for _, x := range transitions {
		switch x.Change {
		case Suppressed:
			held[x.AlarmID] = true
		case Released:
			if !held[x.AlarmID] && x.Revision == 0 {
				t.Fatalf("%s was not held back: %+v", x.Key, x)
			}
			delete(held, x.AlarmID)
		}
	}
	now := map[string]bool{}
	for _, d := range e.devices {
		for i := range d.cells {
			if c := &d.cells[i]; c.phase == pending && c.alarm != nil {
				now[c.alarm.id] = true
			}
		}
	}
	if diff := cmp.Diff(now, held); diff != "" {
		t.Fatalf("held back (-by the engine +by transitions):\n%s", diff)
	}
}

// An alarm is raised only when nothing holds it back, and what is held back
// and still holds is raised when time or a report asks again.
func TestNothingIsRaisedWhileItIsHeldBack(t *testing.T) {
	t.Parallel()
	set := maintainedSite(t)
	rapid.Check(t, func(t *rapid.T) {
		e := NewEngine(set)
		for _, one := range drawHappenings(t) {
			for _, x := range one.play(e) {
				if x.Change != Raised {
					continue
				}
				if h, in := set.maintained(devices.ID(x.Key.Subject.ID), x.At.UnixNano()); in {
					t.Fatalf("%s raised at %s by %+v", x.Key, x.At, h)
				}
			}
		}
		e.Inhibit(nil)
		end := start.Add(48 * time.Hour)
		for deadline, ok := e.NextDeadline(); ok && deadline.Before(end); deadline, ok = e.NextDeadline() {
			e.Tick(deadline)
		}
		for id, d := range e.devices {
			for _, i := range d.plan.timed {
				c := &d.cells[i]
				if _, held := e.suppressed(d, i, d.clock(e.now)); c.phase == pending && c.alarm != nil && !held {
					t.Fatalf("%s on %s is still held back by nothing", d.plan.rules[i].rule.ID, id)
				}
			}
		}
	})
}
