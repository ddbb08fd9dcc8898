package main

import (
	"context"
	"errors"
	"fmt"

	"telltale/internal/declare"
	"telltale/rules/script"
)

type rulesCmd struct {
	Check    rulesCheckCmd    `cmd:"" help:"Validate rules: every error, with file and line."`
	Test     rulesTestCmd     `cmd:"" help:"Run rule scripts."`
	Backtest rulesBacktestCmd `cmd:"" help:"What rules would have done on recorded readings."`
	Explain  rulesExplainCmd  `cmd:"" help:"Why an alarm came, what it saw and what became of it."`
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
	Scripts []string `arg:"" type:"path" help:"Script files, files with rules that carry tests, or folders of them."`
}

// errScripts makes the command fail after the differences are printed.
var errScripts = errors.New("some tests failed")

// Run plays the scripts and prints how they went.
func (c rulesTestCmd) Run(ctx context.Context, io *console) error {
	files, err := declare.Files(c.Scripts...)
	if err != nil {
		return invalid(err)
	}
	scripts := make([]script.File, len(files))
	for i, f := range files {
		scripts[i] = script.File(f)
	}
	result, err := script.Run(ctx, scripts, loadForScripts)
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

// loadForScripts reads what scripts are played to.
func loadForScripts(path string) (script.Declarations, error) {
	set, err := declare.Parse(path)
	if err != nil {
		return script.Declarations{}, err
	}
	declared := script.Declarations{
		Rules: dereference(set.Rules), Models: set.Models, Maintenance: dereference(set.Maintenance), Place: set.Place,
	}
	for _, r := range set.Rules {
		own, faults := set.Tests(r)
		if len(faults) > 0 {
			return script.Declarations{}, faults
		}
		if own != nil {
			declared.Own = append(declared.Own, own)
		}
	}
	return declared, nil
}

func dereference[T any](pointers []*T) []T {
	all := make([]T, len(pointers))
	for i, r := range pointers {
		all[i] = *r
	}
	return all
}
