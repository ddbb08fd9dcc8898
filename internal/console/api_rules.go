package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/views"
	"telltale/rules"
)

// ruleView is a rule in the shape of its declaration, with its version beside.
type ruleView map[string]any

// ruleAnswer is a rule; its version is the entity tag as well, for If-Match.
type ruleAnswer struct {
	ETag string `header:"ETag" doc:"the rule's version"`
	Body ruleView
}

// ruleInput is a rule as YAML or JSON, in the shape of the declaration; kind
// and id may be left out.
type ruleInput struct {
	ID          string `path:"id"`
	ContentType string `header:"Content-Type"`
	IfMatch     string `header:"If-Match" pattern:"^\"[0-9]{1,9}\"$" doc:"the version that the change was made from, as ETag has it; any other in force refuses the change. \"0\": the rule must be new"`
	RawBody     []byte `contentType:"application/yaml"`
}

func (s *rest) registerRules() {
	tags := []string{"rules"}
	route(s, huma.Operation{
		OperationID: "list-rules", Method: http.MethodGet, Path: "/rules", Tags: tags,
		Summary: "All rules in their present version, in the shape of their declaration",
	}, access.Read, s.listRules)
	route(s, huma.Operation{
		OperationID: "get-rule", Method: http.MethodGet, Path: "/rules/{id}", Tags: tags, Summary: "One rule",
	}, access.Read, s.getRule)
	route(s, huma.Operation{
		OperationID: "put-rule", Method: http.MethodPut, Path: "/rules/{id}", Tags: tags, MaxBodyBytes: maxBody,
		Summary:     "Check a rule and store it as a new version",
		Description: "Takes the rule as YAML or JSON; kind and id may be left out. A rule that is already so keeps its version. If-Match refuses a change of a rule that somebody else has changed meanwhile.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, access.Declare, s.putRule)
}

// showRule shows a rule with how it fares; one that is in none of the unwell
// is well.
func showRule(r rules.Rule) (ruleView, error) {
	text, err := declare.Encode(&r)
	if err != nil {
		return nil, err
	}
	var view ruleView
	if err := json.Unmarshal(text, &view); err != nil {
		return nil, fmt.Errorf("read spec of rule %s: %w", r.ID, err)
	}
	view["version"] = r.Version
	return view, nil
}

// showRuleInForce shows a rule as it stands, with how it fares.
func showRuleInForce(r rules.Rule, unwell map[string]views.RuleHealth) (ruleView, error) {
	view, err := showRule(r)
	if err != nil {
		return nil, err
	}
	view["health"] = healthOf(unwell, r.ID)
	return view, nil
}

func (s *rest) listRules(ctx context.Context, _ *struct{}) (*list[ruleView], error) {
	all, err := s.deps.Declarations.LoadRules(ctx)
	if err != nil {
		return nil, err
	}
	unwell, err := s.deps.Declarations.RuleHealth(ctx)
	if err != nil {
		return nil, err
	}
	out := &list[ruleView]{}
	out.Body.Items = make([]ruleView, len(all))
	for i, r := range all {
		if out.Body.Items[i], err = showRuleInForce(r, unwell); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *rest) getRule(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*ruleAnswer, error) {
	return s.rule(ctx, in.ID)
}

func (s *rest) rule(ctx context.Context, id string) (*ruleAnswer, error) {
	all, err := s.deps.Declarations.LoadRules(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.ID == id {
			unwell, err := s.deps.Declarations.RuleHealth(ctx)
			if err != nil {
				return nil, err
			}
			body, err := showRuleInForce(r, unwell)
			return &ruleAnswer{ETag: fmt.Sprintf("%q", fmt.Sprint(r.Version)), Body: body}, err
		}
	}
	return nil, huma.Error404NotFound(fmt.Sprintf("There is no rule %q.", id))
}

func (s *rest) putRule(ctx context.Context, in *ruleInput) (*ruleAnswer, error) {
	text, err := in.document()
	if err != nil {
		return nil, err
	}
	set, err := declare.ParseSources(declare.Source{Name: "body", Text: text})
	if err != nil {
		return nil, declarationProblem(err)
	}
	if set.Len() != 1 || len(set.Rules) != 1 {
		return nil, invalid("body", "must hold one rule and nothing else", nil)
	}
	if set.Rules[0].ID != in.ID {
		return nil, invalid("body.id", fmt.Sprintf("must be %q, as in the address", in.ID), set.Rules[0].ID)
	}
	if in.IfMatch != "" {
		version, err := strconv.Atoi(strings.Trim(in.IfMatch, `"`))
		if err != nil {
			return nil, invalid("header.If-Match", "must be a version in quotes", in.IfMatch)
		}
		set.Expect(in.ID, version)
	}
	if _, err := s.deps.Declarations.Apply(ctx, set, actorOf(ctx)); err != nil {
		return nil, declarationProblem(err)
	}
	return s.rule(ctx, in.ID)
}

// document returns the rule as a declaration: with kind and id.
func (in *ruleInput) document() ([]byte, error) {
	if media, _, _ := mime.ParseMediaType(in.ContentType); media != "application/json" {
		return withHead(in.RawBody, in.ID)
	}
	decoder := json.NewDecoder(bytes.NewReader(in.RawBody))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return nil, invalid("body", fmt.Sprintf("is no JSON object: %v", err), nil)
	}
	if fields == nil {
		return nil, invalid("body", "must be a JSON object", nil)
	}
	return json.Marshal(addHead(fields, in.ID)) // JSON is YAML
}
