package app

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/loggerfile"
	"telltale/internal/config"
	"telltale/internal/gatewaytest"
	"telltale/internal/postgres/pgtest"
	"telltale/internal/views"
	"telltale/tickets"
)

const loggerDeclarations = `
kind: Model
id: FRIDGE-TAG
metrics: {temperature: {unit: Cel, min: -60, max: 80}, temperature_mean: {unit: Cel}}
report_every: 24h
---
kind: Device
id: "160400347643"
model: FRIDGE-TAG
---
kind: Rule
id: warm
title: Too warm
when: temperature > 8
severity: major
`

// sampleImport is the sample of a Fridge-tag as one part.
func sampleImport(t *testing.T) views.ReadingsImport {
	t.Helper()
	text, err := os.ReadFile("../../../shared/data/fridgetag/sample-fridge-tag.txt")
	if err != nil {
		t.Fatal(err)
	}
	part := views.ReadingsImport{File: strings.Repeat("ab", 32), Name: "sample-fridge-tag.txt"}
	for e, err := range loggerfile.Read(loggerfile.FridgeTag, strings.NewReader(string(text)), "") {
		if err != nil {
			t.Fatal(err)
		}
		part.Entries = append(part.Entries, views.NewImportEntry(e))
	}
	return part
}

// TestALoggersFileJoinsLiveDataOnce imports the sample of a Fridge-tag from
// beside the running gateway, twice: rules and history see its readings, its
// own alarms are kept, and the second time nothing changes.
func TestALoggersFileJoinsLiveDataOnce(t *testing.T) {
	t.Parallel()
	const logger = devices.ID("160400347643")
	var cfg config.Config
	a := startGateway(t, func(c *config.Config) { cfg = *c })
	declareAll(t, a, loggerDeclarations)
	admin, err := OpenAdmin(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()

	part := sampleImport(t)
	part.Entries = append(part.Entries, views.ImportEntry{Line: 900, Device: "nobody", Time: part.Entries[0].Time, Metric: "temperature", Value: 4.0})
	want := views.ImportResult{Readings: 180, Alarms: 60, Rejected: []views.Rejection{{Line: 900, Detail: "device nobody is not declared"}}}
	from, until := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	points := func() int {
		all, err := a.readings.RawPoints(t.Context(), logger, "temperature", from, until)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	alarms := func() int {
		all, err := a.db.ListAlarms(t.Context(), tickets.AlarmQuery{Device: string(logger), Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}

	dry := part
	dry.DryRun = true
	if got, err := admin.ImportReadings(t.Context(), dry); err != nil || cmp.Diff(want, got) != "" {
		t.Fatalf("dry run: %v\n%s", err, cmp.Diff(want, got))
	}
	for range 2 {
		got, err := admin.ImportReadings(t.Context(), part)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		gatewaytest.Await(t, "the readings in the history", func() bool { return points() == 120 })
		gatewaytest.Await(t, "one alarm", func() bool { return alarms() == 1 })
	}
	// What comes behind the second import has it behind it, in the log's order.
	marker := views.ReadingsImport{File: part.File, Entries: []views.ImportEntry{{Line: 1, Device: string(logger), Time: ptrTo(until.Add(-time.Hour)), Metric: "temperature", Value: 21.0}}}
	if _, err := admin.ImportReadings(t.Context(), marker); err != nil {
		t.Fatal(err)
	}
	gatewaytest.Await(t, "the marker in the history", func() bool { return points() == 121 })
	if n := alarms(); n != 1 {
		t.Errorf("%d alarms after the second import", n)
	}
	if _, total, err := a.db.LoggerAlarms(t.Context(), logger, 1); err != nil || total != 60 {
		t.Errorf("%d alarms of the logger (%v)", total, err)
	}
}

func ptrTo[T any](v T) *T { return &v }

func TestNothingIsImportedWithoutAGateway(t *testing.T) {
	t.Parallel()
	cfg := config.Default(t.TempDir())
	cfg.Database.URL = config.Secret(pgtest.EmptyURL(t))
	admin, err := OpenAdmin(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.ImportReadings(t.Context(), sampleImport(t)); !errors.Is(err, ErrInvalid) || !errors.Is(err, errNoGateway) {
		t.Errorf("got %v", err)
	}

	// A gateway that is announced and takes nothing: the part is taken back.
	if err := admin.db.NodeHeartbeat(t.Context(), "hung", 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := admin.ImportReadings(ctx, sampleImport(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if taken, err := admin.db.TakeImport(t.Context(), nil); taken || err != nil {
		t.Errorf("the part is still there (%v)", err)
	}
}
