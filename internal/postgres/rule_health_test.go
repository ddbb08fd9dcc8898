package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/declare"
	"telltale/internal/postgres/pgtest"
	"telltale/internal/views"
	"telltale/rules"
)

func TestTheHealthOfARuleIsThatOfItsWorstPartition(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	set, err := declare.ParseSources(declare.Source{Name: "rules.yaml", Text: []byte(`
{kind: Model, id: FR, metrics: {temperature: {unit: Cel}}}
---
{kind: Rule, id: warm, when: temperature > 8}
---
{kind: Rule, id: "off", when: temperature > 8, mode: "off"}
---
{kind: Rule, id: well, when: temperature > 8}
`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Apply(t.Context(), set, "test"); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	health := func(rule string, version int, state rules.HealthState, reason string, after time.Duration, count int64) rules.Health {
		return rules.Health{Rule: rule, Version: version, State: state, Reason: reason, Since: at.Add(after), At: at.Add(after), Device: "fridge-1", Count: count}
	}
	save := func(partition int, all ...rules.Health) {
		t.Helper()
		if err := db.SaveRuleHealth(t.Context(), partition, all); err != nil {
			t.Fatal(err)
		}
	}
	save(0, health("warm", 1, rules.Degraded, "short", 0, 0), health("off", 1, rules.Failing, "x", 0, 1), health("gone", 1, rules.Failing, "x", 0, 1))
	save(1, health("warm", 1, rules.Failing, "first", time.Hour, 1), health("well", 1, rules.Failing, "x", 0, 1))
	save(2, health("warm", 1, rules.Failing, "last\x00\xff", 2*time.Hour, 3))
	save(3, health("warm", 7, rules.Failing, "of another version", 3*time.Hour, 9))
	save(1, health("warm", 1, rules.Failing, "first", time.Hour, 2), health("well", 1, rules.Healthy, "", 0, 0))
	save(1)

	got, err := db.RuleHealth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	since := at.Add(time.Hour)
	want := map[string]views.RuleHealth{
		"warm": {State: rules.Failing, Reason: "last\uFFFD\uFFFD", Since: &since, Device: "fridge-1", Count: 5},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	one, err := db.PartitionHealth(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(one) != 1 || one[0].Count != 2 || !one[0].Since.Equal(since) {
		t.Errorf("partition 1: %+v", one)
	}
}
