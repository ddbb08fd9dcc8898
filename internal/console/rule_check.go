package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/rules"
)

// ruleCheck is what is found of a rule's text while somebody writes it.
type ruleCheck struct {
	Set      *declare.Set // what the text declares; nil with faults
	Rule     *rules.Rule  // the one in it; nil with faults
	Faults   []textFault
	Warnings []textFault // valid, and probably not meant
	Summary  []string
	Plan     declare.Plan
	Tests    testRun
}

// textFault is something about a place in a text.
type textFault struct {
	Line    int    `json:"line" doc:"from 1; 0: about the text as a whole"`
	Column  int    `json:"column" doc:"from 1, in characters; 0: the whole line"`
	Field   string `json:"field,omitempty" doc:"path of the key it is about"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty" doc:"what to write instead"`
}

// Valid says that the text may be saved.
func (c *ruleCheck) Valid() bool { return len(c.Faults) == 0 }

// Headline says in one sentence how the text stands.
func (c *ruleCheck) Headline() string {
	switch {
	case len(c.Faults) == 1:
		return "One error, " + c.Faults[0].place() + "."
	case len(c.Faults) > 1:
		return fmt.Sprintf("%d errors, the first %s.", len(c.Faults), c.Faults[0].place())
	case c.Plan.Empty():
		return "Valid, and the same as the rule in force."
	case c.Plan.Count(declare.Created) > 0:
		return "Valid: a new rule."
	default:
		return "Valid: changes the rule in force."
	}
}

func (f textFault) place() string {
	switch {
	case f.Line == 0:
		return "about the whole text"
	case f.Column == 0:
		return fmt.Sprintf("in line %d", f.Line)
	default:
		return fmt.Sprintf("in line %d, column %d", f.Line, f.Column)
	}
}

// checkRule finds all that can be said of a rule's text without changing
// anything. With an id, the text must declare that rule.
func (s *Server) checkRule(ctx context.Context, text, id string) (*ruleCheck, error) {
	c := &ruleCheck{}
	draft := declare.ReadDraft(declare.Source{Text: []byte(text)})
	plan, warnings, err := s.deps.Declarations.CheckDraft(ctx, draft)
	var faults declare.Errors
	if errors.As(err, &faults) {
		c.Faults = textFaults(faults)
	} else if err != nil {
		return nil, err
	}
	c.Faults = append(c.Faults, oneRule(draft, text, id)...)
	if !c.Valid() {
		return c, nil
	}
	if c.Set, err = draft.Set(); err != nil {
		return nil, err
	}
	c.Rule, c.Plan, c.Warnings = c.Set.Rules[0], plan, textFaults(warnings)
	models, err := s.deps.Pages.Models(ctx)
	if err != nil {
		return nil, err
	}
	c.Summary = rules.Summarize(c.Rule, modelList(models))
	c.Tests, err = s.runTests(ctx, c.Set, models)
	return c, err
}

// oneRule makes sure that a text is about one rule, and about the right one.
func oneRule(draft *declare.Draft, text, id string) []textFault {
	found := draft.Readable()
	switch {
	case strings.TrimSpace(text) == "":
		return []textFault{{Message: "there is nothing here: write a rule"}}
	case found.Len() > 1 || found.Len() == 1 && len(found.Rules) == 0:
		return []textFault{{Message: "this must hold one rule and nothing else; other declarations are applied from files"}}
	case len(found.Rules) == 1 && id != "" && found.Rules[0].ID != id:
		return []textFault{{
			Line: lineOfKey(text, "id:"), Field: "id",
			Message: fmt.Sprintf("must stay %q: a rule with another id is another rule", id),
		}}
	case found.Len() == 0:
		if set, err := draft.Set(); err == nil && set.Len() == 0 {
			return []textFault{{Message: "there is nothing but comments here: write a rule"}}
		}
	}
	return nil
}

// lineOfKey returns the line that begins with a key, 0 when there is none.
func lineOfKey(text, key string) int {
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, key) {
			return i + 1
		}
	}
	return 0
}

// mostFaults bounds the list: a text of another kind can have a fault per
// line.
const mostFaults = 100

func textFaults(faults declare.Errors) []textFault {
	all := make([]textFault, 0, min(len(faults), mostFaults))
	for _, f := range faults[:min(len(faults), mostFaults)] {
		all = append(all, textFault{Line: f.Line, Column: f.Column, Field: f.Field, Message: f.Message, Hint: f.Hint})
	}
	return all
}

func modelList(models map[string]*devices.Model) []*devices.Model {
	return slices.SortedFunc(maps.Values(models), func(a, b *devices.Model) int { return strings.Compare(a.ID, b.ID) })
}
