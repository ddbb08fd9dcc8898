package console

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/views"
)

// ruleVersionView is one version of a rule in the list of all.
type ruleVersionView struct {
	Version   int       `json:"version"`
	Author    string    `json:"author" doc:"who declared it"`
	CreatedAt time.Time `json:"created_at"`
}

// ruleTextView is one version whole.
type ruleTextView struct {
	ruleVersionView

	Rule ruleView `json:"rule" doc:"in the shape of its declaration"`
	Text string   `json:"text" doc:"the same as the YAML document it could be declared with again"`
}

type ruleTextAnswer struct{ Body ruleTextView }

func showRuleVersion(v views.RuleVersion) ruleVersionView {
	return ruleVersionView{Version: v.Version, Author: v.Author, CreatedAt: v.At.UTC()}
}

func (s *rest) registerRuleVersions() {
	tags := []string{"rules"}
	route(s, huma.Operation{
		OperationID: "list-rule-versions", Method: http.MethodGet, Path: "/rules/{id}/versions", Tags: tags,
		Summary: "Every version a rule ever had, the latest first",
	}, access.Read, s.listRuleVersions)
	route(s, huma.Operation{
		OperationID: "get-rule-version", Method: http.MethodGet, Path: "/rules/{id}/versions/{version}", Tags: tags,
		Summary: "A rule as it was", Description: "To go back to it, put its text: that is a new version.",
	}, access.Read, s.getRuleVersion)
}

func (s *rest) listRuleVersions(ctx context.Context, in *struct {
	ID string `path:"id"`
	Stretch
}) (*list[ruleVersionView], error) {
	key, err := parseCursor("rule-versions", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	below := 0
	if key != nil {
		if below, err = strconv.Atoi(key[0]); err != nil || below < 1 {
			return nil, errCursor
		}
	}
	all, err := s.deps.RuleHistory.RuleVersions(ctx, in.ID, below, in.Limit+1)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 && below == 0 {
		return nil, huma.Error404NotFound(fmt.Sprintf("There is no rule %q.", in.ID))
	}
	return page("rule-versions", all, in.Limit, showRuleVersion, func(v views.RuleVersion) []string {
		return []string{strconv.Itoa(v.Version)}
	}), nil
}

func (s *rest) getRuleVersion(ctx context.Context, in *struct {
	ID      string `path:"id"`
	Version int    `path:"version" minimum:"1" maximum:"2147483646"`
}) (*ruleTextAnswer, error) {
	v, err := s.deps.RuleHistory.RuleVersion(ctx, in.ID, in.Version)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, huma.Error404NotFound(fmt.Sprintf("There is no version %d of a rule %q.", in.Version, in.ID))
	}
	out := &ruleTextAnswer{Body: ruleTextView{ruleVersionView: showRuleVersion(*v)}}
	if out.Body.Rule, err = showRule(*v.Rule); err != nil {
		return nil, err
	}
	out.Body.Text, err = declare.Text(v.Rule)
	return out, err
}
