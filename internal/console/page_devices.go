package console

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"telltale/devices"
	"telltale/internal/views"
)

// deviceLine is a row with its values as they are read.
type deviceLine struct {
	views.DeviceRow
	Presence devices.Presence
	Since    time.Time // of late and offline
	Values   []namedValue
	Seen     struct{ LastSeen time.Time }
}

type devicesContents struct {
	*chrome
	Total, Models int64
	Tabs          []tab
	Query         views.DeviceQuery
	State         string
	ModelIDs      []string
	Rows          []deviceLine
	Pager         pager
	Empty         empty
}

func (s *Server) devicesPage(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	c, _, err := s.frame(r, "Devices", "devices")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	get := r.URL.Query().Get
	page := devicesContents{chrome: c, State: get("state"), Query: views.DeviceQuery{
		Text: get("q"), Model: get("model"), After: get("after"),
	}}
	page.selectState()
	models, err := s.deps.Pages.Models(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	fleet, err := s.deps.Pages.Fleet(ctx, c.Now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list, err := s.deps.Pages.DeviceRows(ctx, page.Query, c.Now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Total, page.Models = fleet.Declared(), int64(len(models))
	page.ModelIDs = slices.Sorted(maps.Keys(models))
	unclaimed, err := s.deps.Quarantine.CountUnclaimed(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Tabs = page.tabs(fleet, unclaimed)
	for _, row := range list.Rows {
		page.Rows = append(page.Rows, deviceLineOf(row, models[row.Model], c.Now))
	}
	page.Pager = pagerOf(r, list.Next)
	page.Empty = empty{Title: "No device fits", Text: "Take a filter away, or declare the device with telltale apply."}
	if fleet.Declared() == 0 {
		page.Empty = empty{Title: "No devices yet", Text: "Declare models and devices in a file and run telltale apply -f FILE."}
	}
	s.show(w, "devices", page)
}

// selectState narrows the list to what its tab names.
func (page *devicesContents) selectState() {
	switch page.State {
	case "alarm":
		page.Query.Alarmed = true
	case "online", "late", "offline", "unknown":
		page.Query.Presence = page.State
	case "clock":
		page.Query.ClockOff = views.ClockOff
	default:
		page.State = ""
	}
}

// tabs are the stretches of the list, those that are empty left out.
func (page *devicesContents) tabs(fleet views.Fleet, unclaimed int64) []tab {
	tabs := []tab{
		{Name: "All", Href: "/devices", Current: page.State == "", Count: fleet.Declared()},
		{Name: "With an alarm", Href: "/devices?state=alarm", Current: page.State == "alarm"},
	}
	for _, t := range []struct {
		name, state string
		count       int64
	}{
		{"Online", "online", fleet.Online}, {"Late", "late", fleet.Late}, {"Offline", "offline", fleet.Offline},
		{"Never heard", "unknown", fleet.Unknown}, {"Clock off", "clock", fleet.ClockOff},
	} {
		if t.count > 0 || page.State == t.state {
			tabs = append(tabs, tab{Name: t.name, Href: "/devices?state=" + t.state, Current: page.State == t.state, Count: t.count})
		}
	}
	if unclaimed > 0 {
		tabs = append(tabs, tab{Name: "Unclaimed", Href: "/devices/unclaimed", Count: unclaimed})
	}
	return tabs
}

// shownValues is how many latest values a row of the list has room for.
const shownValues = 4

func deviceLineOf(row views.DeviceRow, model *devices.Model, now time.Time) deviceLine {
	line := deviceLine{DeviceRow: row, Values: namedValues(row.Values, model)}
	line.Presence, line.Since = row.PresenceSince(now)
	line.Seen.LastSeen = row.LastSeen
	line.Values = line.Values[:min(len(line.Values), shownValues)]
	return line
}
