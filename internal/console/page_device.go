package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/internal/views"
	"telltale/tickets"
)

// timeRange is how far back a device's charts go.
type timeRange struct {
	Key  string
	Name string
	Back time.Duration
}

func timeRanges() []timeRange {
	return []timeRange{
		{"1h", "1 hour", time.Hour}, {"6h", "6 hours", 6 * time.Hour},
		{"24h", "24 hours", 24 * time.Hour}, {"7d", "7 days", 7 * 24 * time.Hour},
	}
}

// defaultRange is what a page shows that was not asked for another.
const defaultRange = 1

func rangeOf(key string) timeRange {
	for _, r := range timeRanges() {
		if r.Key == key {
			return r
		}
	}
	return timeRanges()[defaultRange]
}

// metricChart is one metric of a device with its chart.
type metricChart struct {
	Name, Now string
	Chart     *chart // nil: the metric is of words
}

// faultLine is a fault code of the model, and whether it is present.
type faultLine struct {
	devices.FaultCode
	Present bool
}

type deviceContents struct {
	*chrome
	Device             *devices.Device
	Presence           devices.Presence
	Since              time.Time // of late and offline
	Clock              string    // how far it is off, as a sentence; "" when it says no time
	ClockOff           bool
	Seen               struct{ LastSeen time.Time }
	OwnerID, OwnerName string
	Ranges             []tab
	Metrics            []metricChart
	Alarms             []views.AlarmRow
	Held               []heldLine
	Tickets            []ticketLine
	Owners             []views.OwnerSpan
	Faults             []faultLine
	LoggerAlarms       []views.LoggerAlarm
	MoreLoggerAlarms   int

	NoMetrics, NoAlarms, NoTickets, NoOwners, NoFaults empty
}

func (s *Server) devicePage(w http.ResponseWriter, r *http.Request) {
	row, err := s.deps.Pages.DeviceRow(r.Context(), r.PathValue("id"), s.now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c, _, err := s.frame(r, string(row.ID), "devices")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := deviceContents{
		chrome: c, Device: &row.Device, Clock: clockSentence(row.Clock), ClockOff: row.Clock.Behind.Abs() > views.ClockOff,
		OwnerID: row.Customer, OwnerName: cmp.Or(row.CustomerName, row.Customer),
		NoMetrics: empty{Title: "No readings yet", Text: awaited(row.ID)},
		NoAlarms:  empty{Title: "No alarms", Text: "No rule has raised an alarm on this device.", Slim: true},
		NoTickets: empty{Title: "No tickets", Text: "Nothing has needed work here.", Slim: true},
		NoOwners:  empty{Title: "No owner", Text: "Declare who owns the device, or its tickets go to nobody.", Slim: true},
		NoFaults:  empty{Title: "No fault codes", Text: "The model declares none.", Slim: true},
	}
	page.Seen.LastSeen = row.LastSeen
	page.Presence, page.Since = row.PresenceSince(c.Now)
	chosen := rangeOf(r.URL.Query().Get("range"))
	for _, choice := range timeRanges() {
		page.Ranges = append(page.Ranges, tab{
			Name: choice.Name, Href: "?range=" + choice.Key, Current: choice.Key == chosen.Key,
		})
	}
	if err := s.fillDevice(r, &page, row, chosen); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, "device", page)
}

// clockSentence says how far a device's clock is off; "" when it says no time.
func clockSentence(c devices.ClockOffset) string {
	if c.MeasuredAt.IsZero() {
		return ""
	}
	text := "Clock right"
	switch {
	case c.Behind >= time.Second:
		text = "Clock " + span(c.Behind) + " behind"
	case c.Behind <= -time.Second:
		text = "Clock " + span(-c.Behind) + " ahead"
	}
	if c.Applied != 0 {
		text += ", its times are corrected"
	}
	return text
}

// awaited says where a device that was never heard is expected.
func awaited(id devices.ID) string {
	if strings.Contains(string(id), "/") {
		return "The device is known by its Sparkplug edge node; values appear here as they arrive."
	}
	return fmt.Sprintf("The device publishes to telltale/%s/telemetry; values appear here as they arrive.", id)
}

// shownLoggerAlarms is how many alarms of a logger its page shows; the API has
// all.
const shownLoggerAlarms = 10

// fillDevice reads what belongs to a device.
func (s *Server) fillDevice(r *http.Request, page *deviceContents, row views.DeviceRow, chosen timeRange) error {
	ctx, id := r.Context(), string(row.ID)
	models, err := s.deps.Pages.Models(ctx)
	if err != nil {
		return err
	}
	model := models[row.Model]
	if page.Metrics, err = s.metricFigures(ctx, page.viewer, row, model, chosen); err != nil {
		return err
	}
	if page.Alarms, err = s.deps.Pages.AlarmRows(ctx, views.AlarmQuery{Device: id, Limit: 8}); err != nil {
		return err
	}
	if page.Held, err = s.heldLines(ctx, tickets.HeldQuery{Device: id}); err != nil {
		return err
	}
	list, err := s.deps.Pages.TicketRows(ctx, views.TicketQuery{Device: id, Limit: 8})
	if err != nil {
		return err
	}
	page.Tickets = ticketLines(list.Rows)
	all := 0
	if page.LoggerAlarms, all, err = s.deps.LoggerAlarms.LoggerAlarms(ctx, row.ID, shownLoggerAlarms); err != nil {
		return err
	}
	page.MoreLoggerAlarms = all - len(page.LoggerAlarms)
	if page.Owners, err = s.deps.Pages.OwnerSpans(ctx, id); err != nil {
		return err
	}
	if model == nil {
		return nil
	}
	for _, code := range slices.Sorted(maps.Keys(model.Faults)) {
		page.Faults = append(page.Faults, faultLine{model.Faults[code], contains(row.Faults, code)})
	}
	return nil
}

// metricFigures builds the chart of each metric that the model declares, the
// continuous ones first; one of words has its latest alone.
func (s *Server) metricFigures(ctx context.Context, v viewer, row views.DeviceRow, model *devices.Model, chosen timeRange) ([]metricChart, error) {
	if model == nil || row.LastSeen.IsZero() {
		return nil, nil
	}
	declared, err := s.deps.Declarations.LoadRules(ctx)
	if err != nil {
		return nil, err
	}
	var figures []metricChart
	var figure *chart
	for _, m := range chartOrder(model) {
		now := "–"
		if value, ok := row.Values[m.Name]; ok {
			now = quantity(value, m)
		}
		if m.Unit == "text" { // words cannot be drawn, and are in no history
			figures = append(figures, metricChart{Name: title(metricName(m)), Now: now})
			continue
		}
		if figure == nil || figure.drawn() { // after the first that is not, nobody waits for each of the others
			figure, err = s.metricFigure(ctx, v, row, model, m, chosen, declared)
			if figure, err = s.orNote(title(metricName(m)), figure, err); err != nil {
				return nil, err
			}
		}
		figures = append(figures, metricChart{Name: title(metricName(m)), Now: now, Chart: figure})
	}
	return figures, nil
}

// chartOrder lists a model's metrics as people look for them.
func chartOrder(model *devices.Model) []devices.Metric {
	return slices.SortedFunc(maps.Values(model.Metrics), compareMetrics)
}

// compareMetrics puts temperatures first, since they are what most people
// came for, the plain one before all others, then switches, and words last.
func compareMetrics(a, b devices.Metric) int {
	rank := func(m devices.Metric) int {
		switch {
		case m.Name == "temperature":
			return 0
		case m.Unit == "Cel":
			return 1
		case m.Unit == "text":
			return 4
		case m.Unit == "bool":
			return 3
		default:
			return 2
		}
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name))
}
