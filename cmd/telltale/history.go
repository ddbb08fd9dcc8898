package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"telltale/internal/app"
)

type historyCmd struct {
	Copy   historyCopyCmd   `cmd:"" help:"Copy readings from one store to the other; may be interrupted and run again."`
	Status historyStatusCmd `cmd:"" help:"Where readings are kept, whether it answers, and how far."`
}

type historyCopyCmd struct {
	From   string    `required:"" enum:"postgres,influx" help:"Store to copy from: postgres or influx."`
	To     string    `required:"" enum:"postgres,influx" help:"Store to copy to."`
	Device string    `help:"Readings of this device only."`
	Since  time.Time `help:"Readings from this time on, RFC 3339. Default: the oldest in PostgreSQL."`
	Until  time.Time `help:"Readings before this time, RFC 3339. Default: now."`
	DryRun bool      `help:"Count the readings of both stores and copy nothing."`
	target
}

// Run copies the readings day by day and shows how far it is.
func (c historyCopyCmd) Run(ctx context.Context, io *console) error {
	cfg, err := c.load(io)
	if err != nil {
		return err
	}
	progress, end := func(app.HistoryProgress) {}, ""
	if isTerminal(io.err) && !c.DryRun {
		progress, end = func(done app.HistoryProgress) { fmt.Fprint(io.err, "\r", progressBar(done)) }, "\n"
	}
	result, err := app.CopyHistory(ctx, cfg, app.HistoryCopy{
		From: c.From, To: c.To, Device: c.Device, Since: c.Since, Until: c.Until, DryRun: c.DryRun, Progress: progress,
	})
	fmt.Fprint(io.err, end)
	switch {
	case err != nil:
		if result.Readings > 0 {
			fmt.Fprintf(io.err, "after %d readings; go on with --since %s\n", result.Readings, result.CopiedUntil.UTC().Format(time.RFC3339))
		}
		return err
	case c.DryRun:
		fmt.Fprintf(io.out, "%s has %d readings of that time, %s has %d\n", c.From, result.InFrom, c.To, result.InTo)
		return nil
	}
	fmt.Fprintf(io.out, "%d readings copied\n", result.Readings)
	if result.Refused > 0 {
		fmt.Fprintf(io.out, "%d of them are in quarantine as history_refused: %s will never take them as things are\n", result.Refused, c.To)
	}
	return nil
}

// progressBar is how far a copy is, by time.
func progressBar(done app.HistoryProgress) string {
	return fmt.Sprintf("%s  %s  %d readings", bar(done.Share), done.Until.UTC().Format(time.DateOnly), done.Readings)
}

// bar draws a share between 0 and 1.
func bar(share float64) string {
	const width = 30
	full := int(width * share)
	return fmt.Sprintf("[%s%s] %3.0f%%", strings.Repeat("#", full), strings.Repeat(".", width-full), 100*share)
}

type historyStatusCmd struct{ target }

// Run prints the state of the history.
func (c historyStatusCmd) Run(ctx context.Context, io *console) error {
	cfg, err := c.load(io)
	if err != nil {
		return err
	}
	lines, err := app.HistoryStatus(ctx, cfg)
	if err != nil {
		return err
	}
	for _, line := range lines {
		fmt.Fprintln(io.out, line)
	}
	return nil
}
