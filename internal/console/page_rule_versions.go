package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"

	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/views"
)

type ruleVersionsContents struct {
	*chrome
	ID, Name   string
	Rows       []views.RuleVersion
	Pager      pager
	From, To   *views.RuleVersion // what is compared; nil: nothing is
	Diff       []diffLine
	Current    int // the version in force
	MayDeclare bool
}

// ruleVersionsPage lists a rule's versions and shows what differs between two
// of them: those that the address names, or else the latest two.
func (s *Server) ruleVersionsPage(w http.ResponseWriter, r *http.Request) {
	ctx, id := r.Context(), r.PathValue("id")
	query := r.URL.Query()
	below, _ := strconv.Atoi(query.Get("after")) // what is no number is the first page
	rows, err := s.deps.RuleHistory.RuleVersions(ctx, id, max(below, 0), views.DefaultLimit+1)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	latest, err := s.deps.RuleHistory.RuleVersions(ctx, id, 0, 2)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(latest) == 0 {
		s.noRule(w, r)
		return
	}
	c, _, err := s.frame(r, "Versions of "+cmp.Or(latest[0].Rule.Title, id), "rules")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := ruleVersionsContents{
		chrome: c, ID: id, Name: cmp.Or(latest[0].Rule.Title, id), Current: latest[0].Version, MayDeclare: c.Person.Can(access.Declare),
	}
	next := ""
	if len(rows) > views.DefaultLimit {
		rows = rows[:views.DefaultLimit]
		next = strconv.Itoa(rows[len(rows)-1].Version)
	}
	page.Rows, page.Pager = rows, pagerOf(r, next)
	from, to := versionOf(query.Get("from"), page.Current-1), versionOf(query.Get("to"), page.Current)
	if err := s.compareVersions(r, &page, min(from, to), max(from, to)); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, "rule-versions", page)
}

// versionOf reads a version from the address.
func versionOf(text string, otherwise int) int {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return otherwise
	}
	return int(n)
}

// compareVersions fills in the difference, if there are two such versions.
func (s *Server) compareVersions(r *http.Request, page *ruleVersionsContents, from, to int) error {
	if from < 1 || from == to {
		return nil
	}
	var texts [2]string
	found := [2]*views.RuleVersion{}
	for i, n := range []int{from, to} {
		v, err := s.deps.RuleHistory.RuleVersion(r.Context(), page.ID, n)
		if err != nil || v == nil {
			return err
		}
		if texts[i], err = declare.Text(v.Rule); err != nil {
			return err
		}
		found[i] = v
	}
	page.From, page.To = found[0], found[1]
	page.Diff = diffTexts(texts[0], texts[1])
	return nil
}

// Chosen reports whether a version is one of the two that are compared.
func (page ruleVersionsContents) Chosen(version int) bool {
	return slices.ContainsFunc([]*views.RuleVersion{page.From, page.To}, func(v *views.RuleVersion) bool {
		return v != nil && v.Version == version
	})
}
