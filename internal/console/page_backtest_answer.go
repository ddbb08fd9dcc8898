package console

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules/backtest"
)

// answerContents is what came of a backtest.
type answerContents struct {
	Headline  string
	Adopt     string // where another wording is taken over; "": it is the one in force, or the reader may not
	NoHistory bool   // there was nothing to play
	Figures   []figureLine
	Sweep     *sweepContents
	Compared  comparedContents
	Assumed   []string
}

// figureLine is one figure of a run, with that of what it is compared with.
type figureLine struct{ Name, Figure, Detail string }

// sweepContents is a sweep as a chart and a table.
type sweepContents struct {
	Title string
	Hint  string // where the largest step is
	Chart template.HTML
	Rows  []sweepLine
}

type sweepLine struct {
	Name    string
	Own     bool // as the rule has it
	Figures backtest.Figures
	Minutes string
	Adopt   string // where it is taken over; "": it is what the rule has, or the reader may not
}

// theRuleInForce is what a wording is compared with, in words.
const theRuleInForce = "the rule in force"

// backtestAnswer builds what the page says of a job that is done.
func (s *Server) backtestAnswer(r *http.Request, v viewer, j backtestJob) (*answerContents, error) {
	in, result := &j.Request.input, j.Result
	a := &answerContents{
		NoHistory: result.Readings+result.Duplicates == 0, Assumed: result.Assumed,
		Headline: outcome(in.To.Sub(in.From), "this wording", result.Figures, result.Comparison, otherName(j), true),
		Figures:  figureLines(result, otherName(j)),
	}
	if a.NoHistory {
		return a, nil
	}
	if c := result.Comparison; c != nil {
		a.Headline += " " + missed(c.Pairs, in.To, "It", otherName(j))
	}
	if len(result.Sweep) > 0 {
		a.Sweep = sweepOf(j.Request.about.Sweep, result.Sweep)
	}
	compared := comparisonOf(j)
	compared.candidates = j.Request.devices
	if len(compared.candidates) == 0 {
		directory, err := s.deps.Declarations.LoadDirectory(r.Context())
		if err != nil {
			return nil, err
		}
		for _, id := range in.Watched(directory) {
			compared.candidates = append(compared.candidates, string(id))
		}
	}
	var err error
	a.Compared, err = s.compared(r, v, &compared)
	return a, err
}

// comparisonOf is what a job found out, for pages and charts.
func comparisonOf(j backtestJob) comparison {
	in := &j.Request.input
	c := comparison{
		pairs: pairsOf(j.Result), from: in.From, to: in.To, names: [2]string{"trial", "live"}, compared: j.Result.Comparison != nil,
		limits: []ruleLimit{{"trial", in.Rules[0].When}},
		page:   backtestPath(j.Request.about.Rule) + "?job=" + url.QueryEscape(j.ID),
		source: "/charts/backtest/" + url.PathEscape(j.ID),
	}
	if j.Request.againstRule != "" {
		c.names[1] = "other"
	}
	for _, r := range j.Request.about.Against {
		c.limits = append(c.limits, ruleLimit{c.names[1], r.When})
	}
	return c
}

// ruleLimit is a condition whose limits a chart draws, with whose it is.
type ruleLimit struct{ name, when string }

// otherName says what a job is compared with; "" for nothing.
func otherName(j backtestJob) string {
	switch {
	case j.Request.againstRule != "":
		return j.Request.againstRule
	case j.Request.againstLive:
		return theRuleInForce
	default:
		return ""
	}
}

// pairsOf returns the alarms of a run, each with its other side if it was
// compared.
func pairsOf(result *backtest.Result) []backtest.Pair {
	if result.Comparison != nil {
		return result.Comparison.Pairs
	}
	pairs := make([]backtest.Pair, len(result.Alarms))
	for i := range result.Alarms {
		a := &result.Alarms[i]
		pairs[i] = backtest.Pair{RuleID: a.RuleID, Device: a.Device, RaisedAt: &a.RaisedAt, ClearedAt: a.ClearedAt}
	}
	return pairs
}

// outcome says in a sentence what a rule does or would do, and how that
// differs from another: of a trial, both would have made tickets.
func outcome(stretch time.Duration, who string, own backtest.Figures, c *backtest.Comparison, other string, trial bool) string {
	text := fmt.Sprintf("In %s %s would have made %s", days(stretch), who, someTickets(own.Tickets))
	if c == nil {
		return text + "."
	}
	did := "made"
	if trial {
		did = "would have made"
	}
	if c.Figures.Tickets == own.Tickets {
		if own.Tickets == 0 {
			return text + ", and " + other + " none either."
		}
		return text + ", as many as " + other + "."
	}
	return fmt.Sprintf("%s where %s %s %s.", text, other, did, noneOr(c.Figures.Tickets))
}

// longAlarm is from how long on an alarm is one that nobody wants to miss.
const longAlarm = 30 * time.Minute

// missed says how many of the other's long alarms the one on trial misses.
func missed(pairs []backtest.Pair, to time.Time, who, other string) string {
	long, gone := 0, 0
	for i := range pairs {
		p := &pairs[i]
		if p.OtherRaisedAt == nil || endOf(p.OtherClearedAt, to).Sub(*p.OtherRaisedAt) < longAlarm {
			continue
		}
		long++
		if p.Kind == backtest.Gone {
			gone++
		}
	}
	switch {
	case long == 0:
		return fmt.Sprintf("No alarm of %s lasted over 30%smin.", other, thin)
	case gone == 0 && long == 1:
		return fmt.Sprintf("%s does not miss the one that lasted over 30%smin.", who, thin)
	case gone == 0:
		return fmt.Sprintf("%s misses none of the %d that lasted over 30%smin.", who, long, thin)
	case gone == long && long == 1:
		return fmt.Sprintf("%s misses the one that lasted over 30%smin.", who, thin)
	case gone == long:
		return fmt.Sprintf("%s misses all %d that lasted over 30%smin.", who, long, thin)
	default:
		return fmt.Sprintf("%s misses %d of the %d that lasted over 30%smin.", who, gone, long, thin)
	}
}

func endOf(cleared *time.Time, latest time.Time) time.Time {
	if cleared == nil {
		return latest
	}
	return *cleared
}

func someTickets(n int) string {
	if n == 0 {
		return "no ticket"
	}
	return plural(int64(n), "ticket")
}

func noneOr(n int) string {
	if n == 0 {
		return "none"
	}
	return count(int64(n))
}

// days says a stretch of time in the unit that people count it in.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d > day && d%day == 0:
		return plural(int64(d/day), "day")
	case d >= time.Hour && d%time.Hour == 0:
		return plural(int64(d/time.Hour), "hour")
	default:
		return span(d)
	}
}

// figureLines are the figures at the top of the answer.
func figureLines(result *backtest.Result, other string) []figureLine {
	own := result.Figures
	perWeek := func(rate float64) string {
		if own.PerWeek == (backtest.Rates{}) {
			return ""
		}
		return decimal(rate) + " a week"
	}
	lines := []figureLine{
		{"Tickets", count(int64(own.Tickets)), perWeek(own.PerWeek.Tickets)},
		{"Devices concerned", count(int64(own.Devices)), "of " + count(int64(result.Devices)) + " played"},
		{"Time in alarm", span(time.Duration(own.Minutes * float64(time.Minute))), plural(int64(own.Alarms), "alarm")},
		{"Readings played", count(result.Readings), ""},
	}
	if result.Suppressed > 0 {
		lines[3].Detail = plural(result.Suppressed, "alarm") + " held back"
	}
	if c := result.Comparison; c != nil {
		other += ":\u00a0" // no figure on a line of its own
		lines[0].Detail = joined(lines[0].Detail, other+count(int64(c.Figures.Tickets)))
		lines[1].Detail = other + count(int64(c.Figures.Devices))
		lines[2].Detail = joined(lines[2].Detail, other+span(time.Duration(c.Figures.Minutes*float64(time.Minute))))
	}
	return lines
}

func joined(parts ...string) string {
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, "; ")
}

// Offered reports whether any value can be taken over.
func (c *sweepContents) Offered() bool {
	return slices.ContainsFunc(c.Rows, func(l sweepLine) bool { return l.Adopt != "" })
}

// offer lets the reader take over what was tried.
func (a *answerContents) offer(j backtestJob) {
	if j.Request.AnotherWording() {
		a.Adopt = adoptPath(j, "")
	}
	if a.Sweep == nil {
		return
	}
	for i, step := range j.Result.Sweep {
		if !step.Own {
			a.Sweep.Rows[i].Adopt = adoptPath(j, step.Text)
		}
	}
}

// sweepOf draws a sweep and says where it makes the largest step.
func sweepOf(title string, steps []backtest.SweepStep) *sweepContents {
	c := &sweepContents{Title: title}
	bars := make([]column, len(steps))
	for i, step := range steps {
		name := valueName(&step)
		bars[i] = column{Name: strings.Replace(step.Text, "-", "\u2212", 1), Value: int64(step.Figures.Tickets), Marked: step.Own}
		c.Rows = append(c.Rows, sweepLine{
			Name: name, Own: step.Own, Figures: step.Figures, Minutes: span(time.Duration(step.Figures.Minutes * float64(time.Minute))),
		})
	}
	c.Hint = sweepHint(c.Rows)
	c.Chart = columnsChart(bars, title+". "+c.Hint)
	return c
}

// valueName is a value of a sweep as people write it.
func valueName(step *backtest.SweepStep) string {
	name := step.Text
	if sign := devices.UnitSymbol(step.Unit); sign != "" {
		name += thin + sign
	}
	return strings.Replace(name, "-", "\u2212", 1)
}

// sweepHint says what a sweep shows.
func sweepHint(rows []sweepLine) string {
	most, at := 0, 0
	for i := 1; i < len(rows); i++ {
		if step := abs(rows[i].Figures.Tickets - rows[i-1].Figures.Tickets); step > most {
			most, at = step, i
		}
	}
	if most == 0 {
		return fmt.Sprintf("It makes no difference: each of them makes %s.", someTickets(rows[0].Figures.Tickets))
	}
	before, after := &rows[at-1], &rows[at]
	text := fmt.Sprintf("The largest step is from %s to %s: %s, then %s.", before.Name, after.Name,
		someTickets(before.Figures.Tickets), noneOr(after.Figures.Tickets))
	for i := range rows {
		if rows[i].Own {
			text += fmt.Sprintf(" As it is written, at %s, it makes %s.", rows[i].Name, someTickets(rows[i].Figures.Tickets))
		}
	}
	return text
}

func abs(n int) int { return max(n, -n) }
