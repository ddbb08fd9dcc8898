package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"telltale/rules"
	"telltale/rules/backtest"
)

// adopted is what a backtest tried and somebody wants for good.
type adopted struct {
	Rule rules.Rule
	What string // in words: "9 °C" or "the wording that was tried"
	From string // where the backtest is looked at
}

// adoptPath leads to the editor of a job's rule with a value of its sweep
// filled in, or with the wording that it tried when value is "".
func adoptPath(j backtestJob, value string) string {
	query := url.Values{"backtest": {j.ID}}
	if value != "" {
		query.Set("value", value)
	}
	return rulePath(j.Request.about.Rule) + "/edit?" + query.Encode()
}

// adopt returns the rule with what the address takes over from a backtest; nil
// when it names none. A value goes into the rule as it is in force now, so that
// nothing that was saved since is undone, unless another wording was tried:
// then into that. The error has its answer with it.
func (s *Server) adopt(r *http.Request, current *rules.Rule) (*adopted, error) {
	id := r.URL.Query().Get("backtest")
	if id == "" {
		return nil, nil
	}
	job, err := s.jobs.job(id)
	if errors.Is(err, errNoBacktest) || err == nil && (job.Result == nil || job.Request.about.Rule != current.ID) {
		return nil, huma.Error404NotFound("This backtest is not kept any more: results stay for an hour, and not over a restart. Run it again.")
	}
	if err != nil {
		return nil, err
	}
	a := &adopted{Rule: *current, What: "the wording that was tried", From: backtestPath(current.ID) + "?job=" + url.QueryEscape(id)}
	if job.Request.AnotherWording() {
		a.Rule = job.Request.about.Trial
	}
	if text := r.URL.Query().Get("value"); text != "" {
		err = a.put(job, text)
	}
	return a, err
}

// put changes the rule to a value of the job's sweep.
func (a *adopted) put(job backtestJob, text string) (err error) {
	steps := job.Result.Sweep
	i := slices.IndexFunc(steps, func(step backtest.SweepStep) bool { return step.Text == text })
	if i < 0 || job.Request.input.Sweep == nil {
		return huma.Error404NotFound("The backtest did not try this value.")
	}
	a.What = valueName(&steps[i])
	if a.Rule, err = job.Request.input.Sweep.At(a.Rule, steps[i].Value); err != nil {
		return huma.Error409Conflict("The rule has changed since it was tried, and has no place for this value any more. Run the backtest again.")
	}
	return nil
}
