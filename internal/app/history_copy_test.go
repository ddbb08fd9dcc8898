package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/ingest/history/influxtest"
	"telltale/internal/config"
	"telltale/internal/declare"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
)

// copyWorld is a configuration with a database and an InfluxDB of its own.
func copyWorld(t *testing.T, server *influxtest.Server, bucket string) (config.Config, *postgres.DB) {
	t.Helper()
	cfg := config.Default(t.TempDir())
	cfg.Database.URL = config.Secret(pgtest.URL(t))
	cfg.History.Influx = config.Influx{URL: server.URL, Bucket: bucket}
	db, err := postgres.Open(t.Context(), cfg.Database.URL.Reveal(), postgres.Options{MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	set, err := declare.ParseSources(declare.Source{Name: "fleet.yaml", Text: []byte(influxFleet)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Apply(t.Context(), set, "test"); err != nil {
		t.Fatal(err)
	}
	return cfg, db
}

func TestReadingsAreCopiedThereAndBack(t *testing.T) {
	t.Parallel()
	server := influxtest.Start(t, influxtest.Options{NoFlux: true})
	bucket := server.Database()
	cfg, db := copyWorld(t, server, bucket)
	first := time.Date(2026, 11, 18, 22, 0, 0, 0, time.UTC)
	var reports []devices.Report
	for i := range 4000 { // three days, one of them without any
		at := first.Add(time.Duration(i) * time.Second)
		if i >= 2000 {
			at = at.Add(36 * time.Hour)
		}
		r := devices.Report{Device: "reefer-1", ObservedAt: at, ReceivedAt: at, Readings: []devices.Reading{
			{Metric: "temperature", Value: devices.Number(float64(i) / 3)}, {Metric: "time", Value: devices.Number(float64(i))},
		}}
		if i%10 == 0 {
			r.Readings = append(r.Readings, devices.Reading{Metric: "mode", Value: devices.Label(fmt.Sprintf("defrost %d", i))})
		}
		reports = append(reports, r)
	}
	const readings = 2*4000 + 400
	if n, _, err := postgres.NewHistory(db).Import(t.Context(), reports); err != nil || n != readings {
		t.Fatalf("%d imported, %v", n, err)
	}
	until := first.Add(5 * 24 * time.Hour)

	counted, err := CopyHistory(t.Context(), cfg, HistoryCopy{From: "postgres", To: "influx", Until: until, DryRun: true})
	if err != nil || counted.InFrom != readings || counted.InTo != 0 {
		t.Errorf("dry run %+v, %v", counted, err)
	}
	for range 2 { // again is the same as once
		var progress []string
		copied, err := CopyHistory(t.Context(), cfg, HistoryCopy{From: "postgres", To: "influx", Until: until, Progress: func(p HistoryProgress) {
			progress = append(progress, fmt.Sprintf("%s %.2f", p.Until.Format(time.DateOnly), p.Share))
		}})
		if err != nil || copied.Readings != readings || copied.Refused != 0 || !copied.CopiedUntil.Equal(until) {
			t.Errorf("copied %+v, %v", copied, err)
		}
		if len(progress) != 6 || !strings.HasPrefix(progress[0], "2026-11-19 0.") || progress[5] != "2026-11-23 1.00" {
			t.Errorf("progress %v", progress)
		}
		counted, err = CopyHistory(t.Context(), cfg, HistoryCopy{From: "postgres", To: "influx", Until: until, DryRun: true})
		if err != nil || counted.InFrom != readings || counted.InTo != readings {
			t.Errorf("dry run afterwards %+v, %v", counted, err)
		}
	}

	back, other := copyWorld(t, server, bucket)
	for range 2 {
		copied, err := CopyHistory(t.Context(), back, HistoryCopy{From: "influx", To: "postgres", Since: first, Until: until, Device: "reefer-1"})
		if err != nil || copied.Readings != readings {
			t.Errorf("copied back %+v, %v", copied, err)
		}
	}
	for _, metric := range []string{"temperature", "mode", "time"} {
		want, err := db.RawPoints(t.Context(), "reefer-1", metric, first, until)
		if err != nil {
			t.Fatal(err)
		}
		got, err := other.RawPoints(t.Context(), "reefer-1", metric, first, until)
		if diff := cmp.Diff(want, got); err != nil || diff != "" || len(want) == 0 {
			t.Errorf("%s after there and back, %v (-want +got):\n%.1000s", metric, err, diff)
		}
	}
}

func TestACopyThatIsInterruptedSaysWhereToGoOn(t *testing.T) {
	t.Parallel()
	server := influxtest.Start(t, influxtest.Options{})
	cfg, db := copyWorld(t, server, server.Database())
	first := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	var reports []devices.Report
	for day := range 4 {
		at := first.Add(time.Duration(day) * 24 * time.Hour)
		reports = append(reports, devices.Report{Device: "reefer-1", ObservedAt: at, Readings: []devices.Reading{
			{Metric: "temperature", Value: devices.Number(float64(day))},
		}})
	}
	if _, _, err := postgres.NewHistory(db).Import(t.Context(), reports); err != nil {
		t.Fatal(err)
	}
	c := HistoryCopy{From: "postgres", To: "influx", Until: first.Add(4 * 24 * time.Hour), Progress: func(p HistoryProgress) {
		if p.Readings == 2 {
			server.Kill()
		}
	}}
	copied, err := CopyHistory(t.Context(), cfg, c)
	if err == nil || copied.Readings != 2 || !copied.CopiedUntil.Equal(first.Add(48*time.Hour)) || !strings.Contains(err.Error(), "copy the readings of 2026-11-18") {
		t.Fatalf("copied %+v, %v", copied, err)
	}
	server.Restart()
	c.Since, c.Progress = copied.CopiedUntil, nil
	if copied, err = CopyHistory(t.Context(), cfg, c); err != nil || copied.Readings != 2 {
		t.Errorf("gone on: %+v, %v", copied, err)
	}
	c.Since, c.DryRun = time.Time{}, true
	if counted, err := CopyHistory(t.Context(), cfg, c); err != nil || counted.InTo != 4 {
		t.Errorf("counted %+v, %v", counted, err)
	}
}

func TestACopyThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	cfg := config.Default(t.TempDir())
	cfg.Database.URL = config.Secret(pgtest.URL(t))
	for _, c := range []struct {
		name string
		copy HistoryCopy
		url  string
		want string
	}{
		{"from a store to itself", HistoryCopy{From: "influx", To: "influx"}, "http://127.0.0.1:1", "from one store to the other"},
		{"no InfluxDB is configured", HistoryCopy{From: "postgres", To: "influx"}, "", "history.influx: InfluxDB: url: must be"},
		{"since when is not said", HistoryCopy{From: "influx", To: "postgres"}, "http://127.0.0.1:1", "give --since"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := cfg
			cfg.History.Influx = config.Influx{URL: c.url, Bucket: "b"}
			_, err := CopyHistory(t.Context(), cfg, c.copy)
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q, invalid input", err, c.want)
			}
		})
	}
}

func TestHistoryStatusSaysWhereAndHowFar(t *testing.T) {
	t.Parallel()
	server := influxtest.Start(t, influxtest.Options{})
	cfg, db := copyWorld(t, server, server.Database())
	cfg.History.Store = "influx"
	epoch, ok, err := db.AcquireLease(t.Context(), history.Consumer, 2, "node", time.Hour)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := db.AdvanceCheckpoint(t.Context(), history.Consumer, 2, epoch, 77); err != nil {
		t.Fatal(err)
	}
	lines, err := HistoryStatus(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"store      influx",
		"influx     answers at " + server.URL + ", bucket " + cfg.History.Influx.Bucket + ", in Flux",
		"last hour  0 readings",
		"history    stored up to 2:77 (partition:sequence of the log)",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	server.Kill()
	lines, err = HistoryStatus(t.Context(), cfg)
	if err != nil || !strings.Contains(lines[1], "reach InfluxDB at "+server.URL) {
		t.Errorf("while it is away: %q, %v", lines, err)
	}
}
