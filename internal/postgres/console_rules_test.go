package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"telltale/internal/declare"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
	"telltale/internal/views"
	"telltale/rules"
)

func TestRulesReachAndNoiseAreCounted(t *testing.T) {
	t.Parallel()
	db, conn := openBoth(t, postgres.Options{})
	apply(t, db, world+`
---
kind: Device
id: fridge-18
model: FR-200
tags: {firmware: "2.1.0", line: a}
---
kind: Model
id: FZ-1
metrics: {temperature: {unit: Cel}}
---
{kind: Device, id: freezer-1, model: FZ-1, tags: {line: a}}
`)
	for want, s := range map[string]rules.Selector{
		"map[FR-200:3 FZ-1:1]": {}, "map[FR-200:3]": {Models: []string{"FR-*"}}, "map[FR-200:1 FZ-1:1]": {Tags: map[string]string{"line": "a"}},
		"map[FR-200:1]": {Models: []string{"FR-*"}, Tags: map[string]string{"line": "a"}}, "map[]": {Tags: map[string]string{"line": "b"}},
	} {
		got, err := db.RuleReach(t.Context(), s)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%+v: %v %v, want %s", s, got, err, want)
		}
	}

	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i, a := range []struct {
		device    string
		ago       time.Duration
		lasted    time.Duration
		withdrawn bool
	}{
		{"fridge-17", time.Hour, 0, false}, {"fridge-18", 2 * time.Hour, 5 * time.Minute, false}, {"fridge-17", 8 * 24 * time.Hour, time.Hour, false},
		{"fridge-17", 55 * 24 * time.Hour, 2 * time.Hour, false}, {"fridge-17", 60 * 24 * time.Hour, time.Hour, false},
		{"fridge-18", -time.Hour, time.Minute, false},
		// What late readings withdrew would not have been raised: it is no noise.
		{"fridge-18", 3 * time.Hour, time.Minute, true}, {"fridge-18", 9 * 24 * time.Hour, time.Minute, true}, {"fridge-18", -2 * time.Hour, time.Minute, true},
	} {
		raised := now.Add(-a.ago)
		cleared := any(raised.Add(a.lasted))
		if a.lasted == 0 {
			cleared = nil
		}
		withdrawn := any(nil)
		if a.withdrawn {
			withdrawn = now
		}
		_, err := conn.Exec(t.Context(), `insert into alarms (id, rule_id, rule_version, subject_type, subject_id, mode, severity, pending_since,
			raised_at, cleared_at, withdrawn_at, occurrences, "values", explanation, raise_id) values ($1, 'fridge-warm', 1, 'device', $2, 'live', 'major', $3, $3, $4, $5, 1, '{}', '{}', $1)`,
			fmt.Sprint(i), a.device, raised, cleared, withdrawn)
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, rule := range []string{"", "fridge-warm"} {
		counts, err := db.RuleAlarms(t.Context(), rule, now)
		if err != nil {
			t.Fatal(err)
		}
		got := counts["fridge-warm"]
		if got.Active != 1 || got.Total != 6 || !got.LastRaised.Equal(now.Add(time.Hour)) || got.Weeks != [views.NoiseWeeks]int64{1, 0, 0, 0, 0, 0, 1, 2} {
			t.Errorf("%+v", got)
		}
	}
	if counts, err := db.RuleAlarms(t.Context(), "other", now); err != nil || len(counts) != 0 {
		t.Errorf("%v, %v", counts, err)
	}
	noise, err := db.RuleNoise(t.Context(), "fridge-warm", now)
	want := views.RuleNoise{Alarms: 4, Fleeting: 1, Median: time.Hour, Devices: 2, Loudest: []views.DeviceNoise{{Device: "fridge-17", Alarms: 3}, {Device: "fridge-18", Alarms: 1}}}
	if err != nil || fmt.Sprintf("%+v", noise) != fmt.Sprintf("%+v", want) {
		t.Errorf("got %+v, %v\nwant %+v", noise, err, want)
	}
	if quiet, err := db.RuleNoise(t.Context(), "other", now); err != nil || quiet.Alarms != 0 || quiet.Median != 0 {
		t.Errorf("%+v, %v", quiet, err)
	}
}

func TestASetMadeFromAnOlderVersionIsRefusedWhole(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world)
	change := func(limit string, version int) error {
		set, err := declare.ParseSources(declare.Source{Text: []byte("kind: Rule\nid: fridge-warm\nwhen: temperature > " + limit + "\n---\n{kind: Article, id: KB-9, title: t, body: b}")})
		if err != nil {
			t.Fatal(err)
		}
		set.Expect("fridge-warm", version)
		_, err = db.Apply(t.Context(), set, "ewa")
		return err
	}
	var stale *declare.StaleError
	if err := change("9", 2); !errors.As(err, &stale) || stale.Have != 1 || stale.Want != 2 {
		t.Fatalf("%v", err)
	}
	if articles, err := db.LoadArticles(t.Context()); err != nil || len(articles) != 1 {
		t.Errorf("half of the set was applied: %v, %v", articles, err)
	}
	if err := change("9", 1); err != nil {
		t.Fatal(err)
	}
	versions, err := db.RuleVersions(t.Context(), "fridge-warm", 0, 10)
	if err != nil || len(versions) != 2 || versions[0].Version != 2 || versions[0].Author != "ewa" || versions[0].Rule.When != "temperature > 9" || versions[0].At.IsZero() {
		t.Errorf("%+v, %v", versions, err)
	}
	if v, err := db.RuleVersion(t.Context(), "fridge-warm", 1); err != nil || v == nil || v.Rule.When != "temperature > 8" {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := db.RuleVersion(t.Context(), "fridge-warm", 3); err != nil || v != nil {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestRulesOfADemonstrationAreAsOldAsItsStory(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world)
	began := time.Now().Add(-4 * time.Hour).Truncate(time.Microsecond)
	for _, at := range []time.Time{began, began.Add(time.Hour)} { // the second is no earlier
		if err := db.BackdateRules(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		mode, version, err := db.RuleInMode(t.Context(), "fridge-warm")
		if err != nil || !mode.Equal(began) || !version.Equal(began) {
			t.Errorf("in its mode since %s, in its version since %s, want %s; %v", mode, version, began, err)
		}
	}
}
