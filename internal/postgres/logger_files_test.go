package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/ingest/codec"
	"telltale/ingest/loggerfile"
	"telltale/internal/postgres/pgtest"
	"telltale/internal/views"
)

func TestAlarmsOfLoggersAreKeptOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	alarms := make([]views.LoggerAlarm, 3)
	for i := range alarms {
		alarms[i] = views.LoggerAlarm{
			Alarm: loggerfile.Alarm{
				From: day.AddDate(0, 0, i), Until: day.AddDate(0, 0, i+1), Kind: "above", Limit: 8,
				Allowed: 10 * time.Hour, Total: 24 * time.Hour, Text: "t Acc: 1440",
			},
			Device: "fridge-1", File: strings.Repeat("ab", 32), Name: "export.txt", Line: 10 + i, ImportedAt: day,
		}
	}
	alarms[1].RaisedAt = day.AddDate(0, 0, 1).Add(time.Hour)
	for range 2 {
		if err := db.KeepLoggerAlarms(t.Context(), alarms); err != nil {
			t.Fatal(err)
		}
	}
	got, total, err := db.LoggerAlarms(t.Context(), "fridge-1", 2)
	if err != nil || total != 3 {
		t.Fatalf("%d alarms (%v)", total, err)
	}
	if diff := cmp.Diff([]views.LoggerAlarm{alarms[2], alarms[1]}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, total, err := db.LoggerAlarms(t.Context(), "fridge-2", 2); err != nil || total != 0 || len(got) != 0 {
		t.Errorf("another device has %v (%v)", got, err)
	}
	alarms[0].Until = alarms[0].From
	alarms[0].Line = 99
	if err := db.KeepLoggerAlarms(t.Context(), alarms[:1]); err == nil {
		t.Error("an alarm of no time is kept")
	}
}

func TestPartsOfFilesGoToAGatewayAndTheirResultsBack(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	part := views.ReadingsImport{File: "f", Name: "\u0000x", Entries: []views.ImportEntry{
		{Line: 2, Device: "a", Time: &at, Metric: "temperature", Value: 4.5}, {Line: 3, Device: "a", Time: &at, Metric: "mode", Value: "defrost"},
	}}
	id, err := db.RequestImport(t.Context(), part)
	if err != nil {
		t.Fatal(err)
	}
	if _, done, err := db.FinishedImport(t.Context(), id); done || err != nil {
		t.Fatalf("finished before anybody took it: %v", err)
	}

	away := errors.New("the log is away")
	if _, err := db.TakeImport(t.Context(), func(views.ReadingsImport) (views.ImportResult, error) {
		return views.ImportResult{}, away
	}); !errors.Is(err, away) {
		t.Fatalf("got %v", err)
	}
	want := views.ImportResult{Readings: 1, Rejected: []views.Rejection{{Line: 3, Detail: "no"}}}
	taken, err := db.TakeImport(t.Context(), func(got views.ReadingsImport) (views.ImportResult, error) {
		if diff := cmp.Diff(part, got); diff != "" {
			t.Errorf("part (-want +got):\n%s", diff)
		}
		return want, nil
	})
	if err != nil || !taken {
		t.Fatalf("not taken again: %v", err)
	}
	got, done, err := db.FinishedImport(t.Context(), id)
	if diff := cmp.Diff(want, got); err != nil || !done || diff != "" {
		t.Errorf("result, %v, %v (-want +got):\n%s", done, err, diff)
	}
	if taken, err := db.TakeImport(t.Context(), nil); taken || err != nil {
		t.Errorf("something is left: %v", err)
	}
}

func TestBirthsAreReadInTheOrderOfTheirTime(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	node := codec.Birth{Topic: "spBv1.0/P/NBIRTH/N", Payload: []byte{1}, ReceivedAt: at}
	device := codec.Birth{Topic: "spBv1.0/P/DBIRTH/N/d", Payload: []byte{2}, ReceivedAt: at}
	older := codec.Birth{Topic: "spBv1.0/P/DBIRTH/N/e", Payload: []byte{3}, ReceivedAt: at.Add(-time.Second)}
	gone := codec.Birth{Topic: "spBv1.0/P/NBIRTH/M", Payload: []byte{4}, ReceivedAt: at}
	for _, b := range []codec.Birth{device, gone, node, older} {
		if err := db.KeepBirths(t.Context(), []codec.Birth{b}); err != nil {
			t.Fatal(err)
		}
	}
	gone.Payload = nil
	node.Payload = []byte{5}
	if err := db.KeepBirths(t.Context(), []codec.Birth{gone, node}); err != nil {
		t.Fatal(err)
	}
	got, err := db.Births(t.Context())
	for i := range got {
		got[i].ReceivedAt = got[i].ReceivedAt.UTC()
	}
	if diff := cmp.Diff([]codec.Birth{older, node, device}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
