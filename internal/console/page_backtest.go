package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/rules"
)

// backtestContents is the page on which a rule is tried on the past.
type backtestContents struct {
	*chrome
	Rule    *rules.Rule
	Form    backtestForm
	Ranges  []backtestRange
	Devices []deviceChoice // that the rule watches, if they are few enough to choose from
	Watched int
	Others  []rules.Rule // that may be compared with
	Sweeps  []sweepChoice
	Wrong   []string // what is wrong with the form
	MayTry  bool

	Reworded bool // the form came with another wording than that in force

	Job     *jobContents  // that is looked at
	Lost    bool          // it is not kept any more
	Earlier []jobContents // of the same rule, the latest first
	Hint    empty
}

// deviceChoice is a device that may be played alone.
type deviceChoice struct {
	ID     devices.ID
	Site   string
	Chosen bool
}

// jobContents is a job as the page shows it.
type jobContents struct {
	backtestJob
	Href      string
	Running   bool
	Percent   int
	Share     float64
	Where     string // how far it is, in words
	Asked     string // what was asked, in words
	MayCancel bool
	Answer    *answerContents // when it is done
}

// mostChoices bounds the devices that the form offers one by one.
const mostChoices = 200

// theRule returns a rule in force.
func (s *Server) theRule(ctx context.Context, id string) (*rules.Rule, []rules.Rule, error) {
	all, err := s.deps.Declarations.LoadRules(ctx)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(all, func(r rules.Rule) bool { return r.ID == id })
	if i < 0 {
		return nil, nil, huma.Error404NotFound(fmt.Sprintf("There is no rule %q.", id))
	}
	return &all[i], all, nil
}

func (s *Server) backtestPage(w http.ResponseWriter, r *http.Request) {
	page, err := s.backtestFrame(r)
	if err != nil {
		s.failRule(w, r, err)
		return
	}
	if id := r.URL.Query().Get("job"); id != "" && page.MayTry {
		if err := s.lookAtJob(r, page, id); err != nil {
			s.failRule(w, r, err)
			return
		}
	}
	s.show(w, "backtest", page)
}

// failRule is fail for errors that have their answer with them.
func (s *Server) failRule(w http.ResponseWriter, r *http.Request, err error) {
	var ready *huma.ErrorModel
	if errors.As(err, &ready) {
		s.renderError(w, r, ready.Status, ready.Detail)
		return
	}
	s.fail(w, r, err)
}

// backtestFrame is the page with its form as it is at first.
func (s *Server) backtestFrame(r *http.Request) (*backtestContents, error) {
	rule, all, err := s.theRule(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	c, _, err := s.frame(r, "Backtest of "+ruleName(rule), "rules")
	if err != nil {
		return nil, err
	}
	directory, err := s.deps.Declarations.LoadDirectory(r.Context())
	if err != nil {
		return nil, err
	}
	page := &backtestContents{
		chrome: c, Rule: rule, Ranges: backtestRanges(), Sweeps: sweepsOf(rule), MayTry: c.Person.Can(access.Backtest),
		Hint: empty{Title: "What would this rule have done?", Text: "Choose devices and a time. The readings of the past go through the rule as they did when they came in; nothing is changed."},
	}
	for _, other := range all {
		if other.ID != rule.ID {
			page.Others = append(page.Others, other)
		}
	}
	page.choose(directory)
	text, err := declare.Text(rule)
	if err != nil {
		return nil, err
	}
	page.Form = backtestForm{Range: defaultBacktestRange, Text: text, Sweep: sweepNone}
	if len(page.Sweeps) > 0 {
		page.Form.Sweep = page.Sweeps[0].Text
	}
	if rule.Mode == rules.Shadow {
		if near := nearest(rule, page.Others, directory); near != nil {
			page.Form.Against = near.ID
		}
	}
	for _, job := range s.jobs.list() {
		if job.Request.about.Rule == rule.ID && page.MayTry {
			page.Earlier = append(page.Earlier, page.job(job))
		}
	}
	return page, nil
}

// ruleName is what people call a rule.
func ruleName(r *rules.Rule) string {
	if r.Title != "" {
		return r.Title
	}
	return r.ID
}

// choose offers the devices that the rule watches.
func (page *backtestContents) choose(directory *devices.Directory) {
	for d := range directory.Devices() {
		if page.Rule.AppliesTo.Selects(d.Model, d.Tags) {
			page.Watched++
			page.Devices = append(page.Devices, deviceChoice{ID: d.ID, Site: d.Site})
		}
	}
	if page.Watched > mostChoices {
		page.Devices = nil
	}
	slices.SortFunc(page.Devices, func(a, b deviceChoice) int { return cmp.Compare(a.ID, b.ID) })
}

// lookAtJob adds the job that the address names.
func (s *Server) lookAtJob(r *http.Request, page *backtestContents, id string) error {
	job, err := s.jobs.job(id)
	if errors.Is(err, errNoBacktest) || err == nil && job.Request.about.Rule != page.Rule.ID {
		page.Lost = true
		return nil
	}
	if err != nil {
		return err
	}
	shown := page.job(job)
	page.Job = &shown
	page.Form = formOf(page.Form, job, page.viewer)
	page.mark()
	page.Earlier = slices.DeleteFunc(page.Earlier, func(j jobContents) bool { return j.ID == job.ID })
	if shown.Running {
		page.Refresh = refreshSeconds
	}
	if job.Result == nil {
		return nil
	}
	shown.Answer, err = s.backtestAnswer(r, page.viewer, job)
	if err == nil && page.Person.Can(access.Declare) {
		shown.Answer.offer(job)
	}
	return err
}

// mark ticks the devices that the form names.
func (page *backtestContents) mark() {
	for i := range page.Devices {
		page.Devices[i].Chosen = slices.Contains(page.Form.Devices, string(page.Devices[i].ID))
	}
}

// refreshSeconds is how often a page without scripts asks how far a job is.
const refreshSeconds = 2

// job is one as it is shown.
func (page *backtestContents) job(j backtestJob) jobContents {
	c := jobContents{
		backtestJob: j, Href: backtestPath(page.Rule.ID) + "?job=" + url.QueryEscape(j.ID), Running: !j.State.ended(),
		Share: j.Progress.Share, Percent: int(100 * j.Progress.Share), MayCancel: !j.State.ended() && mayCancel(page.Person, j),
		Asked: page.asked(j),
	}
	switch {
	case j.State == jobQueued && j.Ahead == 0:
		c.Where = "It begins in a moment."
	case j.State == jobQueued:
		c.Where = fmt.Sprintf("It waits for %s to end.", plural(int64(j.Ahead), "other backtest"))
	case j.Progress.Played == 0:
		c.Where = "Reading the history."
	default:
		c.Where = fmt.Sprintf("%s of about %s readings played in %s", count(j.Progress.Played), count(j.Progress.Total), span(page.Now.Sub(j.StartedAt)))
		if left := page.left(j); left > 0 {
			c.Where += ", about " + span(left) + " to go"
		}
		c.Where += "."
	}
	return c
}

// left is how much longer a run may take, going by how it went so far.
func (page *backtestContents) left(j backtestJob) time.Duration {
	if j.Progress.Share < 0.02 {
		return 0
	}
	took := page.Now.Sub(j.StartedAt).Seconds()
	return time.Duration(took*(1/j.Progress.Share-1)) * time.Second
}

// asked says in a line what a job is about.
func (page *backtestContents) asked(j backtestJob) string {
	in := &j.Request.input
	text := page.stretch(in.From, in.To)
	if n := len(j.Request.devices); n > 0 {
		text += ", " + plural(int64(n), "device")
	} else {
		text += ", all devices"
	}
	if j.Request.about.Text != "" {
		text += ", another wording"
	}
	if j.Request.about.Sweep != "" {
		text += ", " + j.Request.about.Sweep
	}
	return text
}

// stretch says from when to when, with the days, and with the years unless both
// are this one.
func (v viewer) stretch(from, to time.Time) string {
	layout := "2 Jan 15:04"
	if year := v.Now.In(v.Zone).Year(); from.In(v.Zone).Year() != year || to.In(v.Zone).Year() != year {
		layout = "2 Jan 2006 15:04"
	}
	return from.In(v.Zone).Format(layout) + " to " + to.In(v.Zone).Format(layout)
}

// startBacktestFromPage begins what the form asks for.
func (s *Server) startBacktestFromPage(w http.ResponseWriter, r *http.Request) {
	page, err := s.backtestFrame(r)
	if err != nil {
		s.failRule(w, r, err)
		return
	}
	inForce := page.Form.Text
	page.Form = readBacktestForm(r)
	page.Reworded = strings.TrimSpace(strings.ReplaceAll(page.Form.Text, "\r\n", "\n")) != strings.TrimSpace(inForce)
	page.mark()
	request, faults := page.Form.request(page.Rule, page.viewer)
	if len(faults) == 0 {
		var job backtestJob
		job, err = s.askBacktest(r.Context(), request)
		faults = faultsOf(err)
		switch {
		case err == nil:
			back(w, r, backtestPath(page.Rule.ID)+"?job="+url.QueryEscape(job.ID))
			return
		case errors.Is(err, errBacktestsFull):
			_, sentence := s.judge(r.Context(), err)
			faults = []string{sentence}
		case faults == nil:
			s.fail(w, r, err)
			return
		}
	}
	for _, fault := range faults {
		if !strings.HasPrefix(fault, "rules:") { // a place in the wording stays as it is
			fault = sentence(fault)
		}
		page.Wrong = append(page.Wrong, fault)
	}
	s.render(w, http.StatusUnprocessableEntity, "backtest", "layout", page)
}

// cancelBacktestFromPage gives a job up.
func (s *Server) cancelBacktestFromPage(w http.ResponseWriter, r *http.Request) {
	job, err := s.giveUpBacktest(r.Context(), r.PathValue("job"))
	if err != nil {
		s.failRule(w, r, err)
		return
	}
	back(w, r, backtestPath(r.PathValue("id"))+"?job="+url.QueryEscape(job.ID))
}

func backtestPath(rule string) string { return "/rules/" + url.PathEscape(rule) + "/backtest" }
