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
		Text: get("q"), Model: get("model"), Alarmed: get("state") == "alarm", After: get("after"),
	}}
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
	page.Tabs = []tab{
		{Name: "All", Href: "/devices", Current: !page.Query.Alarmed, Count: fleet.Declared()},
		{Name: "With an alarm", Href: "/devices?state=alarm", Current: page.Query.Alarmed},
	}
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

// shownValues is how many latest values a row of the list has room for.
const shownValues = 4

func deviceLineOf(row views.DeviceRow, model *devices.Model, now time.Time) deviceLine {
	line := deviceLine{DeviceRow: row, Presence: row.Summary.Presence(now), Values: namedValues(row.Values, model)}
	line.Seen.LastSeen = row.LastSeen
	line.Values = line.Values[:min(len(line.Values), shownValues)]
	return line
}
