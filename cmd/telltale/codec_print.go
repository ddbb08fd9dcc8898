package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"telltale/internal/views"
)

// printTrial prints readings as a table and complaints with the place in the
// payload.
func printTrial(io *console, t views.Trial, payload []byte) error {
	if t.Source != "" {
		fmt.Fprintf(io.out, "source %s, codec %s, topic %s\n", t.Source, t.Codec, t.Topic)
	}
	table := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
	if len(t.Reports) > 0 {
		fmt.Fprintln(table, "DEVICE\tOBSERVED\tMETRIC\tVALUE\tUNIT")
	}
	for _, r := range t.Reports {
		at := r.ObservedAt.Format(time.RFC3339Nano)
		for _, one := range r.Readings {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.Device, at, one.Metric, one.Written(), one.Unit)
		}
		if said := whatElse(r); said != "" {
			fmt.Fprintf(table, "%s\t%s\t%s\t\t\n", r.Device, at, said)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(t.Reports)+len(t.Refusals) == 0 {
		fmt.Fprintln(io.out, "the message says nothing that would be stored")
	}
	for _, r := range t.Refusals {
		fmt.Fprintf(io.out, "refused as %s: %s\n", r.Reason, r.Detail)
		if r.Offset != nil {
			fmt.Fprint(io.out, pointAt(payload, int(*r.Offset)))
		}
	}
	return nil
}

// whatElse says what a report holds besides readings.
func whatElse(r views.TrialReport) string {
	var said []string
	if r.Presence != "" {
		said = append(said, "("+r.Presence+")")
	}
	if len(r.Faults) > 0 {
		said = append(said, "(faults "+strings.Join(r.Faults, ", ")+")")
	}
	if len(said) == 0 && len(r.Readings) == 0 {
		said = append(said, "(no readings)")
	}
	return strings.Join(said, " ")
}

// around is how much of a line is shown on either side of a fault.
const around = 60

// pointAt returns the part of the payload around a byte and a caret under it:
// a text as it is, other bytes in hexadecimal.
func pointAt(payload []byte, offset int) string {
	offset = min(offset, len(payload))
	if !utf8.Valid(payload) {
		from, to := max(0, offset-around/6), min(len(payload), offset+around/6)
		return fmt.Sprintf("  % x\n  %s^\n", payload[from:to], strings.Repeat(" ", 3*(offset-from)))
	}
	from, to := max(0, offset-around), min(len(payload), offset+around)
	for from > 0 && !utf8.RuneStart(payload[from]) {
		from--
	}
	for to < len(payload) && !utf8.RuneStart(payload[to]) {
		to++
	}
	before, after := lastLine(string(payload[from:offset])), firstLine(string(payload[offset:to]))
	return fmt.Sprintf("  %s%s\n  %s^\n", printable(before), printable(after), strings.Repeat(" ", utf8.RuneCountInString(before)))
}

func lastLine(s string) string { return s[strings.LastIndexByte(s, '\n')+1:] }

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// printable keeps each character's place but for those that move a terminal's
// cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return '.'
		}
		return r
	}, s)
}
