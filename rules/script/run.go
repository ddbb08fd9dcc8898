package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
	"telltale/rules"
)

// Declarations are what a file holds, as far as scripts go.
type Declarations struct {
	Rules       []rules.Rule
	Models      []*devices.Model
	Maintenance []rules.Maintenance
	Own         []*Own // the tests that the rules carry

	// Place turns a fault of one of the rules into an error that names its
	// file, line and column. Nil leaves it as it is.
	Place func(*rules.SyntaxError) error
}

// Loader reads a file of declarations. Kinds that scripts know nothing of are
// ignored. Its errors name the file and the line.
type Loader func(path string) (Declarations, error)

// File is a script, or a file of declarations whose rules carry tests.
type File struct {
	Path  string
	Found bool // beside others in a folder: it may be declarations without any test
}

// errNothing says that folders hold no test at all.
var errNothing = errors.New("there is no test in these files")

// Run plays the scripts and returns how their tests went. Paths of rule files
// are relative to the script that names them. An error means that a script or
// a rule file is invalid; failed tests are not an error but in the result. All
// invalid scripts are reported, and the valid ones are played.
func Run(ctx context.Context, files []File, load Loader) (Result, error) {
	var result Result
	var faults []error
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return result, errors.Join(append(faults, err)...)
		}
		err := runFile(ctx, f.Path, load, &result)
		if err != nil && !(f.Found && errors.Is(err, errNoTests)) {
			faults = append(faults, err)
		}
	}
	if len(faults) == 0 && result.Passed+result.Failed == 0 {
		faults = append(faults, errNothing)
	}
	return result, errors.Join(faults...)
}

func runFile(ctx context.Context, path string, load Loader, result *Result) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if isDeclarations(content) {
		return runDeclared(ctx, path, load, result)
	}
	f, err := parse(content)
	if err != nil {
		return inFile(path, err)
	}
	declared, err := f.load(path, load)
	if err != nil {
		return err
	}
	var plays []*play
	var faults []error
	for _, t := range f.tests {
		p, err := newPlay(t, declared)
		if err != nil {
			faults = append(faults, inFile(path, err))
		}
		plays = append(plays, p)
	}
	if len(faults) > 0 {
		return unique(faults)
	}
	for _, p := range plays {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.run(ctx); err != nil {
			return err
		}
		result.add(path, p)
	}
	return nil
}

// load reads the files that a script names.
func (f *file) load(path string, load Loader) (declarations, error) {
	declared := declarations{place: make(map[string]func(*rules.SyntaxError) error)}
	var faults []error
	for _, n := range f.rules {
		name := n.Value
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		some, err := load(name)
		switch {
		case errors.Is(err, os.ErrNotExist):
			faults = append(faults, inFile(path, fault(n, "rules: %w", err)))
			continue
		case err != nil:
			faults = append(faults, err)
			continue
		}
		for _, one := range some.Rules {
			one.Version = max(one.Version, 1) // a file does not know how often its rule was changed
			declared.rules = append(declared.rules, one)
			declared.place[one.ID] = some.Place
		}
		declared.models = append(declared.models, some.Models...)
		declared.maintenance = append(declared.maintenance, some.Maintenance...)
	}
	return declared, errors.Join(faults...)
}

// fault is an error at a node.
func fault(n *yaml.Node, format string, args ...any) error {
	return &placeError{n.Line, n.Column, fmt.Errorf(format, args...)}
}

// inFile puts the file's name before each line of an error about the script.
func inFile(path string, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, inFile(path, one))
		}
		return errors.Join(all...)
	}
	var at *placeError
	switch {
	case !errors.As(err, &at):
		return err // about another file
	case at.line == 0:
		return fmt.Errorf("%s: %w", path, err)
	default:
		return fmt.Errorf("%s:%w", path, err)
	}
}

// unique joins errors and leaves out those that say the same: every test of a
// script finds what is wrong with its rules.
func unique(faults []error) error {
	said := make(map[string]bool)
	return errors.Join(slices.DeleteFunc(faults, func(err error) bool {
		before := said[err.Error()]
		said[err.Error()] = true
		return before
	})...)
}
