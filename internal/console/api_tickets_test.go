package console

import (
	"fmt"
	"slices"
	"testing"

	"telltale/internal/access"
)

func TestATicketShowsTheContractsFields(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.raise("A1")
	ticket := r.admin(200, "GET", "/api/v1/tickets/T-000001", "").json()
	for _, field := range []string{
		"id", "number", "status", "priority", "subject", "customer_id", "contact_id", "device_id", "rule_id",
		"alarm_ids", "occurrences", "opened_at", "observed_at", "solved_at", "closed_at", "team", "assignee",
		"article_id", "external_refs", "timeline",
	} {
		if _, ok := ticket[field]; !ok {
			t.Errorf("field %s is missing", field)
		}
	}
	want := map[string]string{
		"status": "new", "customer_id": "C-1", "contact_id": "P-1", "device_id": "fridge-1", "rule_id": "warm",
		"solved_at": "<nil>", "observed_at": "2026-03-01T08:01:00Z",
	}
	for field, value := range want {
		if got := fmt.Sprint(ticket[field]); got != value {
			t.Errorf("%s is %s, want %s", field, got, value)
		}
	}
	alarm := r.admin(200, "GET", "/api/v1/alarms/A1", "").json()
	for _, field := range []string{
		"id", "rule_id", "rule_version", "subject", "severity", "raised_at", "cleared_at", "acknowledged_at",
		"shelved_until", "occurrences", "values", "explanation",
	} {
		if _, ok := alarm[field]; !ok {
			t.Errorf("alarm field %s is missing", field)
		}
	}
}

func TestTicketsAreFiltered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.raise("A1", "A2") // A1 cleared: its ticket is solved
	cases := map[string][]string{
		"status=solved":                       {"T-000001"},
		"status=new,solved":                   {"T-000002", "T-000001"},
		"status=closed":                       nil,
		"customer=C-1":                        {"T-000002", "T-000001"},
		"customer=C-2":                        nil,
		"device=fridge-1&status=new":          {"T-000002"},
		"rule=warm&device=fridge-2":           nil,
		"status=new&customer=C-1&device=%25x": nil,
	}
	for query, want := range cases {
		if got := r.admin(200, "GET", "/api/v1/tickets?"+query, "").ids(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	for query, want := range map[string][]string{"active=true": {"A2"}, "active=false": {"A1"}, "device=fridge-2": nil} {
		if got := r.admin(200, "GET", "/api/v1/alarms?"+query, "").ids(); !slices.Equal(got, want) {
			t.Errorf("alarms %s: %v, want %v", query, got, want)
		}
	}
}

func TestWorkOnATicketCarriesTheNameOfWhoDidIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.raise("A1")
	as := func(method, path, body string, want int) map[string]any {
		t.Helper()
		a := r.do(access.Support, method, path, body)
		if a.status != want {
			t.Fatalf("%s %s: status %d: %s", method, path, a.status, a.body)
		}
		return a.json()
	}
	as("POST", "/api/v1/tickets/T-000001/comments", `{"text": "on my way", "public": true}`, 201)
	as("POST", "/api/v1/alarms/A1/acknowledge", "", 200)
	as("POST", "/api/v1/alarms/A1/shelve", `{"for": "2h", "reason": "being repaired"}`, 200)
	if got := r.admin(200, "GET", "/api/v1/alarms?shelved=true", "").ids(); !slices.Equal(got, []string{"A1"}) {
		t.Errorf("shelved are %v", got)
	}
	if alarm := as("POST", "/api/v1/alarms/A1/unshelve", "", 200); alarm["unshelved_at"] == nil {
		t.Errorf("alarm is %v", alarm)
	}
	as("POST", "/api/v1/alarms/A1/unshelve", "", 409)
	if got := r.admin(200, "GET", "/api/v1/alarms?shelved=true", "").ids(); len(got) != 0 {
		t.Errorf("shelved are %v", got)
	}
	ticket := as("PATCH", "/api/v1/tickets/T-000001", `{"status": "solved", "assignee": "ewa", "priority": "urgent", "team": "cold"}`, 200)
	if ticket["status"] != "solved" || ticket["assignee"] != "ewa" || ticket["priority"] != "urgent" || ticket["team"] != "cold" {
		t.Errorf("ticket is %v", ticket)
	}
	var byToken int
	for _, entry := range ticket["timeline"].([]any) {
		if entry.(map[string]any)["actor"] == "token:support" {
			byToken++
		}
	}
	if byToken < 6 {
		t.Errorf("%d timeline entries name the token, want at least 6: %v", byToken, ticket["timeline"])
	}
	alarm := as("GET", "/api/v1/alarms/A1", "", 200)
	if alarm["acknowledged_by"] != "token:support" || alarm["shelve_reason"] != "being repaired" {
		t.Errorf("alarm is %v", alarm)
	}
	r.do(access.Support, "POST", "/api/v1/alarms/A1/acknowledge", `{"comment": "again"}`).problem(409)
}

func TestAComplaintOpensATicketForTheCustomer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(access.Quality, "POST", "/api/v1/complaints",
		`{"customer_id": "C-1", "text": "The vials\nfelt warm.", "device_id": "fridge-1", "lot": "A17"}`)
	if a.status != 201 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	ticket := a.json()
	if got := ticket["subject"]; got != "Complaint about fridge-1 about lot A17: The vials felt warm." {
		t.Errorf("subject %q", got)
	}
	if ticket["customer_id"] != "C-1" || ticket["contact_id"] != "P-1" || ticket["rule_id"] != nil {
		t.Errorf("ticket is %v", ticket)
	}
	second := r.do(access.Quality, "POST", "/api/v1/complaints", `{"customer_id": "C-1", "text": "Again."}`)
	if second.status != 201 || second.json()["id"] == ticket["id"] {
		t.Errorf("a second complaint: status %d, %s", second.status, second.body)
	}
}
