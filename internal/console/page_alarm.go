package console

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"telltale/devices"
	"telltale/internal/access"
	"telltale/internal/views"
	"telltale/rules"
	"telltale/tickets"
)

type alarmContents struct {
	*chrome
	Alarm  *tickets.Alarm
	Title  string
	Chart  *chart
	Values []namedValue

	Account views.AlarmAccount
	Limit   string // that a value is expected to pass; "": none

	MayAcknowledge bool
	Shelved        bool
	MayShelve      bool
	ShelfSpans     []shelfSpan
}

// namedValue is one value as it is read.
type namedValue struct{ Name, Text string }

// namedValues prints values with the units of their model: temperatures
// first, then other quantities, then switches, each by name.
func namedValues(values map[string]devices.Value, model *devices.Model) []namedValue {
	metrics := make([]devices.Metric, 0, len(values))
	for name := range values {
		metrics = append(metrics, metricOf(model, name))
	}
	slices.SortFunc(metrics, compareMetrics)
	out := make([]namedValue, len(metrics))
	for i, m := range metrics {
		out[i] = namedValue{metricName(m), quantity(values[m.Name], m)}
	}
	return out
}

// computedValues prints what functions came to, with their units.
func computedValues(computed []rules.Computed) []namedValue {
	out := make([]namedValue, len(computed))
	for i, c := range computed {
		out[i] = namedValue{c.Call, "not known then"}
		if c.Value != nil {
			out[i].Text = measured(*c.Value, c.Unit)
		}
	}
	return out
}

// measured prints a number in a unit, and seconds as people say them.
func measured(v float64, unit string) string {
	if unit == "s" {
		return span(time.Duration(v * float64(time.Second)))
	}
	return quantity(devices.Number(v), devices.Metric{Unit: unit})
}

// metricOf returns what the model says of a metric; a metric it does not know
// has a name and no unit.
func metricOf(model *devices.Model, name string) devices.Metric {
	if model != nil {
		if m, ok := model.Metrics[name]; ok {
			return m
		}
	}
	return devices.Metric{Name: name}
}

func (s *Server) alarmPage(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	alarm, err := s.deps.Alarms.Alarm(ctx, r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c, _, err := s.frame(r, "Alarm", "tickets")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := alarmContents{chrome: c, Alarm: alarm, MayAcknowledge: c.Person.Can(access.HandleAlarms)}
	page.Shelved = alarm.Shelved(s.now())
	page.MayShelve = page.MayAcknowledge && alarm.Active()
	page.ShelfSpans = shelfSpans()
	rule, model, err := s.behind(ctx, alarm)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if page.Account, err = s.deps.Alarms.AlarmAccount(ctx, alarm.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	if l := alarm.Evidence.Outlook; l != nil {
		page.Limit = fmt.Sprintf("%s of %s", measured(l.Limit, l.Unit), words(l.Metric))
	}
	page.chrome.Title = alarm.Key.Rule
	if rule != nil {
		page.chrome.Title = cmp.Or(rule.Title, rule.ID)
	}
	page.Title = page.chrome.Title
	page.Values = namedValues(alarm.Values, model)
	figure, err := s.alarmFigure(ctx, c.viewer, alarm)
	if page.Chart, err = s.orNote("Readings around the fault", figure, err); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, "alarm", page)
}
