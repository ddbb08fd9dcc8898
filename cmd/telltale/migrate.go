package main

import (
	"context"
	"fmt"

	"telltale/internal/app"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Bring the schema to this version's."`
	Status migrateStatusCmd `cmd:"" help:"Print which migrations are applied."`
}

type migrateUpCmd struct{ target }

// Run migrates the database; serve does the same by itself.
func (c migrateUpCmd) Run(ctx context.Context, io *console) error {
	cfg, err := c.load(io)
	if err != nil {
		return err
	}
	n, err := app.MigrateUp(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%d migrations applied\n", n)
	return nil
}

type migrateStatusCmd struct{ target }

// Run prints the state of each migration.
func (c migrateStatusCmd) Run(ctx context.Context, io *console) error {
	cfg, err := c.load(io)
	if err != nil {
		return err
	}
	lines, err := app.MigrateStatus(ctx, cfg)
	if err != nil {
		return err
	}
	for _, line := range lines {
		fmt.Fprintln(io.out, line)
	}
	return nil
}
