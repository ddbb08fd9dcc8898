package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/views"
	"telltale/rules"
	"telltale/tickets"
)

// modelReach is how many devices of a model a rule watches.
type modelReach struct {
	Model   string
	Devices int64
}

type ruleContents struct {
	*chrome
	ruleLine

	Name       string
	Summary    []string
	YAML       string
	Reach      []modelReach
	Devices    int64
	NoiseOf    views.RuleNoise
	NoiseWeeks []noiseWeek
	Alarms     []views.AlarmRow
	Held       []heldLine
	Tests      testRun
	Versions   []views.RuleVersion // the latest
	Saved      bool
	MayDeclare bool
	MayTry     bool
}

// Limits of what the page of a rule lists.
const (
	shownRuleAlarms   = 12
	shownRuleVersions = 5
)

// rulePath is where a rule's page is.
func rulePath(id string) string { return "/rules/" + url.PathEscape(id) }

func (s *Server) rulePage(w http.ResponseWriter, r *http.Request) {
	rule, err := s.ruleNamed(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if rule == nil {
		s.noRule(w, r)
		return
	}
	c, _, err := s.frame(r, cmp.Or(rule.Title, rule.ID), "rules")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	unwell, err := s.deps.Declarations.RuleHealth(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := ruleContents{
		chrome: c, Name: c.Title, Saved: r.URL.Query().Has("saved"), MayDeclare: c.Person.Can(access.Declare),
		ruleLine: ruleLine{Rule: *rule, Watches: watches(rule.AppliesTo), Health: healthOf(unwell, rule.ID)},
	}
	fill := s.fillRule
	if r.Header.Get("HX-Request") == "true" {
		fill = s.fillRuleNews // an event renews a part of the page, for which no test need be played
	}
	if err := fill(r.Context(), &page); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, "rule", page)
}

// ruleNamed returns the rule in force, nil when there is none.
func (s *Server) ruleNamed(ctx context.Context, id string) (*rules.Rule, error) {
	all, err := s.deps.Declarations.LoadRules(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(r rules.Rule) bool { return r.ID == id }); i >= 0 {
		return &all[i], nil
	}
	return nil, nil
}

func (s *Server) noRule(w http.ResponseWriter, r *http.Request) {
	s.renderError(w, r, http.StatusNotFound, "There is no such rule.")
}

// fillRule reads what the page says of the rule beyond its declaration.
func (s *Server) fillRule(ctx context.Context, page *ruleContents) error {
	rule := &page.Rule
	models, err := s.deps.Pages.Models(ctx)
	if err != nil {
		return err
	}
	page.Summary = rules.Summarize(rule, modelList(models))
	if page.YAML, err = declare.Text(rule); err != nil {
		return err
	}
	// The tests are played from the text that is shown, so that failures name
	// its lines.
	set, err := declare.ParseSources(declare.Source{Text: []byte(page.YAML)})
	if err != nil {
		return fmt.Errorf("read text of rule %s: %w", rule.ID, err)
	}
	if page.Tests, err = s.runTests(ctx, set, models); err != nil {
		return err
	}
	reach, err := s.deps.Pages.RuleReach(ctx, rule.AppliesTo)
	if err != nil {
		return err
	}
	for _, model := range slices.Sorted(maps.Keys(models)) {
		if rule.AppliesTo.Selects(model, rule.AppliesTo.Tags) {
			page.Reach = append(page.Reach, modelReach{model, reach[model]})
			page.Devices += reach[model]
		}
	}
	return s.fillRuleNews(ctx, page)
}

// fillRuleNews reads what changes while somebody looks at the page.
func (s *Server) fillRuleNews(ctx context.Context, page *ruleContents) (err error) {
	id, now := page.ID, page.Now
	if page.Versions, err = s.deps.RuleHistory.RuleVersions(ctx, id, 0, shownRuleVersions); err != nil {
		return err
	}
	counts, err := s.deps.Pages.RuleAlarms(ctx, id, now)
	if err != nil {
		return err
	}
	page.RuleAlarms = counts[id]
	page.NoiseWeeks = noiseWeeks(page.Weeks, now)
	if page.NoiseOf, err = s.deps.Pages.RuleNoise(ctx, id, now); err != nil {
		return err
	}
	if page.Alarms, err = s.deps.Pages.AlarmRows(ctx, views.AlarmQuery{Rule: id, Limit: shownRuleAlarms}); err != nil {
		return err
	}
	page.Held, err = s.heldLines(ctx, tickets.HeldQuery{Rule: id})
	return err
}

// capital begins a sentence of ours.
func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
