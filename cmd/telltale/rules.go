package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"telltale/internal/app"
	"telltale/internal/declare"
	"telltale/rules/backtest"
	"telltale/rules/script"
)

type rulesCmd struct {
	Check    rulesCheckCmd    `cmd:"" help:"Validate rules: every error, with file and line."`
	Test     rulesTestCmd     `cmd:"" help:"Run rule scripts."`
	Backtest rulesBacktestCmd `cmd:"" help:"What rules would have done on recorded readings."`
}

type rulesCheckCmd struct {
	Files []string `arg:"" type:"path" help:"Files or folders of declarations."`
}

// Run finds all that is wrong with the files by themselves: what they name but
// do not hold is taken as declared elsewhere.
func (c rulesCheckCmd) Run(io *console) error {
	set, warnings, err := declare.Lint(c.Files...)
	if err != nil {
		return invalid(err)
	}
	if len(set.Rules) == 0 {
		return invalid(errNoRule)
	}
	return printChecked(io, set, warnings)
}

// errNoRule says that files which should hold rules hold none.
var errNoRule = errors.New("there is no rule in these files")

func readRules(paths ...string) (*declare.Set, error) {
	set, err := declare.Parse(paths...)
	if err != nil {
		return nil, invalid(err)
	}
	if len(set.Rules) == 0 {
		return nil, invalid(errNoRule)
	}
	return set, nil
}

type rulesTestCmd struct {
	Scripts []string `arg:"" type:"path" help:"Script files."`
}

// errScripts makes the command fail after the differences are printed.
var errScripts = errors.New("some tests failed")

// Run plays the scripts and prints how they went.
func (c rulesTestCmd) Run(ctx context.Context, io *console) error {
	result, err := script.Run(ctx, c.Scripts, func(path string) (script.Declarations, error) {
		set, err := declare.Parse(path)
		if err != nil {
			return script.Declarations{}, err
		}
		return script.Declarations{Rules: dereference(set.Rules), Models: set.Models, Maintenance: dereference(set.Maintenance), Place: set.Place}, nil
	})
	if err != nil {
		return invalid(err)
	}
	if err := result.Print(io.out); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if !result.OK() {
		return errScripts
	}
	return nil
}

func dereference[T any](pointers []*T) []T {
	all := make([]T, len(pointers))
	for i, r := range pointers {
		all[i] = *r
	}
	return all
}

type rulesBacktestCmd struct {
	Rules    []string  `required:"" type:"path" help:"Files or folders with the rules; models and devices in them count as well."`
	Readings string    `type:"existingfile" help:"CSV file with the columns time,device,metric,value. Left out: the stored history."`
	Device   []string  `help:"Of the stored history, these devices. Default: all; with --server at least one."`
	From     time.Time `help:"Readings from this time on, RFC 3339."`
	To       time.Time `help:"Readings before this time, RFC 3339."`
	JSON     bool      `name:"json" help:"Print the result as JSON."`
	target
}

// Run plays the readings and prints the alarms.
func (c rulesBacktestCmd) Run(ctx context.Context, io *console) error {
	set, err := readRules(c.Rules...)
	if err != nil {
		return err
	}
	result, err := c.play(ctx, io, set)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(io.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
	}
	return printBacktest(io, result)
}

// play runs the rules on the file, or on the history that a gateway has.
func (c rulesBacktestCmd) play(ctx context.Context, io *console, set *declare.Set) (backtest.Result, error) {
	input := backtest.Input{
		Rules: dereference(set.Rules), Models: set.Models, Devices: set.Devices, From: c.From, To: c.To,
		Maintenance: dereference(set.Maintenance),
	}
	if c.Readings != "" {
		return c.playFile(ctx, input)
	}
	if c.Server != "" {
		if len(c.Device) == 0 {
			return backtest.Result{}, invalid(errors.New("with --server at least one --device ID is needed, whose history is played"))
		}
		g, err := c.remote()
		if err != nil {
			return backtest.Result{}, err
		}
		return g.Backtest(ctx, c.Rules, c.Device, c.From, c.To)
	}
	cfg, err := c.load(io)
	if err != nil {
		return backtest.Result{}, err
	}
	return app.Backtest(ctx, cfg, input, c.Device)
}

func (c rulesBacktestCmd) playFile(ctx context.Context, input backtest.Input) (backtest.Result, error) {
	file, err := os.Open(c.Readings)
	if err != nil {
		return backtest.Result{}, invalid(err)
	}
	defer file.Close()
	result, err := backtest.Run(ctx, input, backtest.ReadCSV(file))
	if err != nil {
		return result, invalid(fmt.Errorf("%s: %w", filepath.Base(c.Readings), err))
	}
	return result, nil
}

func printBacktest(io *console, result backtest.Result) error {
	table := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "RAISED\tCLEARED\tSEVERITY\tRULE\tDEVICE")
	for _, a := range result.Alarms {
		cleared := "active at the end"
		if a.ClearedAt != nil {
			cleared = a.ClearedAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n",
			a.RaisedAt.UTC().Format(time.RFC3339), cleared, a.Severity, a.RuleID, a.Device)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, assumption := range result.Assumed {
		fmt.Fprintln(io.out, assumption)
	}
	fmt.Fprintf(io.out, "%d alarms from %d readings of %d devices\n", len(result.Alarms), result.Readings, result.Devices)
	return nil
}
