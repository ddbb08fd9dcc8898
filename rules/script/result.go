package script

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// Result is how the tests of some scripts went.
type Result struct {
	Passed   int
	Failed   int
	Failures []Failure // of failed tests, in the order of the scripts
}

// Failure is one thing that did not hold.
type Failure struct {
	File     string
	Line     int    // of the expectation, from 1
	Column   int    // from 1
	Test     string // its name
	What     string // "at 35m, alarm fridge-warm on fridge-1"
	Want     string
	Got      string
	Happened []string // what happened to that rule's alarms, a line each
	Picture  []string // the series and the alarm around the moment, drawn as text
}

// Outcome is how one test went.
type Outcome struct {
	Name     string
	Line     int       // of the test, from 1
	Failures []Failure // none: it passed
	Picture  []string  // the rule over the whole time line, drawn as text
}

// OK reports whether all tests passed.
func (r Result) OK() bool { return r.Failed == 0 }

// Print writes the failures and a last line with the counts.
func (r Result) Print(w io.Writer) error {
	var b strings.Builder
	for i, f := range r.Failures {
		if i == 0 || r.Failures[i-1].Test != f.Test || r.Failures[i-1].File != f.File {
			fmt.Fprintf(&b, "FAIL %s: %s\n", f.File, f.Test)
		}
		fmt.Fprintf(&b, "  %d:%d: %s\n    want %s\n    got  %s\n", f.Line, f.Column, f.What, f.Want, f.Got)
		for _, line := range slices.Concat(f.Happened, f.Picture) {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed\n", r.Passed, r.Failed)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) add(path string, p *play) {
	if len(p.failures) == 0 {
		r.Passed++
		return
	}
	r.Failed++
	for _, f := range p.failures {
		f.File, f.Test = path, p.test.title()
		r.Failures = append(r.Failures, f)
	}
}

func (t *test) title() string {
	if t.name == "" {
		return fmt.Sprintf("the test in line %d", t.node.Line)
	}
	return t.name
}

// expect checks one expectation at its time.
func (p *play) expect(ctx context.Context, e *expectation) {
	p.pass(ctx, e.at)
	state, _ := p.engine.State(e.device, e.alarm)
	var wants, got []string
	want := func(ok bool, wanted, seen string) {
		if !ok {
			wants, got = append(wants, wanted), append(got, seen)
		}
	}
	if e.state != "" {
		want(p.stateHolds(e, state), e.state, p.describe(e, state))
	}
	if e.severity != nil {
		want(state.Raised() && state.Severity == *e.severity, "severity "+e.severity.String(), "severity "+severityText(state))
	}
	if e.occurrences != nil {
		want(state.Occurrences == *e.occurrences,
			fmt.Sprintf("%d occurrences", *e.occurrences), fmt.Sprintf("%d occurrences", state.Occurrences))
	}
	if e.chattering != nil {
		want(state.Chattering == *e.chattering, fmt.Sprintf("chattering: %v", *e.chattering), fmt.Sprintf("chattering: %v", state.Chattering))
	}
	if e.heldBy != nil {
		want(state.HeldBackBy == *e.heldBy, fmt.Sprintf("held by %q", *e.heldBy), fmt.Sprintf("held by %q", state.HeldBackBy))
	}
	if e.explains != "" {
		said := p.lastExplanation(e)
		want(strings.Contains(said, e.explains), fmt.Sprintf("explanation with %q", e.explains), fmt.Sprintf("explanation %q", said))
	}
	if len(wants) == 0 {
		return
	}
	p.failures = append(p.failures, Failure{
		Line: e.node.Line, Column: e.node.Column, What: fmt.Sprintf("at %s, alarm %s on %s", shortSpan(e.at), e.alarm, e.device),
		Want: strings.Join(wants, ", "), Got: strings.Join(got, ", "),
		Happened: p.happenedTo(e.alarm, e.device), Picture: p.pictureOf(ctx, e),
	})
}

func (p *play) stateHolds(e *expectation, s rules.State) bool {
	normal := s.Phase == "normal" || s.Phase == ""
	switch e.state {
	case "active":
		return s.Raised()
	case "cleared":
		return !s.Raised() && p.wasRaised(e) && !p.wasWithdrawn(e)
	case "withdrawn":
		return !s.Raised() && p.wasWithdrawn(e)
	case "normal":
		return normal
	case "none":
		return normal && !p.wasRaised(e)
	default:
		return s.Phase == e.state
	}
}

func (p *play) wasRaised(e *expectation) bool {
	return slices.ContainsFunc(p.happened, func(t rules.Transition) bool {
		return t.Key.Rule == e.alarm && t.Key.Subject.ID == string(e.device) && t.Change == rules.Raised
	})
}

// wasWithdrawn reports whether late readings took back the last alarm that was
// told.
func (p *play) wasWithdrawn(e *expectation) bool {
	for _, t := range slices.Backward(p.happened) {
		if t.Key.Rule == e.alarm && t.Key.Subject.ID == string(e.device) &&
			!slices.Contains([]rules.Change{rules.Suppressed, rules.Released, rules.Repeated}, t.Change) {
			return t.Change == rules.Withdrawn
		}
	}
	return false
}

// describe says where a rule stands.
func (p *play) describe(e *expectation, s rules.State) string {
	switch {
	case s.Phase == "":
		return "nothing known of the device"
	case s.Phase == "normal" && p.wasWithdrawn(e):
		return "withdrawn"
	case s.Phase == "normal" && p.wasRaised(e):
		return "cleared"
	case s.Phase == "normal":
		return "normal, never raised"
	}
	text := fmt.Sprintf("%s since %s", s.Phase, shortSpan(s.Since.Sub(p.test.start)))
	if s.HeldBackBy != "" {
		text += ", held back by " + s.HeldBackBy
	}
	return text
}

func severityText(s rules.State) string {
	if !s.Raised() {
		return "of no alarm"
	}
	return s.Severity.String()
}

func (p *play) lastExplanation(e *expectation) string {
	for _, t := range slices.Backward(p.happened) {
		if t.Key.Rule == e.alarm && t.Key.Subject.ID == string(e.device) && len(t.Explanation) > 0 && t.Change != rules.Released {
			return strings.Join(t.Explanation, " ")
		}
	}
	return ""
}

// happenedTo lists the changes of a rule's alarms; on one device, or on all
// when device is "".
func (p *play) happenedTo(rule string, device devices.ID) []string {
	var lines []string
	for _, t := range p.happened {
		if t.Key.Rule != rule || device != "" && t.Key.Subject.ID != string(device) || t.Change == rules.Repeated {
			continue
		}
		place := ""
		if device == "" && len(p.test.devices) > 1 {
			place = t.Key.Subject.ID + ": "
		}
		lines = append(lines, fmt.Sprintf("%-7s %-9s %s%s",
			shortSpan(t.At.Sub(p.test.start)), t.Change, place, strings.Join(t.Explanation, " ")))
	}
	return lines
}

// counts reports whether a transition is what a total is about.
func (total *total) counts(t *rules.Transition) bool {
	if t.Key.Rule != total.rule {
		return false
	}
	switch total.what {
	case "raised":
		return t.Change == rules.Raised
	case "reopened":
		return t.Change == rules.Raised && t.Reopens != ""
	case "amended":
		return t.Change == rules.Amended
	case "withdrawn":
		return t.Change == rules.Withdrawn
	default:
		return t.Change == rules.Suppressed
	}
}

// checkTotals compares how often each thing happened in all.
func (p *play) checkTotals(ctx context.Context) {
	for _, total := range p.test.totals {
		got := 0
		for i := range p.happened {
			if total.counts(&p.happened[i]) {
				got++
			}
		}
		if got == total.times {
			continue
		}
		p.failures = append(p.failures, Failure{
			Line: total.node.Line, Column: total.node.Column, What: total.what + " in all, alarm " + total.rule,
			Want: times(total.times), Got: times(got),
			Happened: p.happenedTo(total.rule, ""), Picture: p.pictureOfAll(ctx, total.rule),
		})
	}
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

// shortSpan prints a duration without empty units.
func shortSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
