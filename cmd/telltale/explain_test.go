package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/internal/gatewaytest"
	"telltale/internal/views"
	"telltale/rules"
	"telltale/tickets"
)

// explained is a fridge whose door holds its alarm back for a while.
const explained = `
{kind: Model, id: FR-1, metrics: {temperature: {unit: Cel}, door_open: {unit: bool}}, report_every: 1m}
---
{kind: Customer, id: C-1, name: Nordfrost Clinics}
---
kind: Device
id: fridge-1
model: FR-1
serial: SN-8841
site: Warsaw-2
owners: [{customer: C-1, from: 2020-01-01T00:00:00Z}]
---
{kind: Rule, id: door, when: door_open, ticket: none}
---
kind: Rule
id: fridge-warm
title: Compartment too warm
when: temperature > 8 and avg(temperature, "5m") > 8
for: 5m
severity: minor
escalate: [{after: 4m, severity: major}, {after: 23h, severity: critical}]
inhibited_by: [door]
`

// TestAnAlarmIsExplainedByARunningGateway goes all the way: declare, send,
// acknowledge, shelve, declare anew, ask.
func TestAnAlarmIsExplainedByARunningGateway(t *testing.T) {
	t.Parallel()
	g := serve(t)
	g.at("apply", "-f", writeFile(t, "all.yaml", explained))
	start := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	var reports []devices.Report
	for n := range 16 {
		open := 0.0
		if n < 10 {
			open = 1
		}
		reports = append(reports, devices.Report{Device: "fridge-1", ObservedAt: start.Add(time.Duration(n) * time.Minute), Readings: []devices.Reading{
			{Metric: "temperature", Value: devices.Number(9.25)}, {Metric: "door_open", Value: devices.Number(open)},
		}})
	}
	g.send(reports...)

	var id string
	gatewaytest.Await(g.t, "the alarm to have become major", func() bool {
		var list struct {
			Items []struct {
				ID       string `json:"id"`
				Severity string `json:"severity"`
			} `json:"items"`
		}
		g.ask(http.MethodGet, "/alarms?rule=fridge-warm", "", &list)
		if len(list.Items) == 1 {
			id = list.Items[0].ID
		}
		return id != "" && list.Items[0].Severity == "major"
	})
	var ignored any
	g.ask(http.MethodPost, "/alarms/"+id+"/acknowledge", `{"comment": "I am on my way"}`, &ignored)
	g.ask(http.MethodPost, "/alarms/"+id+"/shelve", `{"for": "2h", "reason": "waiting for the key"}`, &ignored)
	g.at("apply", "-f", writeFile(t, "new.yaml", strings.Replace(explained, "for: 5m", "for: 6m", 1)))

	out := g.at("rules", "explain", id)
	at := func(n int) string { return start.Add(time.Duration(n) * time.Minute).Format("2006-01-02 15:04:05 UTC") }
	for _, want := range []string{
		"ACTIVE  Compartment too warm  major\n",
		"temperature 9.25 > 8 and avg(temperature, \"5m\") 9.25 > 8 since ",
		"Subject       device fridge-1 (FR-1, serial SN-8841) at Warsaw-2\n",
		"Customer      Nordfrost Clinics (C-1)\n",
		"Raised        " + at(10) + ", ",
		"Cleared       no\n",
		"Acknowledged  ", " by token:test\n",
		"Shelved       until ", " by token:test: waiting for the key\n",
		"Ticket        T-", ": fridge-1: Compartment too warm\n",
		"\nWhat the rule saw\n", "  door_open               no\n", "  temperature             9.25 °C\n", "  avg(temperature, \"5m\")  9.25 °C\n",
		"\nHeld back before it was raised\n", "  while door was active\n",
		"\nSeverity\n  " + at(14) + "  minor to major: Active for 4 min", "Next step     critical at ",
		"\nWhat people did\n", "token:test: Alarm acknowledged", "I am on my way",
		"\nRule fridge-warm, version 1 by token:test at ", "version 2 is in force now\n",
		"  Raises an alarm when ",
		"  for: 5m\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("colours where nobody sees them")
	}

	var held struct {
		Items []tickets.HeldAlarmView `json:"items"`
	}
	g.ask(http.MethodGet, "/held-alarms?device=fridge-1", "", &held)
	if len(held.Items) != 1 || held.Items[0].AlarmID == nil || *held.Items[0].AlarmID != id {
		t.Fatalf("held back: %+v", held)
	}
	out = g.at("rules", "explain", held.Items[0].ID)
	for _, want := range []string{
		"WAS HELD BACK  fridge-warm  minor\n", "Held back while door was active.\n", "Held since    " + at(8) + "\n", // the window is not filled before
		"Ended         " + at(10) + ", after 2 min. No longer held back: it was raised.\n", "Raised as     " + id + "\n",
		"  temperature             9.25 °C\n", "  avg(temperature, \"5m\")  9.25 °C\n", "\nHeld back by\n  " + at(8) + "  while door was active\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	var one, other views.HeldAccount
	if err := errors.Join(json.Unmarshal([]byte(g.at("rules", "explain", held.Items[0].ID, "--json")), &one),
		json.Unmarshal([]byte(g.beside("rules", "explain", held.Items[0].ID, "--json")), &other)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, other); diff != "" || one.ID != held.Items[0].ID {
		t.Errorf("(-with --server +with --config)\n%s", diff)
	}

	var through, beside views.AlarmAccount
	if err := json.Unmarshal([]byte(g.at("rules", "explain", id, "--json")), &through); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(g.beside("rules", "explain", id, "--json")), &beside); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(through, beside); diff != "" || through.ID != id || len(through.HeldBy) != 1 || len(through.Acts) != 2 {
		t.Errorf("with --server %+v, (-with --server +with --config)\n%s", through, diff)
	}
}

// ask calls the API.
func (g *served) ask(method, path, body string, answer any) {
	g.t.Helper()
	r, err := newRemote("http://"+g.http, g.token)
	if err != nil {
		g.t.Fatal(err)
	}
	var payload any
	if body != "" {
		payload = json.RawMessage(body)
	}
	if err := r.call(g.t.Context(), method, path, payload, answer); err != nil {
		g.t.Fatalf("%s %s: %v", method, path, err)
	}
}

func TestAnAlarmThatIsNotThereIsSaidToBe(t *testing.T) {
	t.Parallel()
	g := serve(t)
	for _, way := range [][]string{{"--config", g.config}, {"--server", "http://" + g.http, "--token", g.token}} {
		code, out, errs := command(t, append([]string{"rules", "explain", "nothing"}, way...)...)
		if code == exitDone || out != "" || !strings.Contains(errs, `There is no alarm "nothing".`) {
			t.Errorf("%v: exit %d, %q, %q", way, code, out, errs)
		}
	}
}

// anAccount is one of every fact.
const anAccount = `{
  "id": "a1", "rule_id": "soon", "rule_version": 3, "mode": "live", "subject": {"type": "device", "id": "fridge-1"}, "severity": "minor",
  "pending_since": "2026-03-01T12:00:00Z", "raised_at": "2026-03-01T12:00:00Z", "cleared_at": "2026-03-01T12:00:40Z",
  "acknowledged_at": null, "acknowledged_by": null, "shelved_until": null, "shelved_by": null, "shelve_reason": null, "unshelved_at": null,
  "latched": true, "chattering": true, "occurrences": 12, "values": {"temperature": 7.5, "mode": "defrost", "broken": null, "fan": 1}, "faults": ["E21"],
  "explanation": ["It will be warm.", "temperature will pass 8 °C in about 25 min."], "trace": "p3/10293/17", "ticket_id": null,
  "computed": [{"call": "rate(temperature, \"1h\")", "value": 1.23456, "unit": "Cel/h"}, {"call": "since(fan)", "value": 5400, "unit": "s"}, {"call": "avg(x, \"1h\")", "value": null, "unit": ""}],
  "time_to_limit": {"metric": "temperature", "limit": 8, "unit": "Cel", "at": "2026-03-01T12:25:00Z", "in_seconds": 1500},
  "held_by": [], "severity_steps": [], "acts": [], "units": {"temperature": "Cel", "fan": "bool"}, "next_step": null,
  "rule": null, "device": null, "customer": null, "ticket": null
}`

func TestAnAccountIsPrintedForPeople(t *testing.T) {
	t.Parallel()
	var account views.AlarmAccount
	if err := json.Unmarshal([]byte(anAccount), &account); err != nil {
		t.Fatal(err)
	}
	print := func() string {
		var out bytes.Buffer
		if err := printAccount(&console{out: &out, env: func(string) (string, bool) { return "", false }}, account); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	want := `CLEARED  soon  minor
It will be warm.
temperature will pass 8 °C in about 25 min.

Subject       device fridge-1, no longer declared
Customer      nobody owned it at the fault
Onset         2026-03-01 12:00:00 UTC
Raised        2026-03-01 12:00:00 UTC, at once
Cleared       2026-03-01 12:00:40 UTC, after 40 s
Limit         8 °C of temperature expected at 12:25 UTC, 25 min after the raise
Acknowledged  no: it latches, and stays open until somebody does
Ticket        none: the rule makes no ticket
Occurrences   12, chattering
Rule          soon, version 3
Alarm         a1
Trace         p3/10293/17

What the rule saw
  broken                   not known then
  fan                      yes
  mode                     defrost
  temperature              7.5 °C
  rate(temperature, "1h")  1.235 °C/h
  since(fan)               1 h 30 min
  avg(x, "1h")             not known then
  fault                    E21

The rule
  Version 3 of rule soon is not kept.
`
	if diff := cmp.Diff(want, print()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	withdrawn, known := account.RaisedAt.Add(3*time.Hour), 4.0
	account.WithdrawnAt = &withdrawn
	account.Earlier = []tickets.AlarmVersionView{{
		RaisedAt: account.RaisedAt, Severity: "major", ReplacedAt: withdrawn, Reason: "Withdrawn: it would not have been raised.",
		Computed: []rules.Computed{{Call: `rate(temperature, "1h")`, Value: &known, Unit: "Cel/h"}},
	}}
	for _, want := range []string{
		"WITHDRAWN  soon  minor\n",
		"\nWhat was told before\n  until 2026-03-01 15:00:00 UTC  raised 2026-03-01 12:00:00 UTC, active, major. Withdrawn: it would not have been raised.\n",
		`rate(temperature, "1h") was 4 °C/h` + "\n",
	} {
		if got := print(); !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}

	account.WithdrawnAt, account.Earlier = nil, nil
	account.ClearedAt, account.Mode, account.NextStep = nil, "shadow", &views.NextStep{Severity: "critical", At: account.RaisedAt.Add(time.Hour)}
	account.Rule = &views.RuleThen{Title: "Soon too warm", Says: []string{"Raised when it will be."}, Text: "kind: Rule\nid: soon\n", Author: "ewa", DeclaredAt: account.RaisedAt}
	for _, want := range []string{
		"ACTIVE  Soon too warm  minor\n", "Cleared       no: it came and went too often, and is held until it has been quiet\n",
		"Next step     critical at 2026-03-01 13:00:00 UTC, if it still holds then\n", "Ticket        none: the rule is on trial\n",
		"\nRule soon, version 3 by ewa at 2026-03-01 12:00:00 UTC, no longer declared\n  Raised when it will be.\n\n  kind: Rule\n  id: soon\n",
	} {
		if got := print(); !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestATerminalGetsColours(t *testing.T) {
	t.Parallel()
	for on, want := range map[bool]string{true: "\x1b[1;31mcritical\x1b[0m \x1b[33mmajor\x1b[0m info", false: "critical major info"} {
		p := painter(on)
		if got := fmt.Sprint(p.severity("critical"), " ", p.severity("major"), " ", p.severity("info")); got != want {
			t.Errorf("%t: %q", on, got)
		}
	}
}
