package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"telltale/devices"
	"telltale/internal/views"
	"telltale/tickets"
)

// page prints an account: facts in two columns, then lists under headings.
type page struct {
	out   io.Writer
	paint painter
}

// painter colours words for a terminal, and leaves them alone elsewhere.
type painter bool

func (p painter) on(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p painter) bold(text string) string { return p.on("1", text) }
func (p painter) dim(text string) string  { return p.on("2", text) }

// severity is red for what is critical, yellow for what is major.
func (p painter) severity(word string) string {
	switch word {
	case "critical":
		return p.on("1;31", word)
	case "major":
		return p.on("33", word)
	default:
		return word
	}
}

// printAccount prints an alarm for somebody who was woken by it: first what
// and whether it still holds, then the facts, last the rule.
func printAccount(console *console, a views.AlarmAccount) error {
	_, colourless := console.env("NO_COLOR")
	p := page{out: &steadyWriter{w: console.out}, paint: painter(isTerminal(console.out) && !colourless)}
	p.head(&a)
	p.facts(&a)
	p.saw(&a)
	p.heldBack(&a)
	p.steps(&a)
	p.earlier(&a)
	p.acts(&a)
	p.rule(&a)
	return p.out.(*steadyWriter).err
}

// printHeld prints an alarm that was held back.
func printHeld(console *console, h views.HeldAccount) error {
	_, colourless := console.env("NO_COLOR")
	p := page{out: &steadyWriter{w: console.out}, paint: painter(isTerminal(console.out) && !colourless)}
	state := p.paint.on("33", "HELD BACK")
	if h.EndedAt != nil {
		state = "WAS HELD BACK"
	}
	fmt.Fprintf(p.out, "%s  %s  %s\n", state, p.paint.bold(h.RuleID), p.paint.severity(h.Severity))
	for _, sentence := range h.Explanation {
		fmt.Fprintln(p.out, sentence)
	}
	fmt.Fprintln(p.out)
	p.fact("Subject", h.Subject.Type+" "+h.Subject.ID)
	p.fact("Onset", exactly(h.PendingSince))
	p.fact("Held since", exactly(h.HeldSince))
	if h.EndedAt != nil {
		p.fact("Ended", exactly(*h.EndedAt)+", after "+devices.Span(h.EndedAt.Sub(h.HeldSince))+". "+h.Why)
	}
	if h.AlarmID != nil {
		p.fact("Raised as", *h.AlarmID)
	}
	p.fact("Occurrences", strconv.FormatInt(h.Occurrences, 10))
	p.fact("Rule", fmt.Sprintf("%s, version %d", h.RuleID, h.RuleVersion))
	p.fact("Trace", h.Trace)
	p.saw(&views.AlarmAccount{AlarmView: tickets.AlarmView{Values: h.Values, Computed: h.Computed, Faults: h.Faults}, Units: h.Units})
	var rows [][2]string
	for _, by := range h.HeldBy {
		rows = append(rows, [2]string{exactly(by.From), by.Why})
	}
	p.table("Held back by", rows)
	return p.out.(*steadyWriter).err
}

// steadyWriter keeps the first error of a writer, so that a page is printed without
// looking at each line's.
type steadyWriter struct {
	w   io.Writer
	err error
}

// Write is [io.Writer]'s; after an error it does nothing.
func (c *steadyWriter) Write(text []byte) (int, error) {
	if c.err == nil {
		_, c.err = c.w.Write(text)
	}
	return len(text), c.err
}

func (p page) head(a *views.AlarmAccount) {
	title := a.RuleID
	if a.Rule != nil {
		title = cmp.Or(a.Rule.Title, a.RuleID)
	}
	state := p.paint.on("1;31", "ACTIVE")
	switch {
	case a.WithdrawnAt != nil:
		state = "WITHDRAWN"
	case a.ClearedAt != nil:
		state = p.paint.on("32", "CLEARED")
	}
	fmt.Fprintf(p.out, "%s  %s  %s\n", state, p.paint.bold(title), p.paint.severity(a.Severity))
	for _, sentence := range a.Explanation {
		fmt.Fprintln(p.out, sentence)
	}
	fmt.Fprintln(p.out)
}

const factWidth = 14

func (p page) fact(name, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(p.out, "%s%s\n", p.paint.dim(fmt.Sprintf("%-*s", factWidth, name)), text)
}

func (p page) facts(a *views.AlarmAccount) {
	p.fact("Subject", subjectText(a))
	p.fact("Customer", customerText(a))
	p.fact("Onset", exactly(a.PendingSince))
	p.fact("Raised", exactly(a.RaisedAt)+p.paint.dim(", "+after(a.PendingSince, a.RaisedAt, "at once", "after the onset")))
	p.fact("Cleared", clearedText(a))
	if l := a.TimeToLimit; l != nil {
		p.fact("Limit", fmt.Sprintf("%s of %s expected at %s, %s after the raise",
			measure(l.Limit, l.Unit), l.Metric, l.At.UTC().Format("15:04 UTC"), devices.Span(time.Duration(l.InSeconds)*time.Second)))
	}
	if n := a.NextStep; n != nil {
		p.fact("Next step", fmt.Sprintf("%s at %s, if it still holds then", n.Severity, exactly(n.At)))
	}
	p.fact("Acknowledged", acknowledgedText(a))
	p.fact("Shelved", shelvedText(a))
	p.fact("Ticket", ticketText(a))
	p.fact("Occurrences", strconv.FormatInt(a.Occurrences, 10)+flags(a))
	p.fact("Rule", fmt.Sprintf("%s, version %d", a.RuleID, a.RuleVersion))
	p.fact("Alarm", a.ID)
	p.fact("Trace", a.Trace)
}

func (p page) heading(text string) { fmt.Fprintf(p.out, "\n%s\n", p.paint.bold(text)) }

// saw prints the values, the functions and the fault codes that decided.
func (p page) saw(a *views.AlarmAccount) {
	var rows [][2]string
	for _, metric := range slices.Sorted(maps.Keys(a.Values)) {
		rows = append(rows, [2]string{metric, valueText(a.Values[metric], a.Units[metric])})
	}
	for _, c := range a.Computed {
		rows = append(rows, [2]string{c.Call, computedOrNot(c)})
	}
	for _, code := range a.Faults {
		rows = append(rows, [2]string{"fault", code})
	}
	p.table("What the rule saw", rows)
}

func (p page) heldBack(a *views.AlarmAccount) {
	var rows [][2]string
	for _, h := range a.HeldBy {
		rows = append(rows, [2]string{exactly(h.From), h.Why})
	}
	p.table("Held back before it was raised", rows)
}

func (p page) steps(a *views.AlarmAccount) {
	var rows [][2]string
	for _, s := range a.SeveritySteps {
		rows = append(rows, [2]string{exactly(s.At), fmt.Sprintf("%s to %s: %s", s.From, p.paint.severity(s.To), s.Why)})
	}
	p.table("Severity", rows)
}

// earlier prints what was told before late readings amended the alarm.
func (p page) earlier(a *views.AlarmAccount) {
	var rows [][2]string
	for _, v := range a.Earlier {
		state := "active"
		if v.ClearedAt != nil {
			state = "cleared " + exactly(*v.ClearedAt)
		}
		rows = append(rows, [2]string{"until " + exactly(v.ReplacedAt), fmt.Sprintf("raised %s, %s, %s. %s", exactly(v.RaisedAt), state, v.Severity, v.Reason)})
		for _, c := range v.Computed {
			rows = append(rows, [2]string{"", c.Call + " was " + computedOrNot(c)})
		}
	}
	p.table("What was told before", rows)
}

func (p page) acts(a *views.AlarmAccount) {
	var rows [][2]string
	for _, e := range a.Acts {
		rows = append(rows, [2]string{exactly(e.At), e.Actor + ": " + e.Text})
	}
	p.table("What people did", rows)
}

// rule prints the version that decided, in words and as it was declared.
func (p page) rule(a *views.AlarmAccount) {
	if a.Rule == nil {
		p.heading("The rule")
		fmt.Fprintf(p.out, "  Version %d of rule %s is not kept.\n", a.RuleVersion, a.RuleID)
		return
	}
	now := "in force"
	switch {
	case a.Rule.PresentVersion == 0:
		now = "no longer declared"
	case a.Rule.PresentVersion != a.RuleVersion:
		now = fmt.Sprintf("version %d is in force now", a.Rule.PresentVersion)
	}
	p.heading(fmt.Sprintf("Rule %s, version %d", a.RuleID, a.RuleVersion) +
		p.paint.dim(fmt.Sprintf(" by %s at %s, %s", a.Rule.Author, exactly(a.Rule.DeclaredAt), now)))
	for _, s := range a.Rule.Says {
		fmt.Fprintf(p.out, "  %s\n", s)
	}
	fmt.Fprintln(p.out)
	for line := range strings.Lines(a.Rule.Text) {
		fmt.Fprint(p.out, "  ", p.paint.dim(strings.TrimSuffix(line, "\n")), "\n")
	}
}

// table prints pairs aligned under a heading; nothing where there are none.
func (p page) table(heading string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r[0]))
	}
	p.heading(heading)
	for _, r := range rows {
		fmt.Fprintf(p.out, "  %s  %s\n", p.paint.dim(r[0]+strings.Repeat(" ", width-utf8.RuneCountInString(r[0]))), r[1])
	}
}
