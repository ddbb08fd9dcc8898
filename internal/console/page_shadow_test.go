package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"telltale/internal/postgres"
	"telltale/rules"
)

// trialFleet has a rule, one that is to replace it, and one of something else.
const trialFleet = `
kind: Model
id: CR-1
metrics: {temperature: {unit: Cel, min: -60, max: 80}, door_open: {unit: bool}}
report_every: 1m
---
kind: Device
id: room-1
model: CR-1
---
kind: Device
id: room-2
model: CR-1
---
kind: Rule
id: cold-room-warm
title: Cold room too warm
when: temperature > 7
severity: major
---
kind: Rule
id: cold-room-calmer
title: Cold room too warm, calmer
when: temperature > 8
for: 10m
severity: major
mode: shadow
---
kind: Rule
id: door
when: door_open == 1
severity: minor
`

// newTrial starts a console a week after the rules were declared, at a full
// hour.
func newTrial(t *testing.T) (*rig, time.Time) {
	t.Helper()
	now := time.Now().Add(8 * 24 * time.Hour).Truncate(time.Hour)
	return newRigOf(t, Options{Now: func() time.Time { return now }}, trialFleet), now
}

// stood records an alarm of a rule.
func (r *rig) stood(rule, device string, mode rules.Mode, raised time.Time, lasted time.Duration) {
	r.t.Helper()
	id := fmt.Sprintf("%s-%s-%d", rule, device, raised.Unix())
	key := rules.Key{Rule: rule, Subject: rules.Subject{Type: "device", ID: device}}
	changes := []rules.Transition{{
		AlarmID: id, Key: key, Change: rules.Raised, At: raised, RaisedAt: raised, PendingSince: raised,
		Severity: rules.Major, Occurrences: 1, RuleVersion: 1, Mode: mode, Explanation: []string{"It was warm."},
	}}
	if lasted > 0 {
		changes = append(changes, rules.Transition{AlarmID: id, Key: key, Change: rules.Cleared, At: raised.Add(lasted), RuleVersion: 1, Mode: mode})
	}
	r.must(r.db.InTx(r.t.Context(), func(tx *postgres.DB) error { return r.desk.Handle(r.t.Context(), tx, changes, raised) }))
}

func TestARuleOnTrialIsComparedWithWhatItIsToReplace(t *testing.T) {
	t.Parallel()
	r, now := newTrial(t)
	live := func(device string, before, lasted time.Duration) {
		r.stood("cold-room-warm", device, rules.Live, now.Add(-before), lasted)
	}
	shadow := func(device string, before, lasted time.Duration) {
		r.stood("cold-room-calmer", device, rules.Shadow, now.Add(-before), lasted)
	}
	day := 24 * time.Hour
	live("room-1", 7*day+10*time.Minute, 20*time.Minute) // before the week, but it reaches into it
	shadow("room-1", 7*day-time.Minute, 5*time.Minute)
	live("room-1", 6*day, 45*time.Minute)
	shadow("room-1", 6*day-10*time.Minute, 35*time.Minute)
	live("room-1", 5*day, 5*time.Minute)
	live("room-2", 4*day, 3*time.Minute)
	live("room-2", 3*day, time.Hour)
	shadow("room-2", 3*day-20*time.Minute, 40*time.Minute)
	shadow("room-2", 2*day, 15*time.Minute)
	live("room-2", time.Hour, 0) // and stands
	shadow("room-2", 50*time.Minute, 0)

	page := r.visit(r.loggedIn(), 200, "/rules/cold-room-calmer/shadow")
	text := said(page)
	for _, want := range []string{
		"In 7 days this rule would have made 5 tickets, as many as cold-room-warm. It misses none of the 3 that lasted over 30 min.",
		"New 1 Gone 2 The same 4 0 earlier, 4 later", "10 min later", "Recorded live, since", "Cold room too warm",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	text = said(r.visit(r.loggedIn(), 200, "/rules/cold-room-calmer/shadow?days=1"))
	if !strings.Contains(text, "In 24 hours this rule would have made 1 ticket, as many as cold-room-warm") {
		t.Errorf("a day:\n%s", text)
	}
	text = said(r.visit(r.loggedIn(), 200, "/rules/cold-room-calmer/shadow?days=30"))
	if !strings.Contains(text, "when both rules were in force as they are now") || strings.Contains(text, "In 30 days") {
		t.Errorf("longer than it is on trial:\n%s", text)
	}
	text = said(r.visit(r.loggedIn(), 200, "/rules/cold-room-calmer/shadow?against=door"))
	if !strings.Contains(text, "would have made 5 tickets where door made none. No alarm of door lasted over 30 min.") {
		t.Errorf("against another:\n%s", text)
	}
	chart := r.send(r.loggedIn(), "", "GET", "/charts/shadow/cold-room-calmer?against=cold-room-warm&days=7&device=room-2", "").json()
	if lanes := fmt.Sprint(chart["lanes"]); strings.Count(lanes, "kind:new") != 1 || strings.Count(lanes, "kind:gone") != 1 || strings.Count(lanes, "kind:same") != 4 {
		t.Errorf("lanes %v", lanes)
	}
}

func TestATrialWithNothingToCompareSaysSo(t *testing.T) {
	t.Parallel()
	r, _ := newTrial(t)
	ewa := r.loggedIn()
	if text := said(r.visit(ewa, 200, "/rules/door/shadow")); !strings.Contains(text, "This rule is not on trial") {
		t.Errorf("a live rule:\n%s", text)
	}
	text := said(r.visit(ewa, 200, "/rules/cold-room-calmer/shadow"))
	if !strings.Contains(text, "would have made no ticket, and cold-room-warm none either") || !strings.Contains(text, "Not one alarm") {
		t.Errorf("before any alarm:\n%s", text)
	}
	r.apply("kind: Rule\nid: cold-room-warm\nwhen: door_open == 1\nseverity: major\n")
	if text := said(r.visit(ewa, 200, "/rules/cold-room-calmer/shadow")); !strings.Contains(text, "Nothing to compare with") {
		t.Errorf("without a rule like it:\n%s", text)
	}
	r.visit(ewa, 404, "/rules/cold-room-calmer/shadow?against=nobody")
	for _, path := range []string{"/charts/shadow/nothing", "/charts/shadow/cold-room-calmer", "/charts/shadow/cold-room-calmer?against=nobody", "/charts/shadow/cold-room-calmer?against=door&device=nobody"} {
		r.send(ewa, "", "GET", path, "").problem(404)
	}
}

func TestAnotherWordingOnTrialIsSaid(t *testing.T) {
	t.Parallel()
	r, _ := newTrial(t)
	r.apply("kind: Rule\nid: cold-room-calmer\nwhen: temperature > 9\nseverity: major\nmode: shadow\n")
	if text := said(r.visit(r.loggedIn(), 200, "/rules/cold-room-calmer/shadow?days=30")); !strings.Contains(text, "wording changed") {
		t.Errorf("two versions:\n%s", text)
	}
}
