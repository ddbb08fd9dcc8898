package declare_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/declare"
)

func TestAPlanShowsFieldByField(t *testing.T) {
	t.Parallel()
	before := parseText(t, `
kind: Rule
id: fridge-warm
applies_to: {models: ["FR-*"]}
when: temperature > 8
for: 10m
severity: major
ticket: {team: appliances}
---
{kind: Device, id: fridge-1, model: FR-200, tags: {a: x}, owners: [{customer: C-1, from: 2026-01-01T00:00:00Z}]}
---
{kind: Device, id: fridge-2, model: FR-200}
---
{kind: Article, id: KB-1, title: t, body: "one\ntwo"}
`)
	after := parseText(t, `
kind: Rule
id: fridge-warm
applies_to: {models: ["FR-*", "FZ-*"]}
when: temperature > 9
for: 600s # the same as 10m
severity: critical
ticket: none
---
kind: Device
id: fridge-1
model: FR-200
tags: {b: y}
owners: [{customer: C-1, from: 2026-01-01T01:00:00+01:00}, {customer: C-2, from: 2026-02-01T00:00:00Z}]
---
{kind: Device, id: fridge-2, model: FR-200}
---
{kind: Device, id: fridge-3, model: FR-200}
---
{kind: Article, id: KB-1, title: t, body: "one\nthree"}
`)
	plan, err := declare.Diff(specsOf(t, before), after)
	if err != nil {
		t.Fatal(err)
	}
	want := `~ Article KB-1: body rewritten
~ Device fridge-1: owners [{"customer":"C-1","from":"2026-01-01T00:00:00Z"}] -> ` +
		`[{"customer":"C-1","from":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z"},` +
		`{"customer":"C-2","from":"2026-02-01T00:00:00Z"}]; tags.a x -> (none); tags.b (none) -> y
+ Device fridge-3
~ Rule fridge-warm: applies_to.models ["FR-*"] -> ["FR-*","FZ-*"]; severity major -> critical; ` +
		`ticket {"team":"appliances"} -> none; when temperature > 8 -> temperature > 9
1 created, 3 changed, 1 unchanged
`
	if diff := cmp.Diff(want, plan.String()); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if plan.Empty() || plan.Count(declare.Changed) != 3 {
		t.Errorf("empty %t, changed %d", plan.Empty(), plan.Count(declare.Changed))
	}
}
