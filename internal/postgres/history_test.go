package postgres_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/postgres"
)

func TestReadingsAreStoredOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	chunk := f.chunk(1,
		report("fridge-1", 0, "temperature", 4.0, "humidity", 60.0),
		report("fridge-1", 1, "temperature", 4.5),
		report("fridge-1", 1, "temperature", 4.5), // the device repeats itself
		report("fridge-1", 0, "temperature", 4.0), // and sends late what it has sent
	)

	f.write(history.Written{Stored: 3, Duplicates: 2}, chunk)
	f.write(history.Written{Duplicates: 5}, chunk) // the log is read again

	// Another node, or this one after a restart, remembers nothing.
	f.store = postgres.NewHistory(f.db)
	f.write(history.Written{Duplicates: 5}, chunk)

	want := []history.Point{point(0, 4.0), point(1, 4.5)}
	if diff := cmp.Diff(want, f.points("fridge-1", "temperature")); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestALateReadingFindsItsPlace(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	f.write(history.Written{Stored: 2}, f.chunk(1,
		report("fridge-1", 0, "temperature", 4.0), report("fridge-1", 10, "temperature", 5.0)))

	// A day of its own, long before, and a gap in a day that exists.
	f.write(history.Written{Stored: 3, Duplicates: 1}, f.chunk(2,
		report("fridge-1", 5, "temperature", 4.5),
		report("fridge-1", -30*24*60, "temperature", 3.0),
		report("fridge-1", 5, "temperature", 9.9), // another value for a known time: the first one counts
		report("fridge-1", 11, "temperature", 6.0)))

	want := []history.Point{point(-30*24*60, 3.0), point(0, 4.0), point(5, 4.5), point(10, 5.0), point(11, 6.0)}
	if diff := cmp.Diff(want, f.points("fridge-1", "temperature")); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestWhatOneDeviceSaysWrongHoldsUpNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	odd := report("fridge-1", 0, "temperature", math.NaN(), "pressure", math.Inf(1), "mo\x00de\xff", 1.0, "humidity", 60.0)
	odd.Readings = append(odd.Readings, devices.Reading{Metric: "mode", Value: devices.Label("de\x00frost\xfe")})
	odd.Faults = []string{"E\x0021"}

	f.write(history.Written{Stored: 3, NotFinite: 2, Orphans: 2}, f.chunk(1,
		odd, report("nobody", 0, "temperature", 4.0), report("no\x00body", 0, "temperature", 4.0)))

	want := []history.Point{{T: noon, Value: devices.Label("de\uFFFDfrost\uFFFD")}}
	if diff := cmp.Diff(want, f.points("fridge-1", "mode")); diff != "" {
		t.Errorf("label (-want +got):\n%s", diff)
	}
	want = []history.Point{point(0, 1.0)}
	if diff := cmp.Diff(want, f.points("fridge-1", "mo\uFFFDde\uFFFD")); diff != "" {
		t.Errorf("odd metric (-want +got):\n%s", diff)
	}
}

func TestTimesFarFromTodayAreStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	var want []history.Point
	for i, at := range []time.Time{
		time.Date(-20, 3, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		r := report("fridge-1", 0, "temperature", 1.0)
		r.ObservedAt = at
		f.write(history.Written{Stored: 1}, f.chunk(uint64(i+1), r))
		want = append(want, history.Point{T: at, Value: devices.Number(1)})
	}
	got, err := f.db.RawPoints(t.Context(), "fridge-1", "temperature",
		time.Date(-100, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestRowsOfADayWithoutPartitionMoveIntoItWhenItIsMade(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	f.write(history.Written{Stored: 1}, f.chunk(1, report("fridge-1", 0, "temperature", 4.0)))
	if dropped, err := f.db.DropReadingsBefore(t.Context(), noon.AddDate(0, 0, 1)); err != nil || dropped != 1 {
		t.Fatalf("dropped %d days (err %v), want 1", dropped, err)
	}

	// This store remembers that the day exists; the row goes to the default
	// partition, is found there, and moves when another store makes the day.
	f.write(history.Written{Stored: 1}, f.chunk(2, report("fridge-1", 1, "temperature", 5.0)))
	want := []history.Point{point(1, 5.0)}
	if diff := cmp.Diff(want, f.points("fridge-1", "temperature")); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	f.store = postgres.NewHistory(f.db)
	f.write(history.Written{Stored: 1, Duplicates: 1}, f.chunk(3,
		report("fridge-1", 1, "temperature", 5.0), report("fridge-1", 2, "temperature", 6.0)))
	want = append(want, point(2, 6.0))
	if diff := cmp.Diff(want, f.points("fridge-1", "temperature")); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if n := f.count(`select count(*) from only readings_default`); n != 0 {
		t.Errorf("%d rows are left in the default partition", n)
	}
}

func TestRetentionDropsWholeDaysThatHaveEnded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	const day = 24 * 60
	f.write(history.Written{Stored: 4}, f.chunk(1,
		report("fridge-1", -3*day, "temperature", 1.0), report("fridge-1", -2*day, "temperature", 2.0),
		report("fridge-1", -1*day, "temperature", 3.0), report("fridge-1", 0, "temperature", 4.0)))

	if dropped, err := f.db.DropReadingsBefore(t.Context(), noon.AddDate(0, 0, -1)); err != nil || dropped != 2 {
		t.Errorf("dropped %d days (err %v), want 2", dropped, err)
	}
	want := []history.Point{point(-1*day, 3.0), point(0, 4.0)}
	if diff := cmp.Diff(want, f.points("fridge-1", "temperature")); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestAWriterThatLostItsPartitionWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	zombie := f.chunk(1, report("fridge-1", 0, "temperature", 4.0))
	f.acquire() // another node takes the partition

	_, err := f.store.Write(t.Context(), []history.Chunk{zombie})
	var fenced *history.FencedError
	if !errors.As(err, &fenced) || !slices.Equal(fenced.Partitions, []int{0}) {
		t.Errorf("the zombie's write: %v, want partition 0 fenced", err)
	}
	if got := f.points("fridge-1", "temperature"); len(got) != 0 {
		t.Errorf("the zombie wrote %v", got)
	}
	// The new holder writes the same readings: they were not taken for known.
	f.write(history.Written{Stored: 1}, f.chunk(1, report("fridge-1", 0, "temperature", 4.0)))
}

func TestADeviceDeclaredAnewStartsAnewHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	f.write(history.Written{Stored: 1}, f.chunk(1, report("fridge-1", 0, "temperature", 4.0)))
	f.exec(`delete from devices`)
	f.exec(`update declarations set version = version + 1`)
	f.write(history.Written{Orphans: 1}, f.chunk(2, report("fridge-1", 1, "temperature", 5.0)))
	f.declare("fridge-1")
	f.write(history.Written{Stored: 1}, f.chunk(3, report("fridge-1", 2, "temperature", 6.0)))

	if diff := cmp.Diff([]history.Point{point(2, 6.0)}, f.points("fridge-1", "temperature")); diff != "" {
		t.Errorf("history of the new device (-want +got):\n%s", diff)
	}
}

func TestARangeIsSummedUpInStepsOfTheClock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	f.write(history.Written{Stored: 6}, f.chunk(1,
		report("fridge-1", -1, "temperature", 100.0),
		report("fridge-1", 3, "temperature", 4.0), report("fridge-1", 4, "temperature", 8.0),
		report("fridge-1", 5, "temperature", 6.0), report("fridge-1", 21, "temperature", -1.0),
		labelled("fridge-1", 6, "temperature", "off")))

	ask := history.Query{Device: "fridge-1", Metric: "temperature", From: minute(3), To: minute(22), Step: 5 * time.Minute}
	for _, c := range []struct {
		name string
		ask  func(history.Query) history.Query
		want []history.Bucket
	}{
		{
			"steps begin with the clock, not with the query",
			func(q history.Query) history.Query { return q },
			[]history.Bucket{
				{T: minute(0), Min: 4, Avg: 6, Max: 8, N: 2},
				{T: minute(5), Min: 6, Avg: 6, Max: 6, N: 1},
				{T: minute(20), Min: -1, Avg: -1, Max: -1, N: 1},
			},
		},
		{
			"the end is not part of the range",
			func(q history.Query) history.Query { q.To = minute(21); q.Step = time.Hour; return q },
			[]history.Bucket{{T: minute(0), Min: 4, Avg: 6, Max: 8, N: 3}},
		},
		{
			"without a step every number is there",
			func(q history.Query) history.Query { q.To = minute(6); q.Step = 0; return q },
			[]history.Bucket{
				{T: minute(3), Min: 4, Avg: 4, Max: 4, N: 1},
				{T: minute(4), Min: 8, Avg: 8, Max: 8, N: 1},
				{T: minute(5), Min: 6, Avg: 6, Max: 6, N: 1},
			},
		},
		{"an unknown device has no readings", func(q history.Query) history.Query { q.Device = "nobody"; return q }, nil},
		{"an unknown metric has no readings", func(q history.Query) history.Query { q.Metric = "nothing"; return q }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := f.db.Range(t.Context(), c.ask(ask))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" && len(got)+len(c.want) > 0 {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
