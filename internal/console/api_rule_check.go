package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/rules/script"
)

// ruleCheckView is what is found of a rule's text.
type ruleCheckView struct {
	Valid    bool        `json:"valid" doc:"it could be saved"`
	Headline string      `json:"headline" doc:"how the text stands, in a sentence"`
	Errors   []textFault `json:"errors" doc:"all that is wrong, in reading order"`
	Warnings []textFault `json:"warnings" doc:"valid, and probably not meant"`
	Summary  []string    `json:"summary" doc:"what the rule does, in sentences; empty with errors"`
	Plan     *planView   `json:"plan,omitempty" doc:"what saving would change; absent with errors"`
	Tests    testsView   `json:"tests" doc:"how the tests went that the rule carries"`
}

type testsView struct {
	Headline string      `json:"headline"`
	Passed   int         `json:"passed"`
	Failed   int         `json:"failed"`
	Stopped  bool        `json:"stopped" doc:"the time was over before all were played"`
	Tests    []testView  `json:"tests"`
	Errors   []textFault `json:"errors" doc:"why they could not be played"`
}

type testView struct {
	Name     string        `json:"name"`
	Line     int           `json:"line"`
	Passed   bool          `json:"passed"`
	Failures []failureView `json:"failures"`
	Picture  []string      `json:"picture" doc:"the time line as text, a line each"`
}

type failureView struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"`
	Want   string `json:"want"`
	Got    string `json:"got"`
}

func showCheck(c *ruleCheck) ruleCheckView {
	v := ruleCheckView{
		Valid: c.Valid(), Headline: c.Headline(), Errors: orEmpty(c.Faults), Warnings: orEmpty(c.Warnings),
		Summary: orEmpty(c.Summary), Tests: showTests(c.Tests),
	}
	if c.Valid() {
		plan := showPlan(c.Plan)
		v.Plan = &plan
	}
	return v
}

func showTests(run testRun) testsView {
	v := testsView{
		Headline: run.Headline(), Passed: run.Passed(), Failed: run.Failed(), Stopped: run.Stopped,
		Tests: []testView{}, Errors: orEmpty(run.Faults),
	}
	for _, o := range run.Outcomes {
		v.Tests = append(v.Tests, showTest(o))
	}
	return v
}

func showTest(o script.Outcome) testView {
	v := testView{Name: o.Name, Line: o.Line, Passed: len(o.Failures) == 0, Failures: []failureView{}, Picture: orEmpty(o.Picture)}
	for _, f := range o.Failures {
		v.Failures = append(v.Failures, failureView{Line: f.Line, Column: f.Column, What: f.What, Want: f.Want, Got: f.Got})
	}
	return v
}

type ruleCheckAnswer struct{ Body ruleCheckView }

func (s *rest) registerRuleCheck() {
	route(s, huma.Operation{
		OperationID: "check-rule", Method: http.MethodPost, Path: "/rules/check", Tags: []string{"rules"},
		Summary: "All that can be said of a rule's text, without storing it",
		Description: "Takes one rule as YAML and answers with every error and its place, what the rule does in plain words, what saving it would " +
			"change, and how the tests went that it carries, which are stopped after two seconds. A text with errors is an answer as well: look at `valid`.",
		MaxBodyBytes: maxBody, DefaultStatus: http.StatusOK,
	}, access.Declare, s.checkRuleText)
}

func (s *rest) checkRuleText(ctx context.Context, in *struct {
	ID      string `query:"id" maxLength:"128" doc:"the rule that the text must declare; empty: any"`
	RawBody []byte `contentType:"application/yaml"`
}) (*ruleCheckAnswer, error) {
	found, err := s.checkRule(ctx, string(in.RawBody), in.ID)
	if err != nil {
		return nil, err
	}
	return &ruleCheckAnswer{Body: showCheck(found)}, nil
}
