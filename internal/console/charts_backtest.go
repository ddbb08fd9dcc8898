package console

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strings"

	"telltale/devices"
	"telltale/rules/backtest"
)

// chartLane is a strip above a chart on which stretches of time are marked.
type chartLane struct {
	Name  string      `json:"name"`
	Spans []chartSpan `json:"spans"` // new, gone or same
}

// lanesFigure draws what a device measured, and above it when either side was
// in alarm. It is nil when the device or its metric are not known any more.
func (s *Server) lanesFigure(ctx context.Context, v viewer, c *comparison, id devices.ID) (*chart, error) {
	row, err := s.deps.Pages.DeviceRow(ctx, string(id), v.Now)
	if errors.Is(err, devices.ErrUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	models, err := s.deps.Pages.Models(ctx)
	if err != nil {
		return nil, err
	}
	model := models[row.Model]
	metric, _, ok := watched(c.limits[0].when, model)
	if !ok {
		return nil, nil
	}
	figure, err := s.figure(ctx, v, id, model, metric, c.from, c.to)
	if err != nil {
		return nil, err
	}
	figure.Title = string(id)
	figure.Source = c.source + separator(c.source) + "device=" + url.QueryEscape(string(id))
	for _, limit := range c.limits {
		figure.limit(limitsOf(limit.when, metric.Name), metric, limit.name)
	}
	own, other := 0, 0
	figure.data.Lanes, own, other = c.lanes(id)
	figure.Summary += fmt.Sprintf(" %s: %s.", title(c.names[0]), plural(int64(own), "alarm"))
	if c.compared {
		figure.Summary += fmt.Sprintf(" %s: %s.", title(c.names[1]), plural(int64(other), "alarm"))
	}
	return figure, nil
}

func separator(address string) string {
	if strings.Contains(address, "?") {
		return "&"
	}
	return "?"
}

// lanes marks the alarms of a device, and counts them.
func (c *comparison) lanes(id devices.ID) (lanes []chartLane, own, other int) {
	lanes = []chartLane{{Name: c.names[0], Spans: []chartSpan{}}}
	if c.compared {
		lanes = append(lanes, chartLane{Name: c.names[1], Spans: []chartSpan{}})
	}
	for i := range c.pairs {
		p := &c.pairs[i]
		if p.Device != id {
			continue
		}
		kind := p.Kind
		if !c.compared {
			kind = backtest.Same
		}
		if p.RaisedAt != nil {
			own++
			lanes[0].Spans = append(lanes[0].Spans, chartSpan{unix(*p.RaisedAt), unix(endOf(p.ClearedAt, c.to)), kind})
		}
		if p.OtherRaisedAt != nil && c.compared {
			other++
			lanes[1].Spans = append(lanes[1].Spans, chartSpan{unix(*p.OtherRaisedAt), unix(endOf(p.OtherClearedAt, c.to)), kind})
		}
	}
	return lanes, own, other
}

// column is one bar of a chart that stands.
type column struct {
	Name   string
	Value  int64
	Marked bool
}

// Measures of a chart of columns, in pixels.
const (
	columnsHeight = 208
	columnsTop    = 24 // room for the value above the tallest
	columnsBottom = 30 // and for the names below
	columnsNames  = 12 // that fit on a phone
)

// columnsChart draws values beside each other, each with its number. It is a
// drawing of this page's own, so that it needs no script; places are shares of
// the width, so that it fits any.
func columnsChart(bars []column, summary string) template.HTML {
	most := int64(1)
	for _, b := range bars {
		most = max(most, b.Value)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="standing" width="100%%" height="%d" role="img" aria-label="%s">`, columnsHeight, template.HTMLEscapeString(summary))
	slot := 100 / float64(len(bars))
	width := min(slot*0.66, 9)
	every := (len(bars) + columnsNames - 1) / columnsNames
	floor := float64(columnsHeight - columnsBottom)
	for i, b := range bars {
		middle := (float64(i) + 0.5) * slot
		height := math.Round(float64(b.Value) / float64(most) * (floor - columnsTop))
		if b.Value > 0 {
			height = max(height, 2)
		}
		class := ""
		if b.Marked {
			class = ` class="own"`
		}
		fmt.Fprintf(&out, `<g%s><rect x="%.2f%%" y="%g" width="%.2f%%" height="%g" rx="2"/>`, class, middle-width/2, floor-height, width, height)
		if i%every == 0 || b.Marked {
			fmt.Fprintf(&out, `<text class="value" x="%.2f%%" y="%g">%s</text>`, middle, floor-height-6, count(b.Value))
			fmt.Fprintf(&out, `<text x="%.2f%%" y="%g">%s</text>`, middle, floor+19, template.HTMLEscapeString(b.Name))
		}
		out.WriteString("</g>")
	}
	fmt.Fprintf(&out, `<line x1="0" x2="100%%" y1="%[1]g" y2="%[1]g"/></svg>`, floor+0.5)
	return template.HTML(out.String()) //nolint:gosec // numbers, and texts that are escaped
}

// backtestChart answers what a chart of a job draws.
func (s *Server) backtestChart(w http.ResponseWriter, r *http.Request) {
	job, err := s.jobs.job(r.PathValue("job"))
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	if job.Result == nil {
		writeProblem(w, http.StatusNotFound, "This backtest has no result.")
		return
	}
	c := comparisonOf(job)
	s.sendLanes(w, r, &c)
}

// sendLanes answers with the data of one device's chart.
func (s *Server) sendLanes(w http.ResponseWriter, r *http.Request, c *comparison) {
	id := devices.ID(r.URL.Query().Get("device"))
	figure, err := s.lanesFigure(r.Context(), viewer{s.now(), zoneOf(r)}, c, id)
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	if figure == nil {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("Device %s has nothing to draw.", id))
		return
	}
	s.sendChart(w, figure.data)
}
