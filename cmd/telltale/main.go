// Telltale turns device telemetry into service tickets and shipment recalls.
//
// This command is flags and exit codes only; the work is in internal/app.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	_ "time/tzdata" // time zones of customers, on machines that have none

	"github.com/alecthomas/kong"

	"telltale/internal/app"
)

// version is set by the build.
var version = "dev"

// Exit codes of every command.
const (
	exitDone    = 0
	exitFailed  = 1
	exitInvalid = 2 // wrong usage or invalid input
)

// cli is the whole command line.
type cli struct {
	Demo       demoCmd       `cmd:"" help:"Run everything embedded with a simulated fleet; prints the console's address and a one-time login."`
	Serve      serveCmd      `cmd:"" help:"Run the gateway."`
	Apply      applyCmd      `cmd:"" help:"Declare models, customers, devices, profiles, shipments, rules and articles from files; all or nothing."`
	Plan       planCmd       `cmd:"" help:"Print what apply would change, and change nothing."`
	Import     importCmd     `cmd:"" help:"Upsert rows of one kind from a CSV file; rejected rows are reported with their lines."`
	Rules      rulesCmd      `cmd:"" help:"Check rules, run their scripts, try them on history."`
	Simulate   simulateCmd   `cmd:"" help:"Run simulated devices against a broker."`
	Load       loadCmd       `cmd:"" help:"Publish as fast as a broker acknowledges, and measure."`
	History    historyCmd    `cmd:"" help:"The readings that are kept."`
	Trace      traceCmd      `cmd:"" help:"Follow a message from the log to alarms, tickets and deliveries."`
	Quarantine quarantineCmd `cmd:"" help:"Messages that were refused."`
	Codec      codecCmd      `cmd:"" help:"Formats of messages, and payloads to try."`
	Device     deviceCmd     `cmd:"" help:"What devices log in to the embedded broker with."`
	Token      tokenCmd      `cmd:"" help:"Bearer tokens of the API."`
	User       userCmd       `cmd:"" help:"People who may log in to the console."`
	Migrate    migrateCmd    `cmd:"" help:"The database's schema."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Worker     workerCmd     `cmd:"" hidden:"" name:"script-worker" help:"Run payload scripts for a gateway."`
}

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	io := &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv}
	os.Exit(run(ctx, os.Args[1:], io))
}

// run parses args and runs the command they name. It returns the exit code.
func run(ctx context.Context, args []string, io *console) int {
	exit := -1
	var commands cli
	parser, err := kong.New(&commands,
		kong.Name("telltale"),
		kong.Description("Device telemetry into service tickets and shipment recalls."),
		kong.UsageOnError(),
		kong.Writers(io.out, io.err),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err) // the command line itself is declared wrongly
	}
	kctx, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help was printed
	}
	if err != nil {
		fmt.Fprintln(io.err, "telltale:", err)
		return exitInvalid
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	if err := kctx.Run(io); err != nil {
		fmt.Fprintln(io.err, err)
		return exitCode(err)
	}
	return exitDone
}

// invalidInput marks an error as the caller's: exit code 2.
type invalidInput struct{ error }

func (e invalidInput) Unwrap() error { return e.error }

func invalid(err error) error {
	if err == nil {
		return nil
	}
	return invalidInput{err}
}

func exitCode(err error) int {
	var input invalidInput
	if errors.As(err, &input) || errors.Is(err, app.ErrInvalid) {
		return exitInvalid
	}
	return exitFailed
}

type versionCmd struct{}

func (versionCmd) Run(io *console) error {
	fmt.Fprintln(io.out, "telltale", version)
	return nil
}
