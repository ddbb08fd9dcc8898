package rules

import (
	"slices"
	"time"

	"telltale/devices"
)

// Maintenance is planned work during which no alarms are raised on the devices
// it covers: once, or weekly.
type Maintenance struct {
	ID    string
	Title string

	// What it covers: a device that is named, or whose site, model or customer
	// is.
	Devices   []devices.ID
	Sites     []string
	Customers []string
	Models    []string // shell patterns on the model id

	// When it is: From <= time < To, and within the weekly window if there is
	// one. Then From and To may be zero, which leaves that side open.
	Weekly *Weekly
	From   time.Time
	To     time.Time
}

// Weekly is a window of time on days of the week, by the clock on the wall.
type Weekly struct {
	Days []time.Weekday // on which it begins
	From WallTime
	To   WallTime // not after From: of the next day
	Zone *time.Location
}

// WallTime is a time of day in minutes after midnight, up to 24:00.
type WallTime int

// During returns whether a time lies in the window, and the window's end then.
// It depends on nothing but the two.
func (m *Maintenance) During(at time.Time) (end time.Time, in bool) {
	if at.Before(m.From) || !m.To.IsZero() && !at.Before(m.To) {
		return time.Time{}, false
	}
	if m.Weekly == nil {
		return m.To, true
	}
	end, in = m.Weekly.during(at)
	if in && !m.To.IsZero() && m.To.Before(end) {
		end = m.To
	}
	return end, in
}

// during looks at the windows that begin on the day of a time and on the day
// before. A window begins when the clock first shows its beginning and ends
// when it last shows its end: on the night the clock is set back, it is the
// longer of the two. A time that the clock skips is the instant of the skip.
func (w *Weekly) during(at time.Time) (end time.Time, in bool) {
	year, month, day := at.In(w.Zone).Date()
	for _, back := range []int{0, 1} {
		first := time.Date(year, month, day-back, 0, 0, 0, 0, time.UTC)
		if !slices.Contains(w.Days, first.Weekday()) {
			continue
		}
		last := first
		if w.To <= w.From {
			last = first.AddDate(0, 0, 1)
		}
		from, _ := onTheWall(first.Add(time.Duration(w.From)*time.Minute), w.Zone)
		_, to := onTheWall(last.Add(time.Duration(w.To)*time.Minute), w.Zone)
		if !at.Before(from) && at.Before(to) {
			return to.UTC(), true
		}
	}
	return time.Time{}, false
}

// onTheWall returns the first and the last instant at which the clock in a
// zone shows what a UTC time shows. They differ in the hour that comes twice.
// In the hour that never comes, both are the instant at which it is skipped.
func onTheWall(shown time.Time, zone *time.Location) (first, last time.Time) {
	_, before := shown.Add(-24 * time.Hour).In(zone).Zone()
	_, after := shown.Add(24 * time.Hour).In(zone).Zone()
	byBefore := shown.Add(-time.Duration(before) * time.Second).In(zone)
	byAfter := shown.Add(-time.Duration(after) * time.Second).In(zone)
	_, isBefore := byBefore.Zone()
	_, isAfter := byAfter.Zone()
	switch {
	case isBefore == before && isAfter == after:
		return byBefore, byAfter
	case isBefore == before:
		return byBefore, byBefore
	case isAfter == after:
		return byAfter, byAfter
	default: // skipped: by the offset after it, the time is still before the skip
		_, skip := byAfter.ZoneBounds()
		return skip, skip
	}
}

// Covers reports whether the maintenance is about a device, as things are at a
// time: customers come and go.
func (m *Maintenance) Covers(d *devices.Device, at time.Time) bool {
	if slices.Contains(m.Devices, d.ID) || d.Site != "" && slices.Contains(m.Sites, d.Site) {
		return true
	}
	if len(m.Models) > 0 && (Selector{Models: m.Models}).matches(d.Model) {
		return true
	}
	if len(m.Customers) == 0 {
		return false
	}
	owner, ok := d.OwnerAt(at)
	return ok && slices.Contains(m.Customers, owner)
}

// WithMaintenance returns the same rules under planned work.
func (s *Set) WithMaintenance(all []Maintenance) *Set {
	under := *s
	under.maintenance, under.planned = all, signPlanned(all)
	return &under
}

// Maintenance returns the planned work. Callers must not change it.
func (s *Set) Maintenance() []Maintenance { return s.maintenance }

// maintained finds the maintenance of a device that is under way at an event
// time; of several, the one that lasts longest.
func (s *Set) maintained(id devices.ID, now int64) (holder, bool) {
	if len(s.maintenance) == 0 {
		return holder{}, false
	}
	d, ok := s.directory.Device(id)
	if !ok {
		return holder{}, false
	}
	at, found := timeOf(now), holder{}
	for i := range s.maintenance {
		m := &s.maintenance[i]
		end, in := m.During(at)
		until, believable := nanos(end)
		if !in || !believable || until <= found.until || !m.Covers(d, at) {
			continue
		}
		found = holder{by: m.ID, why: "by the maintenance " + m.name() + " until " + formatTime(until, now), from: now, until: until}
	}
	return found, found.until > 0
}

func (m *Maintenance) name() string {
	if m.Title == "" || m.Title == m.ID {
		return m.ID
	}
	return m.ID + " (" + m.Title + ")"
}
