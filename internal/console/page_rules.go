package console

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"telltale/internal/views"
	"telltale/rules"
)

// ruleLine is a rule with what it watches in words and its alarms.
type ruleLine struct {
	rules.Rule
	views.RuleAlarms
	Watches string
}

type rulesContents struct {
	*chrome
	Rows  []ruleLine
	Empty empty
}

func (s *Server) rulesPage(w http.ResponseWriter, r *http.Request) {
	c, _, err := s.frame(r, "Rules", "rules")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	declared, err := s.deps.Declarations.LoadRules(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	alarms, err := s.deps.Pages.RuleAlarms(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := rulesContents{chrome: c, Empty: empty{
		Title: "No rules yet", Text: "Declare rules in a file, try them with telltale rules test, and run telltale apply -f FILE.",
	}}
	for _, rule := range declared {
		page.Rows = append(page.Rows, ruleLine{rule, alarms[rule.ID], watches(rule.AppliesTo)})
	}
	slices.SortStableFunc(page.Rows, func(a, b ruleLine) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.ID, b.ID))
	})
	s.show(w, "rules", page)
}

// watches says which devices a selector chooses.
func watches(s rules.Selector) string {
	var parts []string
	if len(s.Models) > 0 {
		parts = append(parts, strings.Join(s.Models, ", "))
	}
	for _, name := range slices.Sorted(keys(s.Tags)) {
		parts = append(parts, name+" = "+s.Tags[name])
	}
	if len(parts) == 0 {
		return "all devices"
	}
	return strings.Join(parts, "; ")
}
