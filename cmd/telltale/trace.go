package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"telltale/internal/views"
)

type traceCmd struct {
	ID string `arg:"" help:"Position in the log, as alarms, timelines, events and log lines have it: p3/10293/17."`
	target
}

// Run prints the way of a message.
func (c traceCmd) Run(ctx context.Context, io *console) error {
	position, err := views.ParsePosition(c.ID)
	if err != nil {
		return invalid(err)
	}
	return c.with(ctx, io, func(g gateway) error {
		trace, err := g.Trace(ctx, position)
		if err != nil {
			return err
		}
		return printTrace(io.out, trace)
	})
}

func printTrace(out io.Writer, trace views.Trace) error {
	fmt.Fprintf(out, "trace id %s\n", trace.ID())
	for _, note := range trace.Notes {
		fmt.Fprintln(out, note)
	}
	if len(trace.Steps) == 0 {
		fmt.Fprintln(out, "nothing is known of this position")
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tAFTER\tSTEP\tWHERE\tWHAT")
	for i, s := range trace.Steps {
		after := ""
		if i > 0 {
			after = "+" + s.At.Sub(trace.Steps[i-1].At).Round(time.Millisecond).String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", s.At.UTC().Format("2006-01-02T15:04:05.000Z"), after, s.Kind,
			cmp.Or(s.Ticket, s.Alarm, s.Device, "-"), s.Text)
	}
	return table.Flush()
}

// Trace is [app.Admin]'s, and knows the log as well.
func (r *remote) Trace(ctx context.Context, position views.Position) (views.Trace, error) {
	var answer struct {
		Steps []views.Step `json:"steps"`
		Notes []string     `json:"notes"`
	}
	err := r.call(ctx, http.MethodGet, "/trace/"+url.PathEscape(position.String()), nil, &answer)
	return views.Trace{Position: position, Steps: answer.Steps, Notes: answer.Notes}, err
}
