package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// heldBack is an alarm that would have been raised on a device some time ago.
func heldBack(id, rule, device string, before time.Duration) rules.Transition {
	at, average := ago(before), 9.25
	return rules.Transition{
		AlarmID: id, Key: rules.Key{Rule: rule, Subject: rules.Subject{Type: "device", ID: device}}, Change: rules.Suppressed,
		At: at, RaisedAt: at, PendingSince: at.Add(-5 * time.Minute), Severity: rules.Major, Occurrences: 3, RuleVersion: 1, Mode: rules.Live,
		Values:      map[string]devices.Value{"temperature": devices.Number(9.5)},
		Explanation: []string{"temperature was 9.5, above 8", "Held back by the maintenance works."},
		Evidence: rules.Evidence{
			Computed: []rules.Computed{{Call: `avg(temperature, "5m")`, Value: &average, Unit: "Cel"}},
			Held:     []rules.Suppression{{By: "works", Why: "by the maintenance works", From: at}, {By: "works", Why: "by the maintenance works", From: at.Add(time.Minute)}},
		},
		Trace: "p0/17/0",
	}
}

func heldNoLonger(t rules.Transition, after time.Duration, becomes string) rules.Transition {
	t.Change, t.At, t.Becomes = rules.Released, t.RaisedAt.Add(after), becomes
	t.Explanation = []string{"No longer held back: its condition ended."}
	return t
}

func TestWhatWasHeldBackIsSeenByTheAPIAndOnPages(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	over := heldBack("held-1", "door-open", "fridge-06", 2*time.Hour)
	became := heldBack("held-2", "door-open", "fridge-06", time.Hour)
	still := heldBack("held-3", "door-open", "fridge-03", 30*time.Minute)
	r.handle(time.Minute, over, heldNoLonger(over, 25*time.Minute, ""), became, heldNoLonger(became, time.Minute, "alm-x"), still)

	for query, want := range map[string][]string{
		"": {"held-3", "held-2", "held-1"}, "?device=fridge-06": {"held-2", "held-1"}, "?rule=fridge-warm": nil, "?rule=door-open&active=true": {"held-3"}, "?active=false": {"held-2", "held-1"},
	} {
		if got := r.admin(200, "GET", "/api/v1/held-alarms"+query, "").ids(); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	var walked []string
	for next := ""; ; {
		a := r.admin(200, "GET", "/api/v1/held-alarms?limit=2&cursor="+next, "")
		walked = append(walked, a.ids()...)
		if next, _ = a.json()["next"].(string); next == "" {
			break
		}
	}
	if len(walked) != 3 {
		t.Errorf("walked over %v", walked)
	}
	one := r.admin(200, "GET", "/api/v1/held-alarms/held-1", "").json()
	if one["why"] != "No longer held back: its condition ended." || one["alarm_id"] != nil || len(one["held_by"].([]any)) != 2 || len(one["computed"].([]any)) != 1 ||
		fmt.Sprint(one["units"]) != "map[temperature:Cel]" {
		t.Errorf("%v", one)
	}
	if got := r.do("admin", "GET", "/api/v1/held-alarms/nothing", "").problem(http.StatusNotFound); got != `There is no alarm "nothing" that was held back.` {
		t.Error(got)
	}
	r.do("admin", "GET", "/api/v1/held-alarms?cursor=x", "").problem(http.StatusUnprocessableEntity)

	c := r.as("vera")
	for path, want := range map[string][]string{
		"/devices/fridge-06": {"Held back\nWhat would have been alarms\n", "door-open by the maintenance works, for 25 min. No longer held back: its condition ended.", "for 1 min, then raised"},
		"/rules/door-open":   {"Held back\nWhat would have been alarms\n", "fridge-03 by the maintenance works, for 30 min so far", "fridge-06 by the maintenance works, for 25 min."},
	} {
		page := said(r.visit(c, http.StatusOK, path))
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s does not say %q: %s", path, text, page)
			}
		}
	}
	if page := said(r.visit(c, http.StatusOK, "/devices/washer-2")); strings.Contains(page, "Held back") {
		t.Errorf("nothing was held back there: %s", page)
	}
}

func TestLongListsOfWhatWasHeldBackAreCut(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	var all []rules.Transition
	for n := range 2 * shownHeldAlarms {
		all = append(all, heldBack(fmt.Sprintf("held-%d", n), "door-open", "fridge-06", time.Duration(n+1)*time.Hour))
	}
	r.handle(time.Minute, all...)
	if n := strings.Count(r.visit(r.as("vera"), http.StatusOK, "/devices/fridge-06"), "by the maintenance works"); n != shownHeldAlarms {
		t.Errorf("%d lines", n)
	}
}
