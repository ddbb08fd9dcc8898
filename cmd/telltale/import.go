package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"telltale/ingest/loggerfile"
	"telltale/internal/declare"
)

type importCmd struct {
	Kind   string `arg:"" help:"What the rows are, such as Device or Customer, or readings: a logger's file. See docs/import.md."`
	File   string `arg:"" type:"existingfile" help:"CSV file with a header; of readings, a file in the --format."`
	Format string `help:"Of readings: csv (time,device,metric,value) or fridgetag." enum:"csv,fridgetag," default:""`
	Device string `help:"Of readings: whose they are, if the file does not say."`
	DryRun bool   `help:"Of readings: check every line and store nothing."`
	target
}

// errRejected makes the command fail when rows were left out.
var errRejected = errors.New("some rows were rejected; the others are in")

// Run upserts the good rows and reports the others.
func (c importCmd) Run(ctx context.Context, io *console) error {
	if strings.EqualFold(c.Kind, readingsKind) {
		c.Format = cmp.Or(c.Format, string(loggerfile.CSV))
		return c.importReadings(ctx, io)
	}
	if c.Format != "" || c.Device != "" || c.DryRun {
		return invalid(errors.New("--format, --device and --dry-run are for readings only"))
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return invalid(err)
	}
	return c.with(ctx, io, func(g gateway) error {
		report, err := g.Import(ctx, c.Kind, declare.Source{Name: c.File, Text: text}, author())
		if err != nil {
			return err
		}
		fmt.Fprint(io.out, report.Plan)
		for _, line := range report.Rejected {
			fmt.Fprintln(io.err, line)
		}
		fmt.Fprintf(io.out, "%d rows read, %d rejected\n", report.Rows, len(report.Rejected))
		if len(report.Rejected) > 0 {
			return invalid(errRejected)
		}
		return nil
	})
}
