package console

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules/backtest"
)

// comparison is alarms of two sides, or of one, that a page shows by device and
// by time.
type comparison struct {
	pairs      []backtest.Pair
	from, to   time.Time
	names      [2]string // of the lanes in charts
	compared   bool      // there is a second side
	limits     []ruleLimit
	candidates []string // devices to draw when none has an alarm

	page   string // address of the page, with a query
	source string // of the charts' data
}

// comparedContents is the part of a page that shows alarms of two sides.
type comparedContents struct {
	Compared bool
	Counts   []countLine
	Devices  []deviceTab
	More     int // devices that are not among the tabs
	Charts   []*chart
	Rows     []pairLine
	Left     int // alarms beyond the rows
}

// countLine is how many alarms are of a kind.
type countLine struct {
	Name, Colour string
	N            int
	Detail       string
}

// deviceTab leads to the chart of one device.
type deviceTab struct {
	tab
	N int
}

// pairLine is an alarm of either side as a row.
type pairLine struct {
	Kind, Colour string
	Device       devices.ID
	RaisedAt     time.Time
	Lasted       string
	Open         bool
	Difference   string
}

// Bounds of what a page shows of a comparison; the API has everything.
const (
	pairRows    = 100
	deviceTabs  = 24
	chartsShown = 2
)

// compared builds the part of the page for a comparison.
func (s *Server) compared(r *http.Request, v viewer, c *comparison) (comparedContents, error) {
	out := comparedContents{Compared: c.compared, Counts: c.counts()}
	chosen := r.URL.Query().Get("device")
	order, alarms := c.byInterest()
	for _, id := range order[:min(len(order), deviceTabs)] {
		out.Devices = append(out.Devices, deviceTab{tab{Name: id, Href: c.page + "&device=" + url.QueryEscape(id), Current: id == chosen}, alarms[id]})
	}
	out.More = max(0, len(order)-deviceTabs)
	if chosen != "" {
		order = []string{chosen}
	} else if len(order) == 0 {
		order = c.candidates[:min(len(c.candidates), 1)]
	}
	for _, id := range order[:min(len(order), chartsShown)] {
		figure, err := s.lanesFigure(r.Context(), v, c, devices.ID(id))
		if figure, err = s.orNote(id, figure, err); err != nil {
			return out, err
		}
		if figure != nil {
			out.Charts = append(out.Charts, figure)
		}
		if figure != nil && !figure.drawn() {
			break // nobody waits for each of the others
		}
	}
	for i := range c.pairs {
		if p := &c.pairs[i]; chosen == "" || string(p.Device) == chosen {
			if len(out.Rows) < pairRows {
				out.Rows = append(out.Rows, c.line(p))
			} else {
				out.Left++
			}
		}
	}
	return out, nil
}

// byInterest orders the devices that have alarms: those with most differences
// first, then those with most alarms.
func (c *comparison) byInterest() (order []string, alarms map[string]int) {
	alarms = make(map[string]int)
	differences := make(map[string]int)
	for i := range c.pairs {
		p := &c.pairs[i]
		id := string(p.Device)
		if alarms[id] == 0 {
			order = append(order, id)
		}
		alarms[id]++
		if p.Kind != backtest.Same {
			differences[id]++
		}
	}
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(differences[b], differences[a]), cmp.Compare(alarms[b], alarms[a]), strings.Compare(a, b))
	})
	return order, alarms
}

func (c *comparison) counts() []countLine {
	if !c.compared {
		return nil
	}
	var fresh, gone, same, earlier, later int
	for i := range c.pairs {
		switch p := &c.pairs[i]; {
		case p.Kind == backtest.New:
			fresh++
		case p.Kind == backtest.Gone:
			gone++
		default:
			same++
			if p.MinutesEarlier > 0 {
				earlier++
			}
			if p.MinutesEarlier < 0 {
				later++
			}
		}
	}
	detail := ""
	if earlier+later > 0 {
		detail = fmt.Sprintf("%d earlier, %d later", earlier, later)
	}
	return []countLine{
		{"New", pairColour(backtest.New), fresh, ""}, {"Gone", pairColour(backtest.Gone), gone, ""}, {"The same", pairColour(backtest.Same), same, detail},
	}
}

// pairColour is how a kind of pair is marked, in badges and in charts.
func pairColour(kind string) string {
	switch kind {
	case backtest.New:
		return "amber"
	case backtest.Gone:
		return ""
	default:
		return "blue"
	}
}

func (c *comparison) line(p *backtest.Pair) pairLine {
	line := pairLine{Kind: p.Kind, Colour: pairColour(p.Kind), Device: p.Device}
	raised, cleared := p.RaisedAt, p.ClearedAt
	if raised == nil {
		raised, cleared = p.OtherRaisedAt, p.OtherClearedAt
	}
	line.RaisedAt, line.Open = *raised, cleared == nil
	line.Lasted = span(endOf(cleared, c.to).Sub(*raised))
	switch {
	case p.Kind != backtest.Same || !c.compared:
	case p.MinutesEarlier > 0:
		line.Difference = span(minutes(p.MinutesEarlier)) + " earlier"
	case p.MinutesEarlier < 0:
		line.Difference = span(minutes(-p.MinutesEarlier)) + " later"
	default:
		line.Difference = "at the same time"
	}
	return line
}

func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }

// comparedView is what the template of a comparison needs: it, and for whom
// its times are said.
type comparedView struct {
	Contents comparedContents
	Viewer   viewer
}

// For shows the comparison on a page.
func (c comparedContents) For(page interface{ reader() viewer }) comparedView {
	return comparedView{c, page.reader()}
}

// reader is for whom a page is rendered.
func (v viewer) reader() viewer { return v }
