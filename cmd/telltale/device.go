package main

import (
	"context"
	"fmt"
)

type deviceCmd struct {
	Password devicePasswordCmd `cmd:"" help:"Give a device a new password for the embedded broker and print it, once."`
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
