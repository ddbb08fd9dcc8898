package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"telltale/rules/backtest"
)

func printBacktest(out io.Writer, result backtest.Result) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	if result.Comparison == nil {
		printAlarms(table, result.Alarms)
	} else {
		printPairs(table, result.Comparison.Pairs)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, assumption := range result.Assumed {
		fmt.Fprintln(out, assumption)
	}
	fmt.Fprintf(out, "%s from %s of %s\n", counted(len(result.Alarms), "alarm", "alarms"),
		counted(int(result.Readings), "reading", "readings"), counted(int(result.Devices), "device", "devices"))
	fmt.Fprintln(out, figuresText(result.Figures))
	if c := result.Comparison; c != nil {
		fmt.Fprintf(out, "compared with %s: %d new, %d gone, %d the same (%d earlier, %d later)\n", c.With, c.New, c.Gone, c.Same, c.Earlier, c.Later)
		fmt.Fprintf(out, "%s: %s\n", c.With, figuresText(c.Figures))
	}
	return printSweep(out, result.Sweep)
}

func printAlarms(table io.Writer, alarms []backtest.Alarm) {
	fmt.Fprintln(table, "RAISED\tCLEARED\tSEVERITY\tRULE\tDEVICE")
	for _, a := range alarms {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", moment(&a.RaisedAt), cmp.Or(moment(a.ClearedAt), "active at the end"), a.Severity, a.RuleID, a.Device)
	}
}

func printPairs(table io.Writer, pairs []backtest.Pair) {
	fmt.Fprintln(table, "CHANGE\tRAISED\tCLEARED\tBEFORE\tRULE\tDEVICE")
	for _, p := range pairs {
		raised, cleared, before := moment(p.RaisedAt), cmp.Or(moment(p.ClearedAt), "active at the end"), ""
		switch {
		case p.Kind == backtest.Gone:
			raised, cleared, before = "-", "-", moment(p.OtherRaisedAt)
		case p.MinutesEarlier > 0:
			before = fmt.Sprintf("%g min earlier", p.MinutesEarlier)
		case p.MinutesEarlier < 0:
			before = fmt.Sprintf("%g min later", -p.MinutesEarlier)
		case p.Kind == backtest.Same:
			before = "at the same time"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Kind, raised, cleared, before, p.RuleID, p.Device)
	}
}

func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func figuresText(f backtest.Figures) string {
	text := fmt.Sprintf("%s, %s concerned, %s in alarm", counted(f.Tickets, "ticket", "tickets"),
		counted(f.Devices, "device", "devices"), counted(int(math.Round(f.Minutes)), "minute", "minutes"))
	if f.PerWeek != (backtest.Rates{}) {
		text += fmt.Sprintf("; a week: %.1f tickets, %.0f minutes", f.PerWeek.Tickets, f.PerWeek.Minutes)
	}
	return text
}

// printSweep writes a line for each value: "8 °C: 31 tickets, ...".
func printSweep(out io.Writer, steps []backtest.SweepStep) error {
	for _, s := range steps {
		if _, err := fmt.Fprintf(out, "%s: %s\n", strings.TrimSpace(s.Text+" "+unitSign(s.Unit)), figuresText(s.Figures)); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// unitSign is how people write a unit.
func unitSign(code string) string {
	switch code {
	case "Cel":
		return "°C"
	case "[degF]":
		return "°F"
	default:
		return code
	}
}
