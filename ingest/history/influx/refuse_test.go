package influx_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/ingest/history/influx"
	"telltale/ingest/history/influxtest"
)

// start is in the past of every clock, and in one shard: a field's type is a
// shard's own affair.
func start() time.Time { return time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC) }

func reportAt(device string, second int, readings ...devices.Reading) devices.Report {
	at := start().Add(time.Duration(second) * time.Second)
	return devices.Report{Device: devices.ID(device), ObservedAt: at, ReceivedAt: at.Add(time.Second), Readings: readings}
}

func number(metric string, v float64) devices.Reading {
	return devices.Reading{Metric: metric, Value: devices.Number(v)}
}

func label(metric, v string) devices.Reading {
	return devices.Reading{Metric: metric, Value: devices.Label(v)}
}

// refusals lists refused readings as "device metric=value".
func refusals(refused []history.Refused) []string {
	var all []string
	for _, r := range refused {
		for _, reading := range r.Report.Readings {
			all = append(all, fmt.Sprintf("%s %s=%s", r.Report.Device, reading.Metric, reading.Value))
		}
	}
	return all
}

func conflictsAreRefused(t *testing.T, server *influxtest.Server) {
	for _, c := range []struct {
		name    string
		lines   string // written by somebody else before
		reports []devices.Report
		refused []string
		stored  int // numbers and labels afterwards
	}{
		{
			"a number where there is a text",
			`readings,device=other temperature="warm" %d`,
			[]devices.Report{
				reportAt("a", 0, number("humidity", 40), number("temperature", 4), label("mode", "defrost")),
				reportAt("b", 1, number("humidity", 41)),
			},
			[]string{"a temperature=4"}, 3,
		},
		{
			"a label where there is a number",
			`labels,device=other mode=1 %d`,
			[]devices.Report{
				reportAt("a", 0, number("mode", 7), label("mode", "defrost")),
				reportAt("b", 0, label("mode", "idle"), label("other", "x")),
			},
			[]string{"a mode=defrost", "b mode=idle"}, 2,
		},
		{
			"two fields at once",
			"readings,device=other temperature=1i %d\nreadings,device=other humidity=true %[1]d",
			[]devices.Report{
				reportAt("a", 0, number("temperature", 4), number("humidity", 40), number("power", 5)),
				reportAt("b", 0, number("temperature", 5), number("power", 6)),
			},
			[]string{"a temperature=4", "b temperature=5", "a humidity=40"}, 2,
		},
		{
			"all of them",
			`readings,device=other temperature=1i %d`,
			[]devices.Report{reportAt("a", 0, number("temperature", 4)), reportAt("b", 0, number("temperature", 5))},
			[]string{"a temperature=4", "b temperature=5"}, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db, l := server.Database(), &ledger{}
			store := open(t, server, influx.Options{Bucket: db}, l)
			server.Write(db, fmt.Sprintf(c.lines, start().UnixMicro()))
			epoch := l.acquire()

			for range 2 { // and again, as after a crash
				l.refused = nil
				written, err := store.Write(t.Context(), []history.Chunk{{Epoch: epoch, Seq: 1, Reports: c.reports}})
				if err != nil {
					t.Fatal(err)
				}
				want := history.Written{Stored: int64(c.stored), Refused: int64(len(c.refused))}
				if diff := cmp.Diff(want, written); diff != "" {
					t.Errorf("written (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.refused, refusals(l.refused)); diff != "" {
					t.Errorf("refused (-want +got):\n%s", diff)
				}
				for _, r := range l.refused {
					if !strings.Contains(r.Why, "field type conflict") {
						t.Errorf("refused since %q", r.Why)
					}
				}
			}
			stored := 0
			for _, device := range []devices.ID{"a", "b"} {
				n, err := store.Count(t.Context(), device, start().Add(-time.Hour), start().Add(time.Hour))
				if err != nil {
					t.Fatal(err)
				}
				stored += int(n)
			}
			if stored != c.stored {
				t.Errorf("%d readings stored, want %d", stored, c.stored)
			}
		})
	}
}

func exactlyTheBadAreRefused(t *testing.T, server *influxtest.Server) {
	db, l := server.Database(), &ledger{}
	store := open(t, server, influx.Options{Bucket: db}, l)
	server.Write(db, fmt.Sprintf(`readings,device=other bad="text" %d`, start().UnixMicro()))
	var reports []devices.Report
	want := map[string]bool{}
	for i := range 5_000 {
		r := reportAt(fmt.Sprintf("d-%d", i%50), i, number("good", float64(i)), number("better", float64(i)))
		if i%7 == 0 {
			r.Readings = append(r.Readings, number("bad", float64(i)))
			want[fmt.Sprintf("d-%d bad=%d", i%50, i)] = true
		}
		if i == 1234 { // its key is longer than InfluxDB takes
			r.Readings = append(r.Readings, number(strings.Repeat("long", 20_000), 1))
			want[fmt.Sprintf("d-%d %s=1", i%50, strings.Repeat("long", 20_000))] = true
		}
		reports = append(reports, r)
	}
	written, err := store.Write(t.Context(), []history.Chunk{{Epoch: l.acquire(), Seq: 1, Reports: reports}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, r := range refusals(l.refused) {
		got[r] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused (-want +got):\n%.2000s", diff)
	}
	if written.Stored != 10_000 || written.Refused != int64(len(want)) {
		t.Errorf("written %+v, want 10000 stored and %d refused", written, len(want))
	}
	if n, err := store.Count(t.Context(), "", start().Add(-time.Hour), start().Add(5*time.Hour)); err != nil || n != 10_001 {
		t.Errorf("%d readings stored, %v, want 10000 and the stranger's", n, err)
	}
}

func beyondRetentionIsRefused(t *testing.T, server *influxtest.Server) {
	db, l := server.Database(), &ledger{}
	server.Query(db, fmt.Sprintf(`CREATE RETENTION POLICY "two hours" ON %s DURATION 2h REPLICATION 1`, db))
	store := open(t, server, influx.Options{Bucket: db + "/two hours"}, l)
	now := time.Now()
	var reports []devices.Report
	for i := range 1000 { // new and old ones mixed
		at := now.Add(-time.Minute)
		if i%3 == 0 {
			at = now.Add(-30 * time.Hour)
		}
		at = at.Add(time.Duration(i) * time.Millisecond)
		reports = append(reports, devices.Report{Device: "a", ObservedAt: at, ReceivedAt: now, Readings: []devices.Reading{
			number("temperature", float64(i)), number("humidity", float64(i)),
		}})
	}
	written, err := store.Write(t.Context(), []history.Chunk{{Epoch: l.acquire(), Seq: 1, Reports: reports}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (history.Written{Stored: 2 * 666, Refused: 2 * 334}); written != want {
		t.Errorf("written %+v, want %+v", written, want)
	}
	for _, r := range l.refused {
		if now.Sub(r.Report.ObservedAt) < 24*time.Hour || len(r.Report.Readings) != 2 || !strings.Contains(r.Why, "beyond retention policy") {
			t.Fatalf("refused %+v", r)
		}
	}
	points, err := store.RawPoints(t.Context(), "a", "temperature", now.Add(-24*time.Hour), now)
	if err != nil || len(points) != 666 {
		t.Errorf("%d points, %v, want 666", len(points), err)
	}
}

func TestOptionsThatNameNoPlaceAreRefused(t *testing.T) {
	t.Parallel()
	_, err := influx.New(influx.Options{URL: "localhost:8086"}, nil)
	want := "InfluxDB: url: must be of the form http://host:port\nbucket: is required"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func fenceIsFound(t *testing.T, server *influxtest.Server) {
	l := &ledger{}
	store := open(t, server, influx.Options{Bucket: server.Database()}, l)
	old := l.acquire()
	l.acquire()
	_, err := store.Write(t.Context(), []history.Chunk{{Epoch: old, Seq: 1, Reports: []devices.Report{reportAt("a", 0, number("t", 1))}}})
	var fenced *history.FencedError
	if !errors.As(err, &fenced) {
		t.Errorf("error %v, want that the partition went to another writer", err)
	}
	if err := store.Ready(t.Context()); err != nil {
		t.Errorf("InfluxDB is not to blame: %v", err)
	}
}
