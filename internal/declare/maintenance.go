package declare

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// weekdays are the words for days, from Monday on.
func weekdays() []string {
	return []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
}

func readMaintenance(f *fields) any {
	m := &rules.Maintenance{
		ID: f.mustID("id"), Title: f.text("title"),
		Sites: f.texts("sites"), Customers: f.ids("customers"), Models: f.texts("models"),
		From: f.time("from"), To: f.time("to"),
	}
	if m.Title == "" {
		m.Title = m.ID
	}
	for _, item := range f.list("devices") {
		if id := item.deviceID(); id != "" {
			m.Devices = append(m.Devices, id)
		}
	}
	for _, pattern := range m.Models {
		if _, err := path.Match(pattern, ""); err != nil {
			f.values["models"].failf("%q is not a pattern (write FR-* or FR-200)", pattern)
		}
	}
	if len(m.Devices)+len(m.Sites)+len(m.Customers)+len(m.Models) == 0 {
		f.failf("covers nothing: name devices, sites, customers or models")
	}
	v, weekly := f.has("weekly")
	if weekly {
		m.Weekly = readWeekly(v)
	} else {
		f.must("from")
		f.must("to")
	}
	if !m.From.IsZero() && !m.To.IsZero() && !m.To.After(m.From) {
		f.values["to"].failf("must be after from (%s)", m.From.Format(time.RFC3339))
	}
	return m
}

// ids reads a list of different ids.
func (f *fields) ids(key string) []string {
	var all []string
	for _, item := range f.list(key) {
		if id := item.identifier(); id != "" && slices.Contains(all, id) {
			item.failf("%q is there twice", id)
		} else if id != "" {
			all = append(all, id)
		}
	}
	return all
}

func readWeekly(v value) *rules.Weekly {
	f := v.fields()
	w := &rules.Weekly{Zone: time.UTC}
	for _, item := range f.list("days") {
		day := slices.Index(weekdays(), item.oneOf(weekdays()...))
		if day >= 0 {
			w.Days = append(w.Days, time.Weekday((day+1)%7))
		}
	}
	if len(w.Days) == 0 {
		if _, ok := f.must("days"); ok && len(f.list("days")) == 0 {
			f.values["days"].failf("names no day")
		}
	}
	slices.SortFunc(w.Days, func(a, b time.Weekday) int { return int(a+6)%7 - int(b+6)%7 })
	w.Days = slices.Compact(w.Days)
	w.From, w.To = f.wallTime("from"), f.wallTime("to")
	if w.From == 24*60 {
		f.values["from"].failf("24:00 is the end of a day, not its beginning")
	}
	if zone, ok := f.has("timezone"); ok {
		if name := zone.timezone(); name != "" {
			w.Zone, _ = time.LoadLocation(name) // timezone has tried it
		}
	}
	f.done()
	return w
}

// wallTime reads a time of day such as 02:30, up to 24:00.
func (f *fields) wallTime(key string) rules.WallTime {
	v, ok := f.must(key)
	if !ok {
		return 0
	}
	text, ok := v.text()
	if !ok {
		return 0
	}
	hours, minutes, found := strings.Cut(text, ":")
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	at := 60*h + m
	if !found || errH != nil || errM != nil || len(hours) != 2 || len(minutes) != 2 || m > 59 || at > 24*60 {
		v.failf("%q is not a time of day (write 02:30)", text)
		return 0
	}
	return rules.WallTime(at)
}

type maintenanceSpec struct {
	ID        string       `json:"id"`
	Title     string       `json:"title"`
	Devices   []devices.ID `json:"devices,omitempty"`
	Sites     []string     `json:"sites,omitempty"`
	Customers []string     `json:"customers,omitempty"`
	Models    []string     `json:"models,omitempty"`
	Weekly    *weeklySpec  `json:"weekly,omitempty"`
	From      time.Time    `json:"from,omitzero"`
	To        time.Time    `json:"to,omitzero"`
}

type weeklySpec struct {
	Days     []string `json:"days"`
	From     string   `json:"from"`
	To       string   `json:"to"`
	Timezone string   `json:"timezone"`
}

func encodeMaintenance(m *rules.Maintenance) maintenanceSpec {
	spec := maintenanceSpec{
		ID: m.ID, Title: m.Title, Devices: m.Devices, Sites: m.Sites, Customers: m.Customers, Models: m.Models,
		From: m.From, To: m.To,
	}
	if w := m.Weekly; w != nil {
		spec.Weekly = &weeklySpec{From: wallText(w.From), To: wallText(w.To), Timezone: w.Zone.String()}
		for _, day := range w.Days {
			spec.Weekly.Days = append(spec.Weekly.Days, weekdays()[(day+6)%7])
		}
	}
	return spec
}

func wallText(t rules.WallTime) string { return fmt.Sprintf("%02d:%02d", t/60, t%60) }
