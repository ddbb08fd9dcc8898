package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/postgres"
)

func TestReadingsSurviveTheWayToPackedRowsAndBack(t *testing.T) {
	t.Parallel()
	const before, packed = 3, "select count(*) from readings where cardinality(metrics) = 2"
	f := newFixture(t, "fridge-1")
	mixed := report("fridge-1", 0, "temperature", 4.0)
	mixed.Readings = append(mixed.Readings, devices.Reading{Metric: "mode", Value: devices.Label("defrost")})
	f.write(history.Written{Stored: 3}, f.chunk(1, mixed, report("fridge-1", 1, "temperature", 5.0)))
	want := map[string][]history.Point{
		"temperature": {point(0, 4.0), point(1, 5.0)},
		"mode":        {{T: noon, Value: devices.Label("defrost")}},
	}

	url := f.conn.Config().ConnString()
	if err := postgres.MigrateDown(t.Context(), url, before); err != nil {
		t.Fatal(err)
	}
	if n := f.count(`select count(*) from readings where value is not null or label = 'defrost'`); n != 3 {
		t.Errorf("%d single rows, want 3", n)
	}
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if n := f.count(packed); n != 1 {
		t.Errorf("%d rows hold two readings, want 1", n)
	}
	for metric, points := range want {
		if diff := cmp.Diff(points, f.points("fridge-1", metric)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", metric, diff)
		}
	}
	if n := f.count(`select count(*) from readings_named where device = 'fridge-1' and (label = 'defrost' or metric = 'temperature')`); n != 3 {
		t.Errorf("the view by name has %d rows, want 3", n)
	}
}
