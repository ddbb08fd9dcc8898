package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
	"telltale/internal/views"
)

// newListed is a fixture whose devices can be listed.
func newListed(t *testing.T, ids ...devices.ID) *fixture {
	t.Helper()
	f := newFixture(t, ids...)
	f.exec(`update devices set spec = jsonb_build_object('id', id, 'model', model)`)
	return f
}

// TestListsAndPagesAgreeOnPresence compares what is counted and filtered in
// the database with the domain's own decision, for any times.
func TestListsAndPagesAgreeOnPresence(t *testing.T) {
	t.Parallel()
	f := newListed(t, "fridge-1")
	if _, err := f.conn.Exec(t.Context(), `insert into device_presence (device_id, last_seen, observed_at) values ('fridge-1', now(), now())`); err != nil {
		t.Fatal(err)
	}
	optional := func(rt *rapid.T, name string) *time.Time {
		at := minute(rapid.IntRange(-1, 200).Draw(rt, name))
		if at.Before(minute(0)) {
			return nil
		}
		return &at
	}
	rapid.Check(t, func(rt *rapid.T) {
		for _, sql := range []struct {
			text string
			args []any
		}{
			{`update models set spec = spec || jsonb_build_object('stale_after', $1::text, 'offline_after', $2::text)`, []any{
				rapid.SampledFrom([]string{"", "3m", "1h30m", "90s", "2d"}).Draw(rt, "stale"),
				rapid.SampledFrom([]string{"", "10m", "1h45m", "500ms", "3d12h"}).Draw(rt, "offline"),
			}},
			{`update device_presence set last_seen = $1, announced = $2, announced_at = $3`, []any{
				minute(rapid.IntRange(0, 200).Draw(rt, "seen")),
				rapid.SampledFrom([]string{"online", "offline", "unknown"}).Draw(rt, "announced"), optional(rt, "said"),
			}},
			{`delete from listening`, nil},
		} {
			if _, err := f.conn.Exec(t.Context(), sql.text, sql.args...); err != nil {
				rt.Fatal(err)
			}
		}
		if since, until := optional(rt, "since"), optional(rt, "until"); since != nil && until != nil {
			if _, err := f.conn.Exec(t.Context(), `insert into listening (since, until) values ($1, $2)`, since, until); err != nil {
				rt.Fatal(err)
			}
		}
		now := minute(rapid.IntRange(0, 4000).Draw(rt, "now"))
		row, err := f.db.DeviceRow(t.Context(), "fridge-1", now)
		if err != nil {
			rt.Fatal(err)
		}
		state := row.Presence(now)
		list, err := f.db.DeviceRows(t.Context(), views.DeviceQuery{Presence: state.String()}, now)
		if err != nil {
			rt.Fatal(err)
		}
		fleet, err := f.db.Fleet(t.Context(), now)
		if err != nil {
			rt.Fatal(err)
		}
		want := map[devices.Presence]int64{state: 1}
		got := map[devices.Presence]int64{}
		for p, n := range map[devices.Presence]int64{
			devices.Online: fleet.Online, devices.Late: fleet.Late, devices.Offline: fleet.Offline, devices.PresenceUnknown: fleet.Unknown,
		} {
			if n > 0 {
				got[p] = n
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(list.Rows) != 1 {
			rt.Errorf("page says %s, list has %d, counts (-want +got):\n%s", state, len(list.Rows), diff)
		}
	})
}

func TestABreakInListeningIsRemembered(t *testing.T) {
	t.Parallel()
	f := newListed(t, "fridge-1")
	note := func(at time.Time) {
		t.Helper()
		if err := f.db.KeepListening(t.Context(), at, 30*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name         string
		at           time.Time
		since, until time.Time
	}{
		{"the first", minute(0), minute(0), minute(0)},
		{"without a break", minute(0).Add(25 * time.Second), minute(0), minute(0).Add(25 * time.Second)},
		{"another node is behind", minute(0).Add(20 * time.Second), minute(0), minute(0).Add(25 * time.Second)},
		{"a short restart", minute(0).Add(55 * time.Second), minute(0), minute(0).Add(55 * time.Second)},
		{"after a break", minute(10), minute(10), minute(10)},
	} {
		note(step.at)
		row, err := f.db.DeviceRow(t.Context(), "fridge-1", minute(20))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(devices.Listening{Since: step.since, Until: step.until}, row.Listening); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

// timed is a report received at a minute, whose clock is off.
func timed(device devices.ID, at int, behind, corrected time.Duration) devices.Report {
	r := devices.Report{Device: device, ReceivedAt: minute(at), ObservedAt: minute(at).Add(-behind + corrected)}
	if corrected != 0 {
		r.DeviceTime = minute(at).Add(-behind)
	}
	return r
}

func TestClocksAreMeasured(t *testing.T) {
	t.Parallel()
	f := newListed(t, "fridge-1", "fridge-2", "fridge-3", "fridge-4")
	undated := devices.Report{Device: "fridge-3", ReceivedAt: minute(1), ObservedAt: minute(1)}
	f.see(1, // one message with two reports, the newest of which counts
		timed("fridge-1", 1, time.Hour, 0), timed("fridge-1", 1, 3*time.Minute, 0), timed("fridge-2", 1, time.Second, 0), undated)
	f.see(2, timed("fridge-1", 2, 2*time.Minute, 0), timed("fridge-1", 3, 2*time.Minute+time.Second, 0))
	f.presence = nil // another node goes on with what is stored
	f.see(3, timed("fridge-1", 4, 2*time.Minute, 0))
	f.see(4, timed("fridge-1", 70, 10*time.Minute, 9*time.Minute))
	for i := range 10 { // what was stored for twelve hours, an hour in each message
		f.see(uint64(5+i), timed("fridge-4", 60+i, 12*time.Hour-time.Duration(i)*time.Hour, 0))
	}

	drifts, err := f.db.Drifts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[devices.ID]devices.Drift{
		"fridge-1": {
			Window: minute(70), Low: 10 * time.Minute, Before: 2 * time.Minute, Since: minute(1), Count: 5,
			Anchor: 2 * time.Minute, Agreed: 3, AgreedSince: minute(2), Steady: true, Applied: 9 * time.Minute,
		},
		"fridge-2": {
			Window: minute(1), Low: time.Second, Before: time.Second, Since: minute(1), Count: 1,
			Anchor: time.Second, Agreed: 1, AgreedSince: minute(1),
		},
		"fridge-4": {
			Window: minute(60), Low: 3 * time.Hour, Before: 12 * time.Hour, Since: minute(60), Count: 10,
			Anchor: 3 * time.Hour, Agreed: 1, AgreedSince: minute(69),
		},
	}
	if diff := cmp.Diff(want, drifts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	list, err := f.db.DeviceRows(t.Context(), views.DeviceQuery{ClockOff: views.ClockOff}, minute(80))
	if err != nil || len(list.Rows) != 1 || list.Rows[0].ID != "fridge-1" {
		t.Errorf("clocks off: %v, %v", list.Rows, err)
	} else if diff := cmp.Diff(devices.ClockOffset{MeasuredAt: minute(70), Behind: 2 * time.Minute, Applied: 9 * time.Minute}, list.Rows[0].Clock); diff != "" {
		t.Errorf("its clock (-want +got):\n%s", diff)
	}
	fleet, err := f.db.Fleet(t.Context(), minute(80))
	if err != nil || fleet.ClockOff != 1 {
		t.Errorf("counted %d, %v, want one clock that is off", fleet.ClockOff, err)
	}
	counts, sum, err := f.db.ClockOffsets(t.Context(), []float64{5, 60, 600})
	if diff := cmp.Diff([]uint64{2, 0, 1, 0}, counts); diff != "" || sum != 120 || err != nil {
		t.Errorf("sum %v, %v, counts (-want +got):\n%s", sum, err, diff)
	}
}

func TestAReplayedStatusIsOld(t *testing.T) {
	t.Parallel()
	f := newListed(t, "fridge-1")
	gone := devices.Report{Device: "fridge-1", ReceivedAt: minute(3), ObservedAt: minute(3), Presence: devices.Offline}
	f.see(1, report("fridge-1", 5))
	f.see(2, gone) // received before, replayed after
	row, err := f.db.DeviceRow(t.Context(), "fridge-1", minute(6))
	if err != nil {
		t.Fatal(err)
	}
	if row.Announced == devices.Offline || !row.LastSeen.After(minute(5)) {
		t.Errorf("announced %s, last seen %s", row.Announced, row.LastSeen)
	}
}
