package rules

import (
	"fmt"
	"strings"
	"time"

	"telltale/devices"
)

// Summarize says in plain sentences what a rule does: when it raises, when it
// clears, how grave it is, what holds it back and what it leads to. The models
// are all that are declared; they say in which units the rule compares. A
// condition that does not compile is repeated as it is written. Summarize is
// about the rule as it stands; why an alarm was raised is said by the alarm.
func Summarize(r *Rule, models []*devices.Model) []string {
	known := scopeOf(r, models)
	said := []string{"Raises an alarm when " + summarizeCondition(r.When, known) + held(r.For) + "."}
	switch {
	case r.ClearWhen != "":
		said = append(said, "Clears it when "+summarizeCondition(r.ClearWhen, known)+held(r.ClearFor)+".")
	case r.ClearFor > 0:
		said = append(said, "Clears it when that has not been so for "+spokenSpan(r.ClearFor)+".")
	default:
		said = append(said, "Clears it as soon as that is no longer so.")
	}
	said = append(said, summarizeSeverity(r, known))
	said = append(said, summarizeLife(r)...)
	return append(said, summarizeOutcome(r))
}

// SummarizeCondition says in words when a rule raises: "temperature is above 8
// °C, for 10 minutes". The models are all that are declared.
func SummarizeCondition(r *Rule, models []*devices.Model) string {
	return summarizeCondition(r.When, scopeOf(r, models)) + held(r.For)
}

func scopeOf(r *Rule, models []*devices.Model) *scope {
	var matching []*devices.Model
	for _, m := range models {
		if r.AppliesTo.matches(m.ID) {
			matching = append(matching, m)
		}
	}
	return newScope(matching)
}

func held(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return ", for " + spokenSpan(d)
}

// summarizeCondition puts a condition into words.
func summarizeCondition(text string, known *scope) string {
	n, problems, _ := checkCondition(text, known)
	if len(problems) > 0 || n == nil {
		return strings.Join(strings.Fields(text), " ")
	}
	return spoken(n, true)
}

func summarizeSeverity(r *Rule, known *scope) string {
	parts := []string{"The alarm is " + r.Severity.String()}
	for _, step := range r.Escalate {
		if step.When == "" {
			parts = append(parts, "becomes "+step.Severity.String()+" after "+spokenSpan(step.After))
			continue
		}
		parts = append(parts, "is "+step.Severity.String()+" while "+summarizeCondition(step.When, known)+held(step.For))
	}
	return strings.Join(parts, "; ") + "."
}

// summarizeLife says what holds an alarm back and what keeps it.
func summarizeLife(r *Rule) []string {
	var said []string
	for _, by := range r.InhibitedBy {
		where := " on the same device"
		switch by.Scope {
		case SameSite:
			where = " at the same site"
		case SameGateway:
			where = " at the same gateway"
		}
		said = append(said, "Is held back while "+by.Rule+" is active"+where+".")
	}
	if r.Latch {
		which := "Stays open"
		if r.LatchFrom > Info {
			which = "From " + r.LatchFrom.String() + " on, stays open"
		}
		said = append(said, which+" until somebody has acknowledged it.")
	}
	if c := r.Chattering; c.Times > 0 {
		said = append(said, fmt.Sprintf("Is held as one alarm when it was raised more than %s within %s, until it has been quiet for %s.",
			times(c.Times), spokenSpan(c.Within), spokenSpan(c.Quiet)))
	}
	if r.ReopenWithin > 0 {
		said = append(said, "Goes on as the same alarm when it is raised again within "+spokenSpan(r.ReopenWithin)+" of its end.")
	}
	return said
}

// summarizeOutcome says what an alarm leads to.
func summarizeOutcome(r *Rule) string {
	switch {
	case r.Mode == Off:
		return "Is switched off: nothing is evaluated."
	case r.Mode == Shadow:
		return "Is on trial: its alarms are recorded and make no ticket."
	case r.Ticket.None:
		return "Makes no ticket."
	}
	text := "Opens a ticket"
	if r.Ticket.Priority != "" {
		text += " of " + r.Ticket.Priority + " priority"
	}
	if r.Ticket.Team != "" {
		text += " for the team " + r.Ticket.Team
	}
	if r.Ticket.Article != "" {
		text += ", with the article " + r.Ticket.Article
	}
	return text + "."
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// spokenSpan prints a duration in words: "1 hour 30 minutes".
func spokenSpan(d time.Duration) string {
	var parts []string
	for _, unit := range []struct {
		span time.Duration
		word string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		n := d / unit.span
		if n == 0 || unit.span == day && d < 2*day {
			continue
		}
		d -= n * unit.span
		word := unit.word
		if n > 1 {
			word += "s"
		}
		parts = append(parts, fmt.Sprintf("%d %s", n, word))
	}
	if d > 0 || len(parts) == 0 {
		parts = append(parts, d.String())
	}
	return strings.Join(parts, " ")
}
