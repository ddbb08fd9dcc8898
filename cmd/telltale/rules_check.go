package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"telltale/internal/declare"
	"telltale/rules"
)

// printChecked lists the rules that were found valid, what may not be meant,
// and how many there are.
func printChecked(io *console, set *declare.Set, warnings declare.Errors) error {
	table := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "RULE\tSEVERITY\tWATCHES\tCONDITION")
	for _, r := range set.Rules {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.ID, severities(r), watches(set, r), condition(r))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	fmt.Fprintln(io.out)
	for _, w := range warnings {
		fmt.Fprintln(io.out, "warning:", w)
	}
	last := counted(len(set.Rules), "rule is", "rules are") + " valid"
	if len(warnings) > 0 {
		last += ", with " + counted(len(warnings), "warning", "warnings")
	}
	fmt.Fprintln(io.out, last+".")
	return nil
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// severities is a rule's severity, the one that it rises to, and its mode
// unless that is live.
func severities(r *rules.Rule) string {
	text := r.Severity.String()
	if n := len(r.Escalate); n > 0 {
		text += " to " + r.Escalate[n-1].Severity.String()
	}
	if r.Mode != rules.Live {
		text += " (" + string(r.Mode) + ")"
	}
	return text
}

// watches names the models in the files that a rule applies to, or else what
// it asks for.
func watches(set *declare.Set, r *rules.Rule) string {
	const few = 3
	var models []string
	for _, m := range set.Models {
		if r.AppliesTo.Selects(m.ID, r.AppliesTo.Tags) {
			models = append(models, m.ID)
		}
	}
	slices.Sort(models)
	if len(models) == 0 {
		models = r.AppliesTo.Models
	}
	if more := len(models) - few; more > 0 {
		models = append(models[:few:few], fmt.Sprintf("%d more", more))
	}
	text := cmp.Or(strings.Join(models, ", "), "all models")
	if n := len(r.AppliesTo.Tags); n > 0 {
		text += " by " + counted(n, "tag", "tags")
	}
	return text
}

// condition is a rule's condition in one line, cut where it is long.
func condition(r *rules.Rule) string {
	const room = 70
	text := strings.Join(strings.Fields(r.When), " ")
	if runes := []rune(text); len(runes) > room {
		text = string(runes[:room-3]) + "..."
	}
	if r.For > 0 {
		text += " for " + declare.FormatDuration(r.For)
	}
	return text
}
