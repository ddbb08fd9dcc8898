package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"telltale/internal/access"
	"telltale/internal/views"
	"telltale/rules"
)

// ruleLine is a rule with what it watches in words and its alarms.
type ruleLine struct {
	rules.Rule
	views.RuleAlarms
	Raises  string // its condition in words
	Watches string
	Health  views.RuleHealth
}

// Noise is how many alarms the rule raised in the last seven days.
func (l ruleLine) Noise() int64 { return l.Weeks[views.NoiseWeeks-1] }

// ruleSort is one order of the list of rules.
type ruleSort struct {
	Key, Name string
	compare   func(a, b ruleLine) int
}

// ruleSorts lists the orders; the first is the default. Rules that are alike
// in one stand by their ids.
func ruleSorts() []ruleSort {
	return []ruleSort{
		{"", "Gravest first", func(a, b ruleLine) int { return cmp.Compare(b.Severity, a.Severity) }},
		{"noise", "Noisiest first", func(a, b ruleLine) int {
			return cmp.Or(cmp.Compare(b.Noise(), a.Noise()), cmp.Compare(b.Total, a.Total))
		}},
		{"raised", "Last raised first", func(a, b ruleLine) int { return b.LastRaised.Compare(a.LastRaised) }},
		{"open", "Most open alarms first", func(a, b ruleLine) int { return cmp.Compare(b.Active, a.Active) }},
		{"name", "By name", func(a, b ruleLine) int {
			return cmp.Compare(strings.ToLower(cmp.Or(a.Title, a.ID)), strings.ToLower(cmp.Or(b.Title, b.ID)))
		}},
	}
}

// ruleTab is one tab of the list, and which rules are behind it.
type ruleTab struct {
	key, name string
	holds     func(ruleLine) bool
}

func ruleTabs() []ruleTab {
	in := func(mode rules.Mode) func(ruleLine) bool { return func(l ruleLine) bool { return l.Mode == mode } }
	return []ruleTab{
		{"", "All", func(ruleLine) bool { return true }},
		{"alarm", "With an open alarm", func(l ruleLine) bool { return l.Active > 0 }},
		{"live", "Live", in(rules.Live)}, {"shadow", "On trial", in(rules.Shadow)}, {"off", "Off", in(rules.Off)},
	}
}

type rulesContents struct {
	*chrome
	Total      int64
	Tabs       []tab
	State      string
	Text, Sort string
	Sorts      []ruleSort
	Rows       []ruleLine
	Pager      pager
	Empty      empty
	MayDeclare bool
}

func (s *Server) rulesPage(w http.ResponseWriter, r *http.Request) {
	c, _, err := s.frame(r, "Rules", "rules")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	lines, err := s.ruleLines(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	get := r.URL.Query().Get
	page := rulesContents{
		chrome: c, Total: int64(len(lines)), State: get("state"), Text: get("q"), Sort: get("sort"), Sorts: ruleSorts(),
		MayDeclare: c.Person.Can(access.Declare),
	}
	lines = page.choose(lines)
	var next string
	if page.Rows, next = stretchOf(lines, get("after")); page.Rows != nil {
		models, err := s.deps.Pages.Models(r.Context())
		if err != nil {
			s.fail(w, r, err)
			return
		}
		known := modelList(models)
		for i := range page.Rows {
			page.Rows[i].Raises = capital(rules.SummarizeCondition(&page.Rows[i].Rule, known))
		}
	}
	page.Pager = pagerOf(r, next)
	page.Empty = empty{Title: "No rule fits", Text: "Take a filter away, or look under All."}
	if page.Total == 0 {
		page.Empty = empty{
			Title: "No rules yet", Text: "Write one here, or declare rules in a file, try them with telltale rules test, and run telltale apply -f FILE.",
		}
	}
	s.show(w, "rules", page)
}

// ruleLines reads all rules and their alarms.
func (s *Server) ruleLines(r *http.Request) ([]ruleLine, error) {
	declared, err := s.deps.Declarations.LoadRules(r.Context())
	if err != nil {
		return nil, err
	}
	alarms, err := s.deps.Pages.RuleAlarms(r.Context(), "", s.now())
	if err != nil {
		return nil, err
	}
	unwell, err := s.deps.Declarations.RuleHealth(r.Context())
	if err != nil {
		return nil, err
	}
	lines := make([]ruleLine, len(declared))
	for i, rule := range declared {
		lines[i] = ruleLine{Rule: rule, RuleAlarms: alarms[rule.ID], Watches: watches(rule.AppliesTo), Health: healthOf(unwell, rule.ID)}
	}
	return lines, nil
}

// choose narrows and orders the lines as the address asks, and counts them for
// the tabs.
func (page *rulesContents) choose(lines []ruleLine) []ruleLine {
	lines = slices.DeleteFunc(lines, func(l ruleLine) bool { return !l.says(page.Text) })
	current := slices.IndexFunc(ruleTabs(), func(t ruleTab) bool { return t.key == page.State })
	if current < 0 {
		current, page.State = 0, ""
	}
	for i, t := range ruleTabs() {
		one := tab{Name: t.name, Href: page.href(t.key), Current: i == current}
		for _, l := range lines {
			if t.holds(l) {
				one.Count++
			}
		}
		if one.Count > 0 || one.Current || t.key == "" {
			page.Tabs = append(page.Tabs, one)
		}
	}
	lines = slices.DeleteFunc(lines, func(l ruleLine) bool { return !ruleTabs()[current].holds(l) })
	order := slices.IndexFunc(page.Sorts, func(s ruleSort) bool { return s.Key == page.Sort })
	if order < 0 {
		order, page.Sort = 0, ""
	}
	slices.SortStableFunc(lines, func(a, b ruleLine) int {
		return cmp.Or(page.Sorts[order].compare(a, b), cmp.Compare(a.ID, b.ID))
	})
	return lines
}

// href is the address of a tab, which keeps what was searched and the order.
func (page *rulesContents) href(state string) string {
	q := url.Values{}
	for key, value := range map[string]string{"state": state, "q": page.Text, "sort": page.Sort} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if len(q) == 0 {
		return "/rules"
	}
	return "/rules?" + q.Encode()
}

// says reports whether a rule's id, title, condition or devices hold a text.
func (l ruleLine) says(text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	return slices.ContainsFunc([]string{l.ID, l.Title, l.When, l.Watches}, func(part string) bool {
		return strings.Contains(strings.ToLower(part), text)
	})
}

// stretchOf cuts the rows behind one, by its id, to a page's length.
func stretchOf(lines []ruleLine, after string) (rows []ruleLine, next string) {
	if i := slices.IndexFunc(lines, func(l ruleLine) bool { return l.ID == after }); i >= 0 {
		lines = lines[i+1:]
	}
	if len(lines) <= views.DefaultLimit {
		return lines, ""
	}
	return lines[:views.DefaultLimit], lines[views.DefaultLimit-1].ID
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
