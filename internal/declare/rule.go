package declare

import (
	"cmp"
	"encoding/json"
	"path"

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
		ID:        f.mustID("id"),
		Title:     f.text("title"),
		When:      f.mustText("when"),
		For:       f.duration("for"),
		ClearWhen: f.text("clear_when"),
		ClearFor:  f.duration("clear_for"),
		Severity:  f.severity("severity"),
		Mode:      rules.Live,

		ReopenWithin: f.duration("reopen_within"),
	}
	r.Title = cmp.Or(r.Title, r.ID)
	f.readLatch(r)
	r.InhibitedBy = readInhibitors(f.list("inhibited_by"), r.ID)
	if v, ok := f.has("chattering"); ok {
		r.Chattering = readChattering(v)
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
	if v, ok := f.has("tests"); ok {
		r.Tests = readTests(v)
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
	Latch       any              `json:"latch,omitempty"`        // true, or the severity to latch from
	InhibitedBy []any            `json:"inhibited_by,omitempty"` // ids, or *inhibitorSpec
	Chattering  *chatteringSpec  `json:"chattering,omitempty"`
	Reopen      string           `json:"reopen_within,omitempty"`
	Ticket      any              `json:"ticket,omitempty"` // *ticketSpec or "none"
	Mode        string           `json:"mode"`
	Tests       json.RawMessage  `json:"tests,omitempty"`
}

type selectorSpec struct {
	Models []string          `json:"models,omitempty"`
	Tags   map[string]string `json:"tags,omitempty"`
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
		ClearFor: optionalDuration(r.ClearFor), Severity: r.Severity.String(), Latch: encodeLatch(r),
		InhibitedBy: encodeInhibitors(r.InhibitedBy), Chattering: encodeChattering(r.Chattering),
		Reopen: optionalDuration(r.ReopenWithin), Escalate: encodeEscalations(r.Escalate), Mode: string(r.Mode),
		Tests: json.RawMessage(r.Tests),
	}
	if len(r.AppliesTo.Models)+len(r.AppliesTo.Tags) > 0 {
		spec.AppliesTo = &selectorSpec{r.AppliesTo.Models, r.AppliesTo.Tags}
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
