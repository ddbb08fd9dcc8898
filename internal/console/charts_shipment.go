package console

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// shipmentFigure builds the chart of a shipment's temperatures.
func (v viewer) shipmentFigure(found *judged) *chart {
	from, to := found.window(v.Now)
	figure := &chart{
		Title: "Temperature", Source: "/charts/shipment/" + found.shipment.ID, Every: found.shipment.ArrivedAt.IsZero(),
	}
	data := chartData{
		Unit: "°C", From: unix(from), To: unix(to), Series: []chartSeries{},
		Band: &chartBand{found.profile.Limits.Min, found.profile.Limits.Max},
	}
	a := &found.assessment
	for _, logger := range slices.Sorted(keys(found.trace)) {
		data.Series = append(data.Series, traceLine(string(logger), found.trace[logger], found.profile.Gaps.LongerThan))
	}
	for _, e := range a.Excluded {
		data.Spans = append(data.Spans, chartSpan{unix(e.From), unix(e.To), "excluded"})
	}
	for _, e := range a.Excursions {
		data.Spans = append(data.Spans, chartSpan{unix(e.From), unix(e.To), "outside"})
	}
	for _, g := range a.Gaps {
		data.Spans = append(data.Spans, chartSpan{unix(g.From), unix(g.To), "gap"})
	}
	for _, b := range a.Budgets {
		if b.UsedUp() {
			data.Marks = append(data.Marks, chartMark{unix(b.UsedUpAt), "budget used up", "red"})
		}
	}
	figure.data = data
	figure.Summary = v.traceSummary(found)
	figure.Table = v.traceTable(found.trace)
	return figure
}

// window is the time the chart covers: the whole way, or as far as it went.
func (j *judged) window(now time.Time) (from, to time.Time) {
	from, to = j.shipment.DepartedAt, now
	if !j.shipment.ArrivedAt.IsZero() {
		to = j.shipment.ArrivedAt
	}
	for _, points := range j.trace {
		if len(points) == 0 {
			continue
		}
		if first := points[0].At; first.Before(from) {
			from = first
		}
		if last := points[len(points)-1].At; last.After(to) {
			to = last
		}
	}
	if !to.After(from) {
		to = from.Add(time.Hour)
	}
	return from, to
}

func (v viewer) traceSummary(found *judged) string {
	a := &found.assessment
	if a.Min == nil || a.Max == nil {
		return "No readings that count have arrived yet."
	}
	text := fmt.Sprintf("From %s to %s; the limits are %s to %s.", celsius(*a.Min), celsius(*a.Max),
		celsius(found.profile.Limits.Min), celsius(found.profile.Limits.Max))
	if n := len(a.Excursions); n > 0 {
		text += fmt.Sprintf(" Outside %s, %s in all.", times(n), seconds(a.SecondsOutside))
	}
	if n := len(a.Gaps); n > 0 {
		text += fmt.Sprintf(" %s without data.", plural(int64(n), "stretch"))
	}
	return text
}

// times says how often.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (s *Server) shipmentChart(w http.ResponseWriter, r *http.Request) {
	found, err := s.judgeShipment(r.Context(), r.PathValue("id"))
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	s.sendChart(w, viewer{s.now(), zoneOf(r)}.shipmentFigure(found).data)
}
