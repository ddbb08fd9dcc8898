package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"telltale/devices"
	"telltale/internal/declare"
)

type deviceCmd struct {
	Password  devicePasswordCmd  `cmd:"" help:"Give a device a new password for the embedded broker and print it, once."`
	Unclaimed deviceUnclaimedCmd `cmd:"" help:"List devices that send and are not declared."`
	Claim     deviceClaimCmd     `cmd:"" help:"Declare a device that sends already; what it sent is replayed."`
}

type devicePasswordCmd struct {
	ID string `arg:"" help:"The device's id, which is also its user name."`
	target
}

// Run makes the password; the one before is worth nothing from then on.
func (c devicePasswordCmd) Run(ctx context.Context, io *console) error {
	return c.with(ctx, io, func(g gateway) error {
		password, err := g.DevicePassword(ctx, c.ID)
		if err != nil {
			return err
		}
		fmt.Fprintln(io.out, password)
		return nil
	})
}

type deviceUnclaimedCmd struct {
	JSON bool `help:"Print JSON."`
	target
}

// Run lists unclaimed devices.
func (c deviceUnclaimedCmd) Run(ctx context.Context, io *console) error {
	return c.with(ctx, io, func(g gateway) error {
		list, err := g.Unclaimed(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(io.out, list)
		}
		if len(list) == 0 {
			fmt.Fprintln(io.out, "every device that sends is declared")
			return nil
		}
		table := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "DEVICE\tMESSAGES\tFIRST\tLAST\tSOURCE")
		for _, u := range list {
			fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n", u.ID, u.Messages, u.FirstAt.UTC().Format(time.RFC3339),
				u.LastAt.UTC().Format(time.RFC3339), u.Source)
		}
		return table.Flush()
	})
}

type deviceClaimCmd struct {
	ID       string    `arg:"" help:"The device's id, as unclaimed lists it."`
	Model    string    `required:"" help:"What it is: the id of a model."`
	Customer string    `help:"Who owns it: the id of a customer."`
	From     time.Time `help:"Since when the customer owns it (RFC 3339). Default: its first message."`
	Site     string    `help:"Where it stands."`
	Serial   string    `help:"Its serial number."`
	target
}

// Run declares the device.
func (c deviceClaimCmd) Run(ctx context.Context, io *console) error {
	return c.with(ctx, io, func(g gateway) error {
		plan, err := g.Claim(ctx, declare.Claim{
			Device: devices.ID(c.ID), Model: c.Model, Customer: c.Customer, Site: c.Site, Serial: c.Serial, Since: c.From,
		}, author())
		if err != nil {
			return err
		}
		fmt.Fprint(io.out, plan)
		return nil
	})
}
