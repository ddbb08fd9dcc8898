package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/views"
	"telltale/rules"
	"telltale/tickets"
)

// metricFigure builds the chart of one metric of a device, with the limits
// that live rules set for it.
func (s *Server) metricFigure(ctx context.Context, v viewer, row views.DeviceRow, model *devices.Model, m devices.Metric, chosen timeRange, declared []rules.Rule) (*chart, error) {
	from, to := v.Now.Add(-chosen.Back), v.Now
	figure, err := s.figure(ctx, v, row.ID, model, m, from, to)
	if err != nil {
		return nil, err
	}
	figure.Source = fmt.Sprintf("/charts/device/%s?metric=%s&range=%s", url.PathEscape(string(row.ID)), url.QueryEscape(m.Name), chosen.Key)
	figure.Short, figure.Every = true, true
	for i := range declared {
		rule := &declared[i]
		if rule.Mode == rules.Live && rule.AppliesTo.Selects(row.Model, row.Tags) {
			figure.limit(limitsOf(rule.When, m.Name), m, rule.ID)
		}
	}
	return figure, nil
}

// limit adds lines to the chart, each named once.
func (c *chart) limit(values []float64, m devices.Metric, name string) {
	for _, value := range values {
		known := slices.ContainsFunc(c.data.Limits, func(l chartLimit) bool { return l.Value == value })
		if !known && m.Unit != "bool" {
			c.data.Limits = append(c.data.Limits, chartLimit{value, name + " " + quantity(devices.Number(value), m)})
			c.Limited = true
		}
	}
}

// figure reads one metric of a device over a time and says what it shows.
func (s *Server) figure(ctx context.Context, v viewer, id devices.ID, model *devices.Model, m devices.Metric, from, to time.Time) (*chart, error) {
	step := stepFor(to.Sub(from), model.ReportEvery, maxPoints)
	buckets, err := s.drawable(ctx, history.Query{Device: id, Metric: m.Name, From: from, To: to, Step: step})
	if err != nil {
		return nil, err
	}
	print := func(f float64) string { return quantity(devices.Number(f), m) }
	if m.Unit == "bool" {
		print = func(f float64) string { return fmt.Sprintf("%.0f%s%%", f*100, thin) }
	}
	figure := &chart{Title: title(metricName(m)), Table: v.table(buckets, print)}
	figure.Summary = v.summary(metricName(m), from, to, buckets, print)
	if m.Unit == "bool" {
		figure.Summary = onSummary(v, metricName(m), from, to, buckets)
	}
	figure.data = chartData{
		Unit: devices.UnitSymbol(m.Unit), Switch: m.Unit == "bool", From: unix(from), To: unix(to),
		Series: []chartSeries{lineOf(metricName(m), buckets, step, gapFor(step, model.StaleAfter))},
	}
	return figure, nil
}

// drawTime is how long a page waits for the readings of a chart.
const drawTime = 5 * time.Second

// drawable reads what a chart shows. Who looks at a page came for more than
// its charts, so a store that takes long counts as one that is away.
func (s *Server) drawable(ctx context.Context, q history.Query) ([]history.Bucket, error) {
	limited, cancel := context.WithTimeout(ctx, drawTime)
	defer cancel()
	buckets, err := s.deps.History.Range(limited, q)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w within %s: %w", history.ErrAway, drawTime, err)
	}
	return buckets, err
}

// orNote puts a note in the place of a chart whose readings cannot be had now,
// so that the rest of a page does without.
func (s *Server) orNote(title string, figure *chart, err error) (*chart, error) {
	if !errors.Is(err, history.ErrAway) {
		return figure, err
	}
	s.log.Warn("chart left out", zap.Error(err))
	return &chart{Title: title, Summary: "The store of readings does not answer, so nothing is drawn. The readings are safe; load the page again later."}, nil
}

// onSummary says how often a switch was on.
func onSummary(v viewer, name string, from, to time.Time, buckets []history.Bucket) string {
	var on float64
	var n int64
	for _, b := range buckets {
		on += b.Avg * float64(b.N)
		n += b.N
	}
	when := v.during(from, to)
	if n == 0 {
		return fmt.Sprintf("%s, %s: no readings.", title(name), when)
	}
	return fmt.Sprintf("%s, %s: yes in %.0f%s%% of %s.", title(name), when, on/float64(n)*100, thin, plural(n, "reading"))
}

// behind returns the rule of an alarm as it was then, and the model of its
// device; nil for what is not known any more.
func (s *Server) behind(ctx context.Context, a *tickets.Alarm) (*rules.Rule, *devices.Model, error) {
	rule, err := s.deps.Pages.RuleAt(ctx, a.Key.Rule, a.RuleVersion)
	if err != nil {
		return nil, nil, err
	}
	row, err := s.deps.Pages.DeviceRow(ctx, a.Key.Subject.ID, s.now())
	if errors.Is(err, devices.ErrUnknown) {
		return rule, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	models, err := s.deps.Pages.Models(ctx)
	if err != nil {
		return nil, nil, err
	}
	return rule, models[row.Model], nil
}

// Around an alarm a chart shows as much again as it lasted, within bounds.
const (
	leastAround = 20 * time.Minute
	mostAround  = 6 * time.Hour
	longestView = 14 * 24 * time.Hour
)

// around returns the time that the chart of an alarm covers.
func around(a *tickets.Alarm, now time.Time) (from, to time.Time) {
	start, end := a.RaisedAt, a.ClearedAt
	if !a.PendingSince.IsZero() {
		start = a.PendingSince
	}
	if end.IsZero() {
		end = now
	}
	room := min(max(end.Sub(start)/2, leastAround), mostAround)
	from, to = start.Add(-room), end.Add(room)
	if to.After(now) && now.After(end) {
		to = now
	}
	if a.ClearedAt.IsZero() {
		to = end
	}
	if to.Sub(from) > longestView {
		to = from.Add(longestView)
	}
	return from, to
}

// alarmFigure builds the chart of what an alarm's rule watched, with the
// rule's limit and the moments that were decided. It is nil when the device
// or its rule are not known any more.
func (s *Server) alarmFigure(ctx context.Context, v viewer, a *tickets.Alarm) (*chart, error) {
	rule, model, err := s.behind(ctx, a)
	if err != nil || model == nil {
		return nil, err
	}
	var when string
	if rule != nil {
		when = rule.When
	}
	metric, limits, ok := watched(when, model)
	if !ok {
		return nil, nil
	}
	from, to := around(a, v.Now)
	figure, err := s.figure(ctx, v, devices.ID(a.Key.Subject.ID), model, metric, from, to)
	if err != nil {
		return nil, err
	}
	figure.Title += " around the fault"
	figure.Source = "/charts/alarm/" + url.PathEscape(a.ID)
	figure.Every = a.ClearedAt.IsZero()
	figure.limit(limits, metric, "limit")
	figure.data.Marks, figure.data.Spans = momentsOf(a, v.Now)
	figure.Summary += momentsText(v, a, limits, metric)
	return figure, nil
}

func momentsOf(a *tickets.Alarm, now time.Time) ([]chartMark, []chartSpan) {
	var marks []chartMark
	if !a.PendingSince.IsZero() && a.PendingSince.Before(a.RaisedAt) {
		marks = append(marks, chartMark{unix(a.PendingSince), "onset", "amber"})
	}
	marks = append(marks, chartMark{unix(a.RaisedAt), "raised", "red"})
	end := a.ClearedAt
	if end.IsZero() {
		end = now
	} else {
		marks = append(marks, chartMark{unix(end), "cleared", "green"})
	}
	return marks, []chartSpan{{unix(a.RaisedAt), unix(end), "outside"}}
}

func momentsText(v viewer, a *tickets.Alarm, limits []float64, m devices.Metric) string {
	text := ""
	for _, l := range limits {
		text += fmt.Sprintf(" The rule's limit is %s.", quantity(devices.Number(l), m))
	}
	text += fmt.Sprintf(" Raised at %s", v.short(a.RaisedAt))
	if a.ClearedAt.IsZero() {
		return text + ", not cleared yet."
	}
	return text + fmt.Sprintf(", cleared at %s.", v.short(a.ClearedAt))
}

func (s *Server) alarmChart(w http.ResponseWriter, r *http.Request) {
	alarm, err := s.deps.Alarms.Alarm(r.Context(), r.PathValue("id"))
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	figure, err := s.alarmFigure(r.Context(), viewer{s.now(), zoneOf(r)}, alarm)
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	if figure == nil {
		writeProblem(w, http.StatusNotFound, "Nothing is known any more of what this alarm was about.")
		return
	}
	s.sendChart(w, figure.data)
}

func (s *Server) deviceChart(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), viewer{s.now(), zoneOf(r)}
	row, err := s.deps.Pages.DeviceRow(ctx, r.PathValue("id"), v.Now)
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	models, err := s.deps.Pages.Models(ctx)
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	model := models[row.Model]
	name := r.URL.Query().Get("metric")
	if model == nil || model.Metrics[name].Name == "" {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("Device %s has no metric %q.", row.ID, name))
		return
	}
	declared, err := s.deps.Declarations.LoadRules(ctx)
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	figure, err := s.metricFigure(ctx, v, row, model, model.Metrics[name], rangeOf(r.URL.Query().Get("range")), declared)
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	s.sendChart(w, figure.data)
}

// chartProblem answers a script with a problem document.
func (s *Server) chartProblem(w http.ResponseWriter, r *http.Request, err error) {
	status, sentence := s.judge(r.Context(), err)
	writeProblem(w, status, sentence)
}
