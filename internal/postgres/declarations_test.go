package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
)

const world = `
kind: Rule
id: fridge-warm
applies_to: {models: ["FR-*"]}
when: temperature > 8
for: 10m
severity: major
ticket: {subject: "{{device.id}} is warm", priority: high, article: KB-7}
---
kind: Shipment
id: S-9001
carrier: PolarTrans
profile: vaccine-2-8
loggers: [{device: reefer-3, from: 2026-11-20T06:00:00Z}]
departed: 2026-11-20T06:00:00Z
lots: [{gtin: "05901234123457", lot: A17, quantity: 1200, unit: vial}]
consignees: [{customer: C-1001, lot: A17, quantity: 700}, {customer: C-1002, lot: A17, quantity: 500}]
---
kind: Device
id: reefer-3
model: FR-200
---
kind: Device
id: fridge-17
model: FR-200
serial: SN-8841
site: Warsaw-2
owners: [{customer: C-1001, from: 2026-01-10T00:00:00Z}, {customer: C-1002, from: 2026-06-01T00:00:00Z}]
tags: {firmware: "2.1.0"}
---
kind: Model
id: FR-200
metrics: {temperature: {unit: Cel, min: -60, max: 80}}
report_every: 1m
---
{kind: Customer, id: C-1001, name: Nordfrost Clinics, language: pl, timezone: Europe/Warsaw}
---
{kind: Customer, id: C-1002, name: Baltic Care}
---
kind: StorageProfile
id: vaccine-2-8
limits: {min: 2, max: 8}
budgets: [{above: 8, for: 10h, cumulative: true, verdict: reject}]
source: invented for this test
---
kind: Maintenance
id: defrost
customers: [C-1001]
devices: [fridge-17]
weekly: {days: [monday], from: "02:00", to: "04:00", timezone: Europe/Warsaw}
---
{kind: Article, id: KB-7, title: Warm, body: Close the door.}
`

func parse(t *testing.T, text string) *declare.Set {
	t.Helper()
	set, err := declare.ParseSources(declare.Source{Name: "world.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func apply(t *testing.T, db *postgres.DB, text string) declare.Plan {
	t.Helper()
	plan, err := db.Apply(t.Context(), parse(t, text), "ewa")
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestAppliedDeclarationsReadBack(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	want := parse(t, world)
	if plan := apply(t, db, world); plan.Count(declare.Created) != 10 || plan.Version != 1 {
		t.Errorf("plan of the first apply: %+v", plan)
	}

	got, err := db.LoadDeclarations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 {
		t.Errorf("version %d, want 1", got.Version)
	}
	want.Rules[0].Version = 1
	compare(t, "rules", *want.Rules[0], got.Rules[0])
	compare(t, "shipment", *want.Shipments[0], got.Shipments[0])
	compare(t, "profile", *want.Profiles[0], got.Profiles[0])
	for _, device := range want.Devices {
		stored, _ := got.Directory.Device(device.ID)
		compare(t, "device", device, stored)
	}
	model, _ := got.Directory.Model("FR-200")
	compare(t, "model", want.Models[0], model)
	customers, err := db.LoadCustomers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "customer", *want.Customers[0], customers[0])
	articles, err := db.LoadArticles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := got.Maintenance; len(got) != 1 || got[0].Weekly.Zone.String() != "Europe/Warsaw" {
		t.Errorf("maintenance %+v", got)
	}
	compare(t, "article", *want.Articles[0], articles[0])
}

func compare[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-declared +stored):\n%s", what, diff)
	}
}

func TestApplyingTheSameAgainChangesNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world)

	plan, err := db.Plan(t.Context(), parse(t, world))
	if err != nil {
		t.Fatal(err)
	}
	if !plan.Empty() {
		t.Errorf("plan after apply:\n%s", plan)
	}
	if again := apply(t, db, world); !again.Empty() || again.Version != 1 {
		t.Errorf("second apply: version %d\n%s", again.Version, again)
	}
}

func TestOnlyAChangedRuleGetsANewVersion(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world)
	changed := strings.Replace(world, "for: 10m", "for: 15m", 1)

	plan := apply(t, db, changed)

	want := "~ Rule fridge-warm: for 10m -> 15m\n0 created, 1 changed, 9 unchanged\n"
	if diff := cmp.Diff(want, plan.String()); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if plan.Version != 2 {
		t.Errorf("declarations are at version %d, want 2", plan.Version)
	}
	all, err := db.LoadRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if all[0].Version != 2 || all[0].For != 15*time.Minute {
		t.Errorf("rule is at version %d with for %s, want 2 and 15m", all[0].Version, all[0].For)
	}
}

func TestASetWithOneFaultChangesNothingAtAll(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	set := parse(t, world+"---\n{kind: Device, id: lost, model: FR-2000}\n")

	_, err := db.Apply(t.Context(), set, "ewa")

	var faults declare.Errors
	if !errors.As(err, &faults) {
		t.Fatalf("apply: %v, want declare.Errors", err)
	}
	want := `world.yaml:54:33: Device lost: model: there is no Model FR-2000 (did you mean "FR-200"?)`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("fault (-want +got):\n%s", diff)
	}
	directory, err := db.LoadDirectory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if directory.Len() != 0 || directory.Version() != 0 {
		t.Errorf("%d devices at version %d after a refused apply", directory.Len(), directory.Version())
	}
}

func TestReferencesMayPointAtWhatWasDeclaredBefore(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world)

	plan := apply(t, db, `{kind: Device, id: fridge-18, model: FR-200, owners: [{customer: C-1002, from: 2026-02-01T00:00:00Z}]}`)

	if plan.String() != "+ Device fridge-18\n1 created, 0 changed, 0 unchanged\n" {
		t.Errorf("plan:\n%s", plan)
	}
}

func TestConcurrentAppliesLoseNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world)
	const writers = 8
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			text := strings.Replace(world, "for: 10m", fmt.Sprintf("for: %dm", 20+i), 1)
			text += fmt.Sprintf("---\n{kind: Device, id: extra-%d, model: FR-200}\n", i)
			set, err := declare.ParseSources(declare.Source{Name: "w.yaml", Text: []byte(text)})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := db.Apply(t.Context(), set, "ewa"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()

	got, err := db.LoadDeclarations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != 1+writers || got.Rules[0].Version != 1+writers || got.Directory.Len() != 2+writers {
		t.Errorf("version %d, rule version %d, %d devices; want %d, %d, %d",
			got.Version, got.Rules[0].Version, got.Directory.Len(), 1+writers, 1+writers, 2+writers)
	}
}

func TestWaitDeclarationsWakesUpOnAChange(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	seen := make(chan int64, 1)
	var group sync.WaitGroup
	group.Go(func() {
		version, err := db.WaitDeclarations(t.Context(), 0)
		if err != nil {
			t.Error(err)
		}
		seen <- version
	})
	apply(t, db, world)
	if version := <-seen; version != 1 {
		t.Errorf("woke up at version %d, want 1", version)
	}
	group.Wait()
}

func TestWaitDeclarationsNoticesAChangeThatNobodyAnnounced(t *testing.T) {
	t.Parallel()
	db, conn := openBoth(t, postgres.Options{})
	if _, err := conn.Exec(t.Context(), "update declarations set version = 7"); err != nil {
		t.Fatal(err)
	}
	seen := make(chan int64, 1)
	go func() {
		version, err := db.WaitDeclarations(t.Context(), 7)
		if err != nil {
			t.Error(err)
		}
		seen <- version
	}()
	if _, err := conn.Exec(t.Context(), "update declarations set version = 8"); err != nil {
		t.Fatal(err)
	}
	if version := <-seen; version != 8 {
		t.Errorf("woke up at version %d, want 8", version)
	}
}

func TestWaitDeclarationsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := db.WaitDeclarations(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait: %v, want the context's end", err)
	}
}

func TestTenThousandDevicesApplyTogether(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world)
	const n = 10_000
	set := &declare.Set{}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		set.Devices = append(set.Devices, &devices.Device{
			ID: devices.ID(fmt.Sprintf("f-%05d", i)), Model: "FR-200",
			Owners: []devices.Ownership{{Customer: "C-1001", From: from}},
		})
	}
	start := time.Now()
	if _, err := db.Apply(t.Context(), set, "ewa"); err != nil {
		t.Fatal(err)
	}
	t.Logf("applied in %s", time.Since(start))
	directory, err := db.LoadDirectory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("applied and loaded in %s", time.Since(start))
	if directory.Len() != n+2 {
		t.Errorf("%d devices, want %d", directory.Len(), n+2)
	}
}
