package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/rules"
	"telltale/rules/backtest"
)

// shadowContents is the page that compares what a rule on trial has recorded
// with what the rule has done that it is to replace.
type shadowContents struct {
	*chrome
	Rule    *rules.Rule
	Others  []rules.Rule // that it may be compared with
	Against *rules.Rule  // nil: there is none
	Days    int
	Spans   []int

	From      time.Time // since when there is something to compare
	Shortened bool      // the rule has not been on trial for all the days
	Changed   time.Time // its wording changed in this time; zero: it did not
	Headline  string
	Notes     []string
	Compared  comparedContents
	Hint      empty // when there is nothing to compare
}

// recordedAlarms bounds the alarms of each side that are compared.
const recordedAlarms = 20_000

// shadowDays are the stretches that may be chosen; the first is the default.
func shadowDays() []int { return []int{7, 1, 30, 90} }

// shadowQuestion is what the address of the page asks.
type shadowQuestion struct {
	rule    *rules.Rule
	others  []rules.Rule
	against *rules.Rule
	days    int

	watchedByBoth []string // ascending
}

func (s *Server) shadowQuestion(r *http.Request) (q shadowQuestion, err error) {
	var all []rules.Rule
	if q.rule, all, err = s.theRule(r.Context(), r.PathValue("id")); err != nil {
		return q, err
	}
	for _, other := range all {
		if other.ID != q.rule.ID && other.Mode != rules.Off {
			q.others = append(q.others, other)
		}
	}
	q.days = shadowDays()[0]
	if n, err := strconv.Atoi(r.URL.Query().Get("days")); err == nil && slices.Contains(shadowDays(), n) {
		q.days = n
	}
	directory, err := s.deps.Declarations.LoadDirectory(r.Context())
	if err != nil {
		return q, err
	}
	if id := r.URL.Query().Get("against"); id != "" {
		i := slices.IndexFunc(q.others, func(o rules.Rule) bool { return o.ID == id })
		if i < 0 {
			return q, huma.Error404NotFound(fmt.Sprintf("There is no rule %q to compare with.", id))
		}
		q.against = &q.others[i]
	} else {
		q.against = nearest(q.rule, q.others, directory)
	}
	if q.against != nil {
		for d := range directory.Devices() {
			if q.rule.AppliesTo.Selects(d.Model, d.Tags) && q.against.AppliesTo.Selects(d.Model, d.Tags) {
				q.watchedByBoth = append(q.watchedByBoth, string(d.ID))
			}
		}
		slices.Sort(q.watchedByBoth)
	}
	return q, nil
}

// address is where the page stands that asks this.
func (q *shadowQuestion) address(base string) string {
	return base + "?" + url.Values{"against": {q.against.ID}, "days": {strconv.Itoa(q.days)}}.Encode()
}

func (s *Server) shadowPage(w http.ResponseWriter, r *http.Request) {
	q, err := s.shadowQuestion(r)
	if err != nil {
		s.failRule(w, r, err)
		return
	}
	heading := ruleName(q.rule)
	if q.rule.Mode == rules.Shadow {
		heading = "On trial: " + heading
	}
	c, _, err := s.frame(r, heading, "rules")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := &shadowContents{chrome: c, Rule: q.rule, Others: q.others, Against: q.against, Days: q.days, Spans: slices.Sorted(slices.Values(shadowDays()))}
	if err := s.fillShadow(r, page, &q); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, "shadow", page)
}

func (s *Server) fillShadow(r *http.Request, page *shadowContents, q *shadowQuestion) error {
	switch {
	case q.rule.Mode != rules.Shadow:
		page.Hint = empty{Title: "This rule is not on trial", Text: "Only a rule with mode: shadow records alarms without tickets. A backtest says what this one would have done on the past."}
		return nil
	case q.against == nil:
		page.Hint = empty{Title: "Nothing to compare with", Text: "No live rule speaks of the same metrics on the same devices. Choose one."}
		return nil
	}
	found, err := s.shadowComparison(r.Context(), q, page.Now)
	if err != nil {
		return err
	}
	if found.to.Sub(found.from) < time.Minute {
		page.Hint = empty{Title: "Only just begun", Text: "Both rules have been in force as they are now for less than a minute."}
		return nil
	}
	page.From, page.Shortened, page.Changed = found.from, found.shortened, found.changed
	page.Headline, page.Notes = found.headline(q), found.notes(q)
	page.Compared, err = s.compared(r, page.viewer, &found.comparison)
	return err
}

// shadowFound is what both rules have recorded.
type shadowFound struct {
	comparison
	own, other backtest.Figures
	opened     int // tickets that the other's alarms have
	shortened  bool
	changed    time.Time
	more       bool
}

// shadowComparison compares the alarms of two rules, as they were recorded,
// since both have been in their modes.
func (s *Server) shadowComparison(ctx context.Context, q *shadowQuestion, now time.Time) (*shadowFound, error) {
	f := &shadowFound{}
	f.from, f.to = now.Add(-time.Duration(q.days)*24*time.Hour), now
	since, changed, err := s.deps.Pages.RuleInMode(ctx, q.rule.ID)
	if err != nil {
		return nil, err
	}
	otherSince, _, err := s.deps.Pages.RuleInMode(ctx, q.against.ID)
	if err != nil {
		return nil, err
	}
	for _, begin := range []time.Time{since, otherSince} {
		if begin.After(f.from) {
			f.from, f.shortened = begin, true
		}
	}
	if changed.After(f.from) {
		f.changed = changed
	}
	own, err := s.deps.Pages.RecordedAlarms(ctx, q.rule.ID, q.rule.Mode, f.from, f.to, recordedAlarms)
	if err != nil {
		return nil, err
	}
	other, err := s.deps.Pages.RecordedAlarms(ctx, q.against.ID, q.against.Mode, f.from, f.to, recordedAlarms)
	if err != nil {
		return nil, err
	}
	// Alarms that were raised before count only as what later ones are the
	// same as.
	for _, p := range backtest.Compare(own.Alarms, other.Alarms, true).Pairs {
		if p.RaisedAt != nil && !p.RaisedAt.Before(f.from) || p.OtherRaisedAt != nil && !p.OtherRaisedAt.Before(f.from) {
			f.pairs = append(f.pairs, p)
		}
	}
	f.own, f.other = f.figures(own.Alarms, q.rule), f.figures(other.Alarms, q.against)
	f.opened, f.more, f.compared = other.Tickets, own.More || other.More, true
	f.names = [2]string{"on trial", string(q.against.Mode)}
	if q.against.Mode == rules.Shadow {
		f.names = [2]string{"this", "other"}
	}
	f.candidates = q.watchedByBoth
	f.limits = []ruleLimit{{q.rule.ID, q.rule.When}, {q.against.ID, q.against.When}}
	f.page, f.source = q.address("/rules/"+url.PathEscape(q.rule.ID)+"/shadow"), q.address("/charts/shadow/"+url.PathEscape(q.rule.ID))
	return f, nil
}

// figures counts what a rule raised in the time that is compared.
func (f *shadowFound) figures(alarms []backtest.Alarm, rule *rules.Rule) backtest.Figures {
	within := slices.DeleteFunc(slices.Clone(alarms), func(a backtest.Alarm) bool { return a.RaisedAt.Before(f.from) })
	return backtest.FiguresOf(within, func(string) (rules.Rule, bool) { return *rule, true }, f.from, f.to)
}

// headline says in a sentence or two what the trial has shown.
func (f *shadowFound) headline(q *shadowQuestion) string {
	compared := &backtest.Comparison{Figures: f.other}
	stretch := f.to.Sub(f.from)
	const day = 24 * time.Hour
	switch {
	case stretch >= 2*day:
		stretch = stretch.Round(day)
	case stretch >= time.Hour:
		stretch = stretch.Round(time.Hour)
	}
	return outcome(stretch, "this rule", f.own, compared, q.against.ID, q.against.Mode != rules.Live) + " " +
		missed(f.pairs, f.to, "It", q.against.ID)
}

// notes say what a careful reader wants to know of the figures.
func (f *shadowFound) notes(q *shadowQuestion) []string {
	var notes []string
	if f.opened > 0 && f.opened != f.other.Tickets {
		notes = append(notes, fmt.Sprintf("A ticket is counted for each alarm. %s has in fact opened %s, since an alarm joins a ticket that is not solved yet.",
			q.against.ID, plural(int64(f.opened), "ticket")))
	}
	if f.more {
		notes = append(notes, fmt.Sprintf("Only the latest %s alarms of each rule are compared.", count(recordedAlarms)))
	}
	return notes
}

func (s *Server) shadowChart(w http.ResponseWriter, r *http.Request) {
	q, err := s.shadowQuestion(r)
	if err != nil || q.against == nil {
		writeProblem(w, http.StatusNotFound, "There are no two such rules to compare.")
		return
	}
	found, err := s.shadowComparison(r.Context(), &q, s.now())
	if err != nil {
		s.chartProblem(w, r, err)
		return
	}
	s.sendLanes(w, r, &found.comparison)
}
