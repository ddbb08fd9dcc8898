package rules

import (
	"bytes"
	"testing"
	"time"

	"telltale/devices"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func clockTime(hour, minute int) WallTime { return WallTime(60*hour + minute) }

func TestAWindowGoesByTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	warsaw := zone(t, "Europe/Warsaw")
	for _, c := range []struct {
		name     string
		days     []time.Weekday
		from, to WallTime
		at       string // UTC
		until    string // "": outside
	}{
		{"winter", []time.Weekday{time.Monday}, clockTime(2, 0), clockTime(4, 0), "2026-01-05T01:00:00Z", "2026-01-05T03:00:00Z"},
		{"just before it", []time.Weekday{time.Monday}, clockTime(2, 0), clockTime(4, 0), "2026-01-05T00:59:59Z", ""},
		{"its end is outside", []time.Weekday{time.Monday}, clockTime(2, 0), clockTime(4, 0), "2026-01-05T03:00:00Z", ""},
		{"another day", []time.Weekday{time.Monday}, clockTime(2, 0), clockTime(4, 0), "2026-01-06T02:00:00Z", ""},
		{"summer", []time.Weekday{time.Monday}, clockTime(2, 0), clockTime(4, 0), "2026-07-06T00:00:00Z", "2026-07-06T02:00:00Z"},
		{"over midnight, evening", []time.Weekday{time.Friday}, clockTime(22, 0), clockTime(6, 0), "2026-01-09T22:00:00Z", "2026-01-10T05:00:00Z"},
		{"over midnight, morning", []time.Weekday{time.Friday}, clockTime(22, 0), clockTime(6, 0), "2026-01-10T04:59:00Z", "2026-01-10T05:00:00Z"},
		{"the morning of its own day is not in it", []time.Weekday{time.Friday}, clockTime(22, 0), clockTime(6, 0), "2026-01-09T04:00:00Z", ""},
		{"a whole day", []time.Weekday{time.Sunday}, clockTime(0, 0), clockTime(24, 0), "2026-01-11T22:59:00Z", "2026-01-11T23:00:00Z"},
		{"day and night", []time.Weekday{time.Sunday}, clockTime(8, 0), clockTime(8, 0), "2026-01-12T06:59:00Z", "2026-01-12T07:00:00Z"},

		// On 29 March 2026, 02:00 is followed by 03:00.
		{"beginning in the hour that is skipped", []time.Weekday{time.Sunday}, clockTime(2, 30), clockTime(5, 0), "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"},
		{"before the skip it has not begun", []time.Weekday{time.Sunday}, clockTime(2, 30), clockTime(5, 0), "2026-03-29T00:59:59Z", ""},
		{"ending in the hour that is skipped", []time.Weekday{time.Sunday}, clockTime(1, 0), clockTime(2, 30), "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"},
		{"after the skip it has ended", []time.Weekday{time.Sunday}, clockTime(1, 0), clockTime(2, 30), "2026-03-29T01:00:00Z", ""},
		{"wholly in the hour that is skipped", []time.Weekday{time.Sunday}, clockTime(2, 10), clockTime(2, 50), "2026-03-29T01:00:00Z", ""},
		{"over the skip, an hour less", []time.Weekday{time.Saturday}, clockTime(22, 0), clockTime(6, 0), "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"},

		// On 25 October 2026, 03:00 is followed by 02:00 once.
		{"beginning in the hour that comes twice", []time.Weekday{time.Sunday}, clockTime(2, 30), clockTime(4, 0), "2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z"},
		{"half past two is in it twice", []time.Weekday{time.Sunday}, clockTime(2, 30), clockTime(4, 0), "2026-10-25T01:10:00Z", "2026-10-25T03:00:00Z"},
		{"ending in the hour that comes twice", []time.Weekday{time.Sunday}, clockTime(1, 0), clockTime(2, 30), "2026-10-25T01:29:00Z", "2026-10-25T01:30:00Z"},
		{"wholly in the hour that comes twice", []time.Weekday{time.Sunday}, clockTime(2, 10), clockTime(2, 50), "2026-10-25T01:49:00Z", "2026-10-25T01:50:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := Maintenance{ID: "m", Weekly: &Weekly{Days: c.days, From: c.from, To: c.to, Zone: warsaw}}
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			until, in := m.During(at)
			got := ""
			if in {
				got = until.Format(time.RFC3339)
			}
			if got != c.until {
				t.Errorf("until %q, want %q", got, c.until)
			}
		})
	}
}

// Of a window every instant has the same end, and that end is outside unless
// another begins there.
func TestAWindowHasOneEnd(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "UTC", "America/Havana"} {
		w := &Weekly{Days: []time.Weekday{time.Sunday, time.Saturday}, From: clockTime(23, 15), To: clockTime(3, 0), Zone: zone(t, name)}
		var end time.Time
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(15 * time.Minute) {
			until, in := w.during(at)
			switch {
			case in && at.Before(end) && !until.Equal(end):
				t.Fatalf("%s: at %s until %s, before it %s", name, at, until, end)
			case !in && at.Before(end):
				t.Fatalf("%s: %s is outside of a window until %s", name, at, end)
			case in && (until.Sub(at) > 5*time.Hour || !until.After(at)):
				t.Fatalf("%s: at %s until %s", name, at, until)
			case in:
				end = until
			}
		}
	}
}

func TestMaintenanceCoversByDeviceSiteModelAndCustomer(t *testing.T) {
	t.Parallel()
	d := &devices.Device{ID: fridgeID, Model: "FR-200", Site: "Warsaw", Owners: []devices.Ownership{{Customer: "C-1", From: minute(0), Until: minute(10)}}}
	for _, c := range []struct {
		name string
		m    Maintenance
		want bool
	}{
		{"nothing", Maintenance{}, false},
		{"the device", Maintenance{Devices: []devices.ID{"x", fridgeID}}, true},
		{"another device", Maintenance{Devices: []devices.ID{"x"}}, false},
		{"the site", Maintenance{Sites: []string{"Warsaw"}}, true},
		{"the model", Maintenance{Models: []string{"FR-*"}}, true},
		{"another model", Maintenance{Models: []string{"WM-*"}}, false},
		{"the customer", Maintenance{Customers: []string{"C-1"}}, true},
	} {
		if got := c.m.Covers(d, minute(5)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if (&Maintenance{Customers: []string{"C-1"}}).Covers(d, minute(11)) {
		t.Error("the device was sold")
	}
	if (&Maintenance{Sites: []string{""}}).Covers(&devices.Device{ID: "x"}, minute(0)) {
		t.Error("a device without a site is at none")
	}
}

// maintained returns a story under one maintenance from minute 2 to minute 10.
func maintained(t *testing.T, all ...Rule) *story {
	t.Helper()
	s := newStory(t, all...)
	set := s.engine.Set().WithMaintenance([]Maintenance{
		{ID: "defrost", Title: "Defrosting", Devices: []devices.ID{fridgeID}, From: minute(2), To: minute(10)},
	})
	s.engine = NewEngine(set)
	return s
}

func TestMaintenanceHoldsAlarmsBackAndEndsNone(t *testing.T) {
	t.Parallel()
	s := maintained(t, Rule{ID: "warm", Version: 1, When: "temperature > 8"}, Rule{ID: "wet", When: "humidity > 50"})
	s.report(0, map[string]any{"temperature": 4, "humidity": 60})
	s.report(3, map[string]any{"temperature": 9, "humidity": 40}) // what exists ends as ever
	s.report(9, map[string]any{"temperature": 9})
	s.report(10, map[string]any{"temperature": 9})
	s.want(change{"wet", "raised", 0}, change{"warm", "suppressed", 3}, change{"wet", "cleared", 3},
		change{"warm", "suppressed", 9}, change{"warm", "raised", 10})
	says(t, s.last(Suppressed), "Held back by the maintenance defrost (Defrosting) until 10:10:00 UTC.")
	says(t, s.last(Raised), "Held back from 10:09:00 UTC, by the maintenance defrost (Defrosting) until 10:10:00 UTC.")
	if got := s.engine.Stats().Suppressed; got != 2 {
		t.Errorf("%d suppressed", got)
	}
}

// When the window ends, a device that says nothing has its alarm at once.
func TestASilentDeviceIsAlarmedWhenTheMaintenanceEnds(t *testing.T) {
	t.Parallel()
	s := maintained(t, Rule{ID: "quiet", When: `silent("5m")`})
	s.report(1, map[string]any{"temperature": 4})
	s.tick(7)
	s.engine = restored(t, s.engine, s.engine.Set())
	s.tick(20)
	s.want(change{"quiet", "suppressed", 6}, change{"quiet", "raised", 10})
}

func TestMaintenanceThatIsTakenBackFreesAtOnce(t *testing.T) {
	t.Parallel()
	s := maintained(t, Rule{ID: "quiet", When: `silent("5m")`})
	s.report(1, map[string]any{"temperature": 4})
	s.tick(7)
	s.engine.Use(s.engine.Set().WithMaintenance(nil), minute(7))
	s.tick(8)
	s.want(change{"quiet", "suppressed", 6}, change{"quiet", "raised", 7})
	if !bytes.Equal(s.engine.Snapshot(nil), restored(t, s.engine, s.engine.Set()).Snapshot(nil)) {
		t.Error("the snapshot is not the state")
	}
}
