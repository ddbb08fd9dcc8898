package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it, once."`
}

type tokenCreateCmd struct {
	Role string `required:"" enum:"admin,support,quality,viewer" help:"What the token may do: ${enum}."`
	Name string `required:"" help:"What the token is for; it shows as the actor in timelines."`
	target
}

// Run makes a token.
func (c tokenCreateCmd) Run(ctx context.Context, io *console) error {
	return c.with(ctx, io, func(g gateway) error {
		secret, err := g.CreateToken(ctx, c.Role, c.Name)
		if err != nil {
			return err
		}
		fmt.Fprintln(io.out, secret)
		return nil
	})
}

type userCmd struct {
	Add userAddCmd `cmd:"" help:"Let a person log in. The password is read from standard input or a file."`
}

type userAddCmd struct {
	Login        string `arg:"" help:"Name to log in with."`
	Name         string `help:"The person's full name."`
	Role         string `required:"" enum:"admin,support,quality,viewer" help:"What the person may do: ${enum}."`
	PasswordFile string `type:"path" help:"File with the password in its first line. Default: standard input."`
	target
}

// Run adds a person.
func (c userAddCmd) Run(ctx context.Context, io *console) error {
	password, err := c.password()
	if err != nil {
		return err
	}
	return c.with(ctx, io, func(g gateway) error {
		if err := g.AddUser(ctx, c.Login, c.Name, c.Role, password); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "%s may now log in as %s\n", c.Login, c.Role)
		return nil
	})
}

// password reads it from where no process list shows it.
func (c userAddCmd) password() (string, error) {
	in := os.Stdin
	if c.PasswordFile != "" {
		file, err := os.Open(c.PasswordFile)
		if err != nil {
			return "", invalid(err)
		}
		defer file.Close()
		in = file
	} else if info, err := in.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(os.Stderr, "Password: ")
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		if err != nil {
			return "", invalid(fmt.Errorf("read password: %w", err))
		}
		return "", invalid(errors.New("the password is empty"))
	}
	return line, nil
}
