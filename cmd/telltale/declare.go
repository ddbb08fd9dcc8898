package main

import (
	"context"
	"fmt"
	"os/user"
	"strings"

	"telltale/internal/declare"
)

// declarations are the files of apply and plan.
type declarations struct {
	Files []string `short:"f" name:"file" required:"" type:"path" help:"A file, or a folder of *.yaml files; may be given several times." placeholder:"FILE_OR_DIR"`
	Also  []string `arg:"" optional:"" type:"path" help:"More files or folders."`
}

// sources reads the files. Rule scripts in folders stay out, and are told of.
func (d declarations) sources(io *console) ([]declare.Source, error) {
	sources, err := declare.ReadSources(append(d.Files, d.Also...)...)
	if err != nil {
		return nil, invalid(err)
	}
	sources, scripts := declare.WithoutScripts(sources)
	if len(scripts) > 0 {
		fmt.Fprintf(io.err, "left to \"telltale rules test\", as rule scripts: %s\n", strings.Join(scripts, ", "))
	}
	return sources, nil
}

type applyCmd struct {
	declarations
	target
}

// Run declares all of the files, or nothing.
func (c applyCmd) Run(ctx context.Context, io *console) error {
	sources, err := c.sources(io)
	if err != nil {
		return err
	}
	return c.with(ctx, io, func(g gateway) error {
		plan, err := g.Apply(ctx, sources, author())
		if err != nil {
			return err
		}
		fmt.Fprint(io.out, plan)
		return nil
	})
}

type planCmd struct {
	declarations
	target
}

// Run prints what apply would do.
func (c planCmd) Run(ctx context.Context, io *console) error {
	sources, err := c.sources(io)
	if err != nil {
		return err
	}
	return c.with(ctx, io, func(g gateway) error {
		plan, err := g.Plan(ctx, sources)
		if err != nil {
			return err
		}
		fmt.Fprint(io.out, plan)
		return nil
	})
}

// author names who declares, for the history of rules.
func author() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "telltale"
}
