package console

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/rules"
)

// backtestForm is what somebody filled in.
type backtestForm struct {
	Devices  []string // none: all that the rule watches
	Range    string   // a preset, or rangeOwn with From and To
	From, To string   // by the reader's clock, as browsers write it
	Text     string   // the rule
	Against  string   // "": the rule in force; againstNothing, or another rule
	Sweep    string   // a preset, sweepOwn or sweepNone
	Own      string   // a sweep of one's own
}

// Choices of the form that are no preset and no id.
const (
	rangeOwn       = "own"
	sweepOwn       = "own"
	sweepNone      = "none"
	againstNothing = "-" // no id of a rule is so short
)

// backtestRange is a stretch of time up to now.
type backtestRange struct {
	Key, Name string
	Back      time.Duration
}

func backtestRanges() []backtestRange {
	const day = 24 * time.Hour
	return []backtestRange{{"24h", "Last 24 hours", day}, {"7d", "Last 7 days", 7 * day}, {"30d", "Last 30 days", 30 * day}}
}

const defaultBacktestRange = "7d"

// sweepChoice is a sweep of a number that the rule has.
type sweepChoice struct{ Text, Name string }

// clockForm is how browsers write a time without a zone.
const clockForm = "2006-01-02T15:04"

func readBacktestForm(r *http.Request) backtestForm {
	f := backtestForm{
		Range: r.PostFormValue("range"), From: r.PostFormValue("from"), To: r.PostFormValue("to"),
		Text: r.PostFormValue("rule"), Against: r.PostFormValue("against"),
		Sweep: r.PostFormValue("sweep"), Own: strings.TrimSpace(r.PostFormValue("own")),
	}
	for _, field := range r.PostForm["device"] { // ticked, or typed one after the other
		f.Devices = append(f.Devices, strings.FieldsFunc(field, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\r' })...)
	}
	return f
}

// formOf is the form that led to a job.
func formOf(f backtestForm, j backtestJob, v viewer) backtestForm {
	q := &j.Request
	f.Devices, f.Range, f.Against = q.devices, cmp.Or(q.about.Range, rangeOwn), q.againstRule
	if !q.againstLive && q.againstRule == "" {
		f.Against = againstNothing
	}
	if f.Range == rangeOwn {
		f.From, f.To = q.input.From.In(v.Zone).Format(clockForm), q.input.To.In(v.Zone).Format(clockForm)
	}
	f.Text = cmp.Or(q.about.Text, f.Text)
	if f.Sweep, f.Own = sweepNone, ""; q.about.Sweep != "" {
		f.Sweep, f.Own = q.about.Sweep, q.about.Sweep
	}
	return f
}

// request reads the form. The faults are sentences.
func (f *backtestForm) request(rule *rules.Rule, v viewer) (q backtestRequest, faults []string) {
	from, to, err := f.stretch(v)
	if err != nil {
		faults = append(faults, err.Error())
	}
	text, err := withHead([]byte(f.Text), rule.ID)
	if err != nil {
		return q, append(faults, err.Error())
	}
	body := BacktestBody{Rules: string(text), Devices: f.Devices, From: from, To: to, Sweep: f.sweep()}
	if strings.TrimSpace(f.Text) == "" {
		faults = append(faults, "The rule is empty.")
	}
	if len(faults) > 0 {
		return q, faults
	}
	q, err = body.request()
	if err != nil {
		return q, faultsOf(err)
	}
	if len(q.input.Rules) != 1 || len(q.input.Models) > 0 || q.input.Rules[0].ID != rule.ID {
		return q, []string{fmt.Sprintf("The wording must hold the rule %s and nothing else.", rule.ID)}
	}
	trial := &q.input.Rules[0]
	if !sameWording(trial, rule) {
		q.about.Text, q.about.Trial = f.Text, *trial
	}
	if trial.Mode == rules.Off {
		trial.Mode = rules.Shadow // it is asked for what it would do
	}
	switch f.Against {
	case againstNothing:
	case "":
		q.againstLive = true
	default:
		q.againstRule = f.Against
	}
	q.about.Range = f.Range
	if f.Range == rangeOwn {
		q.about.Range = ""
	}
	return q, nil
}

func (f *backtestForm) sweep() string {
	switch f.Sweep {
	case sweepNone:
		return ""
	case sweepOwn:
		return f.Own
	default:
		return f.Sweep
	}
}

// stretch is the time that is to be played. Presets end with the minute.
func (f *backtestForm) stretch(v viewer) (from, to time.Time, err error) {
	for _, preset := range backtestRanges() {
		if preset.Key == f.Range {
			to = v.Now.Truncate(time.Minute)
			return to.Add(-preset.Back), to, nil
		}
	}
	from, err = time.ParseInLocation(clockForm, f.From, v.Zone)
	if err != nil {
		return from, to, fmt.Errorf("%q is no time to begin at", f.From)
	}
	to, err = time.ParseInLocation(clockForm, f.To, v.Zone)
	if err != nil {
		return from, to, fmt.Errorf("%q is no time to end at", f.To)
	}
	if !from.Before(to) {
		return from, to, fmt.Errorf("the end, %s, must be after the beginning, %s", v.short(to), v.short(from))
	}
	return from, to, nil
}

// sweepsOf offers a sweep around each number and delay of a rule.
func sweepsOf(r *rules.Rule) []sweepChoice {
	var all []sweepChoice
	seen := make(map[string]bool)
	for _, n := range rules.ComparedNumbers(r.When) {
		if strings.Contains(n.Before, "=") && !strings.Contains(n.Before, ">=") && !strings.Contains(n.Before, "<=") || seen[n.Before] {
			continue // states are not turned, and a place that is there twice needs more words
		}
		seen[n.Before] = true
		step := sweepStep(n.Value)
		before := n.Before + " "
		if strings.HasSuffix(n.Before, "(") {
			before = n.Before
		}
		text := fmt.Sprintf("%s%s..%s step %s", before, plainNumber(n.Value-3*step), plainNumber(n.Value+3*step), plainNumber(step))
		if before == n.Before {
			text += ")"
		}
		all = append(all, sweepChoice{text, text})
	}
	if r.For > 0 {
		delays := make([]string, 0, 6)
		for _, share := range []float64{0, 0.5, 1, 1.5, 2, 3} {
			delays = append(delays, fmt.Sprintf("%.0fs", share*r.For.Seconds()))
		}
		if r.For%(2*time.Minute) == 0 {
			for i, share := range []int64{0, 1, 2, 3, 4, 6} {
				delays[i] = fmt.Sprintf("%dm", share*int64(r.For/(2*time.Minute)))
			}
		}
		text := "for " + strings.Join(delays, ", ")
		all = append(all, sweepChoice{text, text})
	}
	return all
}

// sweepStep is a round number of about an eighth of a value.
func sweepStep(value float64) float64 {
	if value == 0 {
		return 1
	}
	about := math.Abs(value) / 8
	unit := math.Pow(10, math.Floor(math.Log10(about)))
	for _, times := range []float64{5, 2} {
		if times*unit <= about*1.2 {
			return times * unit
		}
	}
	return unit
}

func plainNumber(f float64) string {
	return strconv.FormatFloat(math.Round(f*1e6)/1e6, 'f', -1, 64)
}

// sameWording reports whether two rules say the same, however they are written.
// One that cannot be written says something else.
func sameWording(a, b *rules.Rule) bool {
	one, err := declare.Text(a)
	if err != nil {
		return false
	}
	other, err := declare.Text(b)
	return err == nil && one == other
}

// nearest returns the live rule that is most like another: the one it may be
// meant to replace. Nil: none speaks of the same metrics and devices.
func nearest(r *rules.Rule, others []rules.Rule, directory *devices.Directory) *rules.Rule {
	var best *rules.Rule
	var most float64
	for i := range others {
		o := &others[i]
		if o.Mode != rules.Live {
			continue
		}
		metrics := shared(rules.MetricNames(r), rules.MetricNames(o))
		watched := sharedDevices(r, o, directory)
		score := metrics + watched
		if withoutNumbers(r.When) == withoutNumbers(o.When) {
			score++
		}
		if metrics > 0 && watched > 0 && score > most {
			best, most = o, score
		}
	}
	return best
}

// shared is how much of two sets is in both: from 0 to 1.
func shared(a, b []string) float64 {
	both := 0
	for _, one := range a {
		if slices.Contains(b, one) {
			both++
		}
	}
	return float64(both) / float64(max(len(a)+len(b)-both, 1))
}

func sharedDevices(a, b *rules.Rule, directory *devices.Directory) float64 {
	both, either := 0, 0
	for d := range directory.Devices() {
		x, y := a.AppliesTo.Selects(d.Model, d.Tags), b.AppliesTo.Selects(d.Model, d.Tags)
		if x || y {
			either++
		}
		if x && y {
			both++
		}
	}
	return float64(both) / float64(max(either, 1))
}

// withoutNumbers is a condition as far as two of different limits are alike.
func withoutNumbers(condition string) string {
	for _, n := range slices.Backward(rules.ComparedNumbers(condition)) {
		if replaced, err := n.Replace(condition, 0); err == nil {
			condition = replaced
		}
	}
	return strings.Join(strings.Fields(condition), "")
}

// faultsOf lists what a refusal of the API says; nil for other errors.
func faultsOf(err error) []string {
	var refused *huma.ErrorModel
	if !errors.As(err, &refused) {
		return nil
	}
	var faults []string
	for _, e := range refused.Errors {
		faults = append(faults, e.Message)
	}
	if len(faults) == 0 {
		faults = []string{refused.Detail}
	}
	return faults
}
