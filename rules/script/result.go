package script

import (
	"fmt"
	"io"
	"maps"
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
	Line     int    // of the expectation
	Test     string // its name
	What     string // "at 35m, alarm fridge-warm on fridge-1"
	Want     string
	Got      string
	Happened []string // what happened to that rule's alarms, a line each
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
		fmt.Fprintf(&b, "  line %d: %s\n    want %s\n    got  %s\n", f.Line, f.What, f.Want, f.Got)
		for _, line := range f.Happened {
			fmt.Fprintf(&b, "         %s\n", line)
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
		f.File, f.Test = path, p.test.Name
		r.Failures = append(r.Failures, f)
	}
}

// expect checks one expectation at its time.
func (p *play) expect(e expectation) {
	at := time.Duration(e.At)
	p.pass(at)
	state, _ := p.engine.State(devices.ID(e.Device), e.Alarm)
	var wants, got []string
	want := func(ok bool, wanted, seen string) {
		if !ok {
			wants, got = append(wants, wanted), append(got, seen)
		}
	}
	want(p.stateHolds(e, state), e.State, p.describe(e, state))
	if e.Severity != nil {
		want(state.Raised() && state.Severity == rules.Severity(*e.Severity),
			"severity "+rules.Severity(*e.Severity).String(), "severity "+severityText(state))
	}
	if e.Occurrences != nil {
		want(state.Occurrences == *e.Occurrences,
			fmt.Sprintf("%d occurrences", *e.Occurrences), fmt.Sprintf("%d occurrences", state.Occurrences))
	}
	if e.Explains != "" {
		said := p.lastExplanation(e)
		want(strings.Contains(said, e.Explains), fmt.Sprintf("explanation with %q", e.Explains), fmt.Sprintf("explanation %q", said))
	}
	if len(wants) == 0 {
		return
	}
	p.failures = append(p.failures, Failure{
		Line: e.line, What: fmt.Sprintf("at %s, alarm %s on %s", shortSpan(at), e.Alarm, e.Device),
		Want: strings.Join(wants, ", "), Got: strings.Join(got, ", "), Happened: p.happenedTo(e.Alarm, e.Device),
	})
}

func (p *play) stateHolds(e expectation, s rules.State) bool {
	switch e.State {
	case "active":
		return s.Raised()
	case "cleared":
		return !s.Raised() && p.wasRaised(e)
	case "normal":
		return s.Phase == "normal" || s.Phase == ""
	default:
		return s.Phase == e.State
	}
}

func (p *play) wasRaised(e expectation) bool {
	return slices.ContainsFunc(p.happened, func(t rules.Transition) bool {
		return t.Key.Rule == e.Alarm && t.Key.Subject.ID == e.Device && t.Change == rules.Raised
	})
}

// describe says where a rule stands.
func (p *play) describe(e expectation, s rules.State) string {
	switch {
	case s.Phase == "":
		return "nothing known of the device"
	case s.Phase == "normal" && p.wasRaised(e):
		return "cleared"
	case s.Phase == "normal":
		return "normal, never raised"
	}
	text := fmt.Sprintf("%s since %s", s.Phase, shortSpan(s.Since.Sub(p.test.Start)))
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

func (p *play) lastExplanation(e expectation) string {
	for _, t := range slices.Backward(p.happened) {
		if t.Key.Rule == e.Alarm && t.Key.Subject.ID == e.Device && len(t.Explanation) > 0 {
			return strings.Join(t.Explanation, " ")
		}
	}
	return ""
}

// happenedTo lists the changes of a rule's alarms; on one device, or on all
// when device is "".
func (p *play) happenedTo(rule, device string) []string {
	var lines []string
	for _, t := range p.happened {
		if t.Key.Rule != rule || device != "" && t.Key.Subject.ID != device || t.Change == rules.Repeated {
			continue
		}
		lines = append(lines, fmt.Sprintf("%-7s %-9s %s", shortSpan(t.At.Sub(p.test.Start)), t.Change, strings.Join(t.Explanation, " ")))
	}
	return lines
}

// checkRaised compares how often each rule was raised in all.
func (p *play) checkRaised() {
	for _, rule := range slices.Sorted(maps.Keys(p.test.Raised)) {
		got := 0
		for _, t := range p.happened {
			if t.Key.Rule == rule && t.Change == rules.Raised {
				got++
			}
		}
		if want := p.test.Raised[rule]; got != want {
			p.failures = append(p.failures, Failure{
				Line: p.test.line, What: "raised in all, alarm " + rule,
				Want: times(want), Got: times(got), Happened: p.happenedTo(rule, ""),
			})
		}
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
