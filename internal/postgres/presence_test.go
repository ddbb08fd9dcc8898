package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/history"
)

// presence is a row of device_presence.
type presence struct {
	LastSeen, ObservedAt time.Time
	Announced            string
	Faults               []string
}

func TestPresenceFollowsTheLog(t *testing.T) {
	t.Parallel()
	status := func(p devices.Presence, at int) devices.Report {
		r := report("fridge-1", at)
		r.Presence = p
		return r
	}
	faults := func(at int, codes ...string) devices.Report {
		r := report("fridge-1", at)
		r.Faults = append([]string{}, codes...)
		return r
	}
	heard := func(at int) time.Time { return minute(at).Add(time.Second) }

	for _, c := range []struct {
		name   string
		chunks [][]devices.Report // one Write each
		want   presence
	}{
		{
			"a report is a sign of life",
			[][]devices.Report{{report("fridge-1", 1)}, {report("fridge-1", 2)}},
			presence{LastSeen: heard(2), ObservedAt: minute(2), Announced: "unknown"},
		},
		{
			"a last will is none",
			[][]devices.Report{{report("fridge-1", 1)}, {status(devices.Offline, 5)}},
			presence{LastSeen: heard(1), ObservedAt: minute(5), Announced: "offline"},
		},
		{
			"a device only known from its last will was last heard of then",
			[][]devices.Report{{status(devices.Offline, 5)}},
			presence{LastSeen: heard(5), ObservedAt: minute(5), Announced: "offline"},
		},
		{
			"who reports is not offline any more",
			[][]devices.Report{{status(devices.Offline, 5)}, {report("fridge-1", 6)}},
			presence{LastSeen: heard(6), ObservedAt: minute(6), Announced: "unknown"},
		},
		{
			"who reports is not offline any more, in one batch",
			[][]devices.Report{{status(devices.Online, 4)}, {status(devices.Offline, 5), report("fridge-1", 6)}},
			presence{LastSeen: heard(6), ObservedAt: minute(6), Announced: "unknown"},
		},
		{
			"a report keeps what was announced",
			[][]devices.Report{{status(devices.Online, 4)}, {report("fridge-1", 6)}},
			presence{LastSeen: heard(6), ObservedAt: minute(6), Announced: "online"},
		},
		{
			"faults stay until a report speaks of faults",
			[][]devices.Report{{faults(1, "E21", "E3")}, {report("fridge-1", 2)}},
			presence{LastSeen: heard(2), ObservedAt: minute(2), Announced: "unknown", Faults: []string{"E21", "E3"}},
		},
		{
			"an empty list says that there are none",
			[][]devices.Report{{faults(1, "E21")}, {faults(2)}},
			presence{LastSeen: heard(2), ObservedAt: minute(2), Announced: "unknown"},
		},
		{
			"a late report changes nothing that is newer",
			[][]devices.Report{{report("fridge-1", 5), faults(3, "E3")}, {faults(2, "E2")}},
			presence{LastSeen: heard(5), ObservedAt: minute(5), Announced: "unknown", Faults: []string{"E3"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, "fridge-1")
			for i, reports := range c.chunks {
				f.see(uint64(i+1), reports...)
			}
			var got presence
			err := f.conn.QueryRow(t.Context(), `
				select last_seen at time zone 'UTC', observed_at at time zone 'UTC', announced, nullif(faults, '{}')
				from device_presence where device_id = 'fridge-1'`,
			).Scan(&got.LastSeen, &got.ObservedAt, &got.Announced, &got.Faults)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheLatestValueOfEachMetricIsKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	if latest, err := f.db.Latest(t.Context(), "fridge-1"); err != nil || latest != nil {
		t.Errorf("before the first report: %v, %v", latest, err)
	}
	f.see(1,
		report("fridge-1", 1, "temperature", 4.25, "humidity", 60.0),
		report("fridge-1", 2, "temperature", 1e-300, "door\"open", 1.0), labelled("fridge-1", 3, "mode", `de"frost`))
	f.see(2, report("fridge-1", 1, "door\"open", 0.0)) // late

	latest, err := f.db.Latest(t.Context(), "fridge-1")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]history.Point{
		"temperature": point(2, 1e-300),
		"humidity":    point(1, 60),
		"door\"open":  point(2, 1),
		"mode":        {T: minute(3), Value: devices.Label(`de"frost`)},
	}
	if diff := cmp.Diff(want, latest); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
