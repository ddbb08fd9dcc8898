package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"
)

type quarantineCmd struct {
	List   quarantineListCmd   `cmd:"" help:"List refused messages, the newest first."`
	Replay quarantineReplayCmd `cmd:"" help:"Give refused messages back to the gateway, after the cause is mended."`
}

type quarantineListCmd struct {
	Reason string `help:"Only those refused for this reason."`
	Limit  int    `default:"50" help:"How many at most."`
	target
}

// Run lists refused messages.
func (c quarantineListCmd) Run(ctx context.Context, io *console) error {
	return c.with(ctx, io, func(g gateway) error {
		refused, err := g.Quarantine(ctx, c.Reason, c.Limit)
		if err != nil {
			return err
		}
		if len(refused) == 0 {
			fmt.Fprintln(io.out, "nothing is in quarantine")
			return nil
		}
		table := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "REASON\tCOUNT\tLAST\tTOPIC\tDETAIL")
		for _, q := range refused {
			fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n", q.Reason, q.Count, q.LastAt.UTC().Format(time.RFC3339), q.Topic, q.Detail)
		}
		return table.Flush()
	})
}

type quarantineReplayCmd struct {
	Reason string `required:"" help:"Replay those refused for this reason."`
	target
}

// Run asks the gateway to take refused messages again.
func (c quarantineReplayCmd) Run(ctx context.Context, io *console) error {
	return c.with(ctx, io, func(g gateway) error {
		n, err := g.Replay(ctx, c.Reason)
		if err != nil {
			return err
		}
		fmt.Fprintf(io.out, "%d messages will be replayed in the order they came\n", n)
		return nil
	})
}
