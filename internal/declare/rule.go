package declare

import (
	"cmp"
	"path"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/rules"
	"telltale/tickets"
)

// defaultSeverity is that of a rule that does not say.
const defaultSeverity = rules.Minor

func severityWords() []string {
	return []string{rules.Info.String(), rules.Minor.String(), rules.Major.String(), rules.Critical.String()}
}

// readRule reads a rule. Its conditions are compiled later, by Check, when
// all models are known. Version is not declared: the store counts it.
func readRule(f *fields) any {
	r := &rules.Rule{
		ID:          f.mustID("id"),
		Title:       f.text("title"),
		When:        f.mustText("when"),
		For:         f.duration("for"),
		ClearWhen:   f.text("clear_when"),
		ClearFor:    f.duration("clear_for"),
		Severity:    f.severity("severity"),
		Latch:       f.boolean("latch"),
		InhibitedBy: f.texts("inhibited_by"),
		Mode:        rules.Live,
	}
	r.Title = cmp.Or(r.Title, r.ID)
	if slices.Contains(r.InhibitedBy, r.ID) {
		f.values["inhibited_by"].failf("a rule cannot inhibit itself")
	}
	if word := f.oneOf("mode", string(rules.Live), string(rules.Shadow), string(rules.Off)); word != "" {
		r.Mode = rules.Mode(word)
	}
	if v, ok := f.has("applies_to"); ok {
		r.AppliesTo = readSelector(v)
	}
	r.Escalate = readEscalations(f.list("escalate"), r.Severity)
	if v, ok := f.has("ticket"); ok {
		r.Ticket = readTicketTemplate(v)
	}
	return r
}

func (f *fields) severity(key string) rules.Severity {
	v, ok := f.has(key)
	if !ok {
		return defaultSeverity
	}
	severity, err := rules.ParseSeverity(v.oneOf(severityWords()...))
	if err != nil {
		return defaultSeverity // oneOf has said so
	}
	return severity
}

func readSelector(v value) rules.Selector {
	f := v.fields()
	s := rules.Selector{Models: f.texts("models"), Tags: f.textMap("tags")}
	for _, pattern := range s.Models {
		if _, err := path.Match(pattern, ""); err != nil {
			f.values["models"].failf("%q is not a pattern (write FR-* or FR-200)", pattern)
		}
	}
	f.done()
	return s
}

// readEscalations reads the ladder of severities, which must only rise.
func readEscalations(items []value, severity rules.Severity) []rules.Escalation {
	type step struct {
		rules.Escalation
		item value
	}
	var steps []step
	for _, item := range items {
		f := item.fields()
		s := step{rules.Escalation{After: f.mustDuration("after")}, item}
		if _, ok := f.must("severity"); ok {
			s.Severity = f.severity("severity")
		}
		f.done()
		steps = append(steps, s)
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.After, b.After) })

	var ladder []rules.Escalation
	var last time.Duration
	for _, s := range steps {
		switch {
		case s.After == last && last > 0:
			s.item.failf("there are two steps after %s", FormatDuration(s.After))
		case s.Severity <= severity:
			s.item.failf("severity %s does not rise above %s", s.Severity, severity)
		}
		last, severity = s.After, max(severity, s.Severity)
		ladder = append(ladder, s.Escalation)
	}
	return ladder
}

// readTicketTemplate reads a mapping, or the word none.
func readTicketTemplate(v value) rules.TicketTemplate {
	if v.node.Kind == yaml.ScalarNode {
		if v.node.Value != "none" {
			v.failf("must be a mapping, or the word none, not %s", describe(v.node))
		}
		return rules.TicketTemplate{None: true}
	}
	f := v.fields()
	t := rules.TicketTemplate{
		Subject:  f.text("subject"),
		Priority: f.oneOf("priority", priorityWords()...),
		Team:     f.text("team"),
		Article:  f.id("article"),
	}
	f.done()
	return t
}

func priorityWords() []string {
	return []string{string(tickets.Low), string(tickets.Normal), string(tickets.High), string(tickets.Urgent)}
}

type ruleSpec struct {
	ID          string           `json:"id"`
	Title       string           `json:"title"`
	AppliesTo   *selectorSpec    `json:"applies_to,omitempty"`
	When        string           `json:"when"`
	For         string           `json:"for,omitempty"`
	ClearWhen   string           `json:"clear_when,omitempty"`
	ClearFor    string           `json:"clear_for,omitempty"`
	Severity    string           `json:"severity"`
	Escalate    []escalationSpec `json:"escalate,omitempty"`
	Latch       bool             `json:"latch,omitempty"`
	InhibitedBy []string         `json:"inhibited_by,omitempty"`
	Ticket      any              `json:"ticket,omitempty"` // *ticketSpec or "none"
	Mode        string           `json:"mode"`
}

type selectorSpec struct {
	Models []string          `json:"models,omitempty"`
	Tags   map[string]string `json:"tags,omitempty"`
}

type escalationSpec struct {
	After    string `json:"after"`
	Severity string `json:"severity"`
}

type ticketSpec struct {
	Subject  string `json:"subject,omitempty"`
	Priority string `json:"priority,omitempty"`
	Team     string `json:"team,omitempty"`
	Article  string `json:"article,omitempty"`
}

func encodeRule(r *rules.Rule) ruleSpec {
	spec := ruleSpec{
		ID: r.ID, Title: r.Title, When: r.When, For: optionalDuration(r.For), ClearWhen: r.ClearWhen,
		ClearFor: optionalDuration(r.ClearFor), Severity: r.Severity.String(), Latch: r.Latch,
		InhibitedBy: r.InhibitedBy, Mode: string(r.Mode),
	}
	if len(r.AppliesTo.Models)+len(r.AppliesTo.Tags) > 0 {
		spec.AppliesTo = &selectorSpec{r.AppliesTo.Models, r.AppliesTo.Tags}
	}
	for _, e := range r.Escalate {
		spec.Escalate = append(spec.Escalate, escalationSpec{FormatDuration(e.After), e.Severity.String()})
	}
	t := r.Ticket
	switch {
	case t.None:
		spec.Ticket = "none"
	case t != rules.TicketTemplate{}:
		spec.Ticket = &ticketSpec{t.Subject, t.Priority, t.Team, t.Article}
	}
	return spec
}
