package declare

import (
	"cmp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/rules"
)

// readLatch reads true, false, or the severity from which an alarm latches.
func (f *fields) readLatch(r *rules.Rule) {
	v, ok := f.has("latch")
	if !ok {
		return
	}
	if v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!bool" {
		r.Latch = v.boolean()
		return
	}
	text, ok := v.text()
	if !ok {
		return
	}
	severity, err := rules.ParseSeverity(text)
	if err != nil {
		v.failf("must be true, false or the severity to latch from (%s), not %q", join(severityWords()), text)
		return
	}
	r.Latch, r.LatchFrom = true, severity
}

// readInhibitors reads rules by their id, or as {rule: ..., scope: ...}.
func readInhibitors(items []value, self string) []rules.Inhibitor {
	var all []rules.Inhibitor
	for _, item := range items {
		var one rules.Inhibitor
		if item.node.Kind == yaml.MappingNode {
			f := item.fields()
			one.Rule = f.mustID("rule")
			one.Scope = rules.Scope(f.oneOf("scope", string(rules.SameDevice), string(rules.SameSite), string(rules.SameGateway)))
			f.done()
		} else {
			one.Rule = item.identifier()
		}
		if one.Scope == rules.SameDevice {
			one.Scope = ""
		}
		switch {
		case one.Rule == "":
		case one.Rule == self:
			item.failf("a rule cannot inhibit itself")
		case slices.Contains(all, one):
			item.failf("%q is there twice", one.Rule)
		default:
			all = append(all, one)
		}
	}
	return all
}

// Defaults of a rule's chattering; by itself, no rule has any.
const defaultChatterWithin = 30 * time.Minute

func readChattering(v value) rules.Chattering {
	f := v.fields()
	var c rules.Chattering
	if times, ok := f.must("times"); ok {
		if n := times.count(); n > 1000 {
			times.failf("must be 1000 at most")
		} else {
			c.Times = int(n)
		}
	}
	c.Within = cmp.Or(f.positive("within"), defaultChatterWithin)
	c.Quiet = cmp.Or(f.positive("quiet"), c.Within)
	f.done()
	return c
}

// positive reads an optional duration above zero.
func (f *fields) positive(key string) time.Duration {
	if _, ok := f.has(key); !ok {
		return 0
	}
	return f.mustDuration(key)
}

// step is one step of a ladder and where it is written.
type step struct {
	rules.Escalation
	item value
}

// readStep reads a step by age or by condition. One that is neither, or both,
// is reported and comes back without either.
func readStep(item value) step {
	f := item.fields()
	s := step{item: item}
	_, aged := f.has("after")
	_, conditional := f.has("when")
	switch {
	case aged && conditional:
		item.failf("a step has either after or when")
		f.asked = append(f.asked, "for", "clear_when", "clear_for")
	case aged:
		s.After = f.mustDuration("after")
	case conditional:
		s.When, s.For = f.mustText("when"), f.duration("for")
		s.ClearWhen, s.ClearFor = f.text("clear_when"), f.duration("clear_for")
	case item.node.Kind == yaml.MappingNode:
		item.failf("after or when is missing")
		f.asked = append(f.asked, "for", "clear_when", "clear_for")
	}
	if _, ok := f.must("severity"); ok {
		s.Severity = f.severity("severity")
	} else {
		s.Severity = rules.Critical // so that nothing else is said of it
	}
	f.done()
	return s
}

// readEscalations reads the ladder of severities: steps by age, which must
// only rise, and steps by condition.
func readEscalations(items []value, severity rules.Severity) []rules.Escalation {
	var aged, conditional []step
	for _, item := range items {
		switch s := readStep(item); {
		case s.When != "":
			if s.Severity <= severity {
				item.failf("severity %s does not rise above %s", s.Severity, severity)
			}
			conditional = append(conditional, s)
		case s.After > 0:
			aged = append(aged, s)
		}
	}
	slices.SortStableFunc(aged, func(a, b step) int { return cmp.Compare(a.After, b.After) })

	var ladder []rules.Escalation
	var last time.Duration
	for _, s := range aged {
		switch {
		case s.After == last:
			s.item.failf("there are two steps after %s", FormatDuration(s.After))
		case s.Severity <= severity:
			s.item.failf("severity %s does not rise above %s", s.Severity, severity)
		}
		last, severity = s.After, max(severity, s.Severity)
		ladder = append(ladder, s.Escalation)
	}
	for _, s := range conditional {
		ladder = append(ladder, s.Escalation)
	}
	return ladder
}

type escalationSpec struct {
	After     string `json:"after,omitempty"`
	When      string `json:"when,omitempty"`
	For       string `json:"for,omitempty"`
	ClearWhen string `json:"clear_when,omitempty"`
	ClearFor  string `json:"clear_for,omitempty"`
	Severity  string `json:"severity"`
}

type inhibitorSpec struct {
	Rule  string `json:"rule"`
	Scope string `json:"scope"`
}

type chatteringSpec struct {
	Times  int    `json:"times"`
	Within string `json:"within"`
	Quiet  string `json:"quiet"`
}

func encodeEscalations(all []rules.Escalation) []escalationSpec {
	var specs []escalationSpec
	for _, e := range all {
		spec := escalationSpec{
			When: e.When, For: optionalDuration(e.For), ClearWhen: e.ClearWhen, ClearFor: optionalDuration(e.ClearFor),
			Severity: e.Severity.String(),
		}
		if e.When == "" {
			spec.After = FormatDuration(e.After)
		}
		specs = append(specs, spec)
	}
	return specs
}

func encodeInhibitors(all []rules.Inhibitor) []any {
	var specs []any
	for _, i := range all {
		if i.Scope == "" || i.Scope == rules.SameDevice {
			specs = append(specs, i.Rule)
		} else {
			specs = append(specs, inhibitorSpec{i.Rule, string(i.Scope)})
		}
	}
	return specs
}

// encodeLatch returns nil, true, or the severity to latch from.
func encodeLatch(r *rules.Rule) any {
	switch {
	case !r.Latch:
		return nil
	case r.LatchFrom == rules.Info:
		return true
	default:
		return r.LatchFrom.String()
	}
}

func encodeChattering(c rules.Chattering) *chatteringSpec {
	if c.Times == 0 {
		return nil
	}
	return &chatteringSpec{c.Times, FormatDuration(c.Within), FormatDuration(c.Quiet)}
}
