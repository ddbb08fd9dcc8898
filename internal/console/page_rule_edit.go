package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"telltale/internal/declare"
	"telltale/internal/views"
	"telltale/rules"
)

// newRuleText is what a new rule begins as.
const newRuleText = `kind: Rule
id: my-rule
title: What people are told
applies_to: {models: ["*"]}
when: temperature > 8
for: 10m
severity: minor
mode: shadow
`

type ruleEditContents struct {
	*chrome
	ID    string // "" for a new one
	Name  string
	Base  int // the version that the text was made from; 0: of no rule
	Text  string
	Rows  int           // of the field
	Check *ruleCheck    // what is found of the text
	Diff  []diffLine    // from the rule in force to the text; nil: none, or it has errors
	Other *ruleConflict // somebody else was faster

	Unsaved bool     // the text was sent, or filled in, and not stored
	Adopted *adopted // from a backtest; nil: nothing
}

// ruleConflict is the version that was saved meanwhile.
type ruleConflict struct {
	Version *views.RuleVersion // nil: the rule is new, and there is one already
	Diff    []diffLine         // from that version to the text
}

// editRulePage opens the editor on a rule, as it is, as it was in the version
// that the address names (to go back is to save that text again), or with what
// is taken over from a backtest.
func (s *Server) editRulePage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	current, err := s.ruleNamed(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if current == nil {
		s.noRule(w, r)
		return
	}
	shown := current
	if n := versionOf(r.URL.Query().Get("version"), current.Version); n != current.Version {
		if shown, err = s.deps.Pages.RuleAt(r.Context(), id, n); err != nil {
			s.fail(w, r, err)
			return
		}
		if shown == nil {
			s.renderError(w, r, http.StatusNotFound, "There is no such version of the rule.")
			return
		}
	}
	taken, err := s.adopt(r, current)
	if err != nil {
		s.failRule(w, r, err)
		return
	}
	if taken != nil {
		shown = &taken.Rule
	}
	text, err := declare.Text(shown)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.showEditor(w, r, http.StatusOK, ruleEditContents{ID: id, Base: current.Version, Text: text, Adopted: taken, Unsaved: taken != nil})
}

func (s *Server) newRulePage(w http.ResponseWriter, r *http.Request) {
	s.showEditor(w, r, http.StatusOK, ruleEditContents{Text: newRuleText})
}

// ruleForm reads the editor's form. Browsers send line ends as two bytes.
func ruleForm(r *http.Request) ruleEditContents {
	base, _ := strconv.Atoi(r.PostFormValue("base")) // what is no number expects a new rule
	return ruleEditContents{
		ID: r.PathValue("id"), Base: base, Unsaved: true, Text: strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n"),
	}
}

// saveRule stores the text as a new version, or shows what is wrong with it.
// With the button "Check" it only shows.
func (s *Server) saveRule(w http.ResponseWriter, r *http.Request) {
	page := ruleForm(r)
	found, err := s.checkRule(r.Context(), page.Text, page.ID)
	switch {
	case err != nil:
		s.fail(w, r, err)
		return
	case r.PostFormValue("act") == "check":
		page.Check = found
		s.showEditor(w, r, http.StatusOK, page)
		return
	case !found.Valid():
		page.Check = found
		s.showEditor(w, r, http.StatusUnprocessableEntity, page)
		return
	}
	found.Set.Expect(found.Rule.ID, page.Base)
	_, err = s.deps.Declarations.Apply(r.Context(), found.Set, actorOf(r.Context()))
	var stale *declare.StaleError
	var faults declare.Errors
	switch {
	case errors.As(err, &stale):
		page.Check = found
		s.showConflict(w, r, page, stale)
	case errors.As(err, &faults): // what it names was changed since it was checked
		page.Check = &ruleCheck{Faults: textFaults(faults)}
		s.showEditor(w, r, http.StatusUnprocessableEntity, page)
	case err != nil:
		s.fail(w, r, err)
	default:
		back(w, r, rulePath(found.Rule.ID)+"?saved")
	}
}

// showConflict refuses to save over what somebody else has saved meanwhile.
// The text is kept; to save it once more replaces theirs knowingly.
func (s *Server) showConflict(w http.ResponseWriter, r *http.Request, page ruleEditContents, stale *declare.StaleError) {
	page.Other = &ruleConflict{}
	if page.ID == "" {
		s.showEditor(w, r, http.StatusConflict, page)
		return
	}
	theirs, err := s.deps.RuleHistory.RuleVersion(r.Context(), page.ID, stale.Have)
	if err == nil && theirs == nil {
		s.noRule(w, r)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Other.Version, page.Base = theirs, stale.Have
	if page.Other.Diff, err = s.diffFrom(theirs.Rule, page.Check.Rule); err != nil {
		s.fail(w, r, err)
		return
	}
	s.showEditor(w, r, http.StatusConflict, page)
}

// diffFrom compares two rules by their texts, so that how somebody wrote one
// makes no difference.
func (s *Server) diffFrom(before, after *rules.Rule) ([]diffLine, error) {
	old, err := declare.Text(before)
	if err != nil {
		return nil, err
	}
	text, err := declare.Text(after)
	if err != nil {
		return nil, err
	}
	return diffTexts(old, text), nil
}

// Size of the editor's field, in lines.
const (
	fewestRows = 22
	mostRows   = 44
)

// showEditor answers with the editor around a text.
func (s *Server) showEditor(w http.ResponseWriter, r *http.Request, status int, page ruleEditContents) {
	title := "New rule"
	if page.ID != "" {
		title = "Edit " + page.ID
	}
	c, _, err := s.frame(r, title, "rules")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.chrome, page.Name = c, title
	page.Rows = min(max(strings.Count(page.Text, "\n")+3, fewestRows), mostRows)
	if err := s.judgeText(r.Context(), &page); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, status, "rule-edit", "layout", page)
}

// judgeText fills in what is found of the text, unless that is known.
func (s *Server) judgeText(ctx context.Context, page *ruleEditContents) (err error) {
	if page.Check == nil {
		if page.Check, err = s.checkRule(ctx, page.Text, page.ID); err != nil {
			return err
		}
	}
	page.Check.Tests.Linked = true
	if page.Check.Rule == nil || page.ID == "" {
		return nil
	}
	current, err := s.ruleNamed(ctx, page.ID)
	if err != nil || current == nil {
		return err
	}
	page.Diff, err = s.diffFrom(current, page.Check.Rule)
	return err
}

// checkRuleFragment answers the editor while somebody types, with the part of
// the page that says what is found.
func (s *Server) checkRuleFragment(w http.ResponseWriter, r *http.Request) {
	page := ruleForm(r)
	page.ID = r.PostFormValue("id")
	page.chrome = s.bareFrame(r, "")
	if err := s.judgeText(r.Context(), &page); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, http.StatusOK, "rule-edit", "verdict", page)
}
