package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"telltale/rules"
)

func TestARuleThatFailsIsSeen(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	r.must(r.db.SaveRuleHealth(t.Context(), 3, []rules.Health{{
		Rule: "fridge-warm", Version: 1, State: rules.Failing, Reason: `Whether "when" holds could not be worked out: a mistake in the gateway, not in the rule.`, Since: storyNow.Add(-time.Hour), At: storyNow,
		Device: "fridge-04", Count: 12,
	}, {
		Rule: "door-open", Version: 1, State: rules.Degraded, Reason: "It sees only the last hour.", Since: storyNow, At: storyNow,
	}}))
	page := said(r.visit(r.as("vera"), 200, "/rules"))
	for _, want := range []string{"Live Fails", `Whether "when" holds could not be worked out: a mistake in the gateway, not in the rule. (fridge-04, 12 times)`, "Live Degraded", "It sees only the last hour."} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
	for rule, want := range map[string]string{
		"fridge-warm": `It has been failing since 13:30 , 12 times so far. The last time on fridge-04 . Whether "when" holds could not be worked out: a mistake in the gateway, not in the rule. Where it fails`,
		"door-open":   "It has been degraded since 14:30 . It sees only the last hour.",
	} {
		if page := said(r.visit(r.as("vera"), 200, "/rules/"+rule)); !strings.Contains(page, want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
	if page := said(r.visit(r.as("vera"), 200, "/rules/silent")); strings.Contains(page, "It fails") || strings.Contains(page, "degraded") {
		t.Errorf("a rule that is well complains:\n%s", page)
	}
	states := map[string]any{}
	for _, item := range r.admin(200, "GET", "/api/v1/rules", "").json()["items"].([]any) {
		rule := item.(map[string]any)
		states[rule["id"].(string)] = rule["health"].(map[string]any)["state"]
	}
	if states["fridge-warm"] != "error" || states["door-open"] != "degraded" || states["silent"] != "ok" {
		t.Errorf("states %v", states)
	}
	one := r.admin(200, "GET", "/api/v1/rules/fridge-warm", "").json()["health"].(map[string]any)
	if one["reason"] != `Whether "when" holds could not be worked out: a mistake in the gateway, not in the rule.` || one["device"] != "fridge-04" || fmt.Sprint(one["count"]) != "12" || one["since"] != "2026-11-22T13:30:00Z" {
		t.Errorf("health %v", one)
	}
}
