package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"telltale/internal/access"
	"telltale/internal/config"
	"telltale/internal/declare"
	"telltale/simulator"
)

// DemoOptions say how the demonstration runs. All may be zero but Out.
type DemoOptions struct {
	Data       string        // folder to keep; "": a temporary one, removed at the end
	Duration   time.Duration // ends by itself after it; 0: runs until ctx ends
	HTTPListen string        // "": 127.0.0.1:8080, or a free port
	MQTTListen string        // "": 127.0.0.1:1883, or a free port
	Seed       uint64
	Version    string
	Out        io.Writer
}

const (
	demoScenario = "demo"
	demoUser     = "demo" // who the one-time link logs in
)

// Demo runs everything embedded with a simulated fleet whose story touches
// every part, and prints what happened at the end.
func Demo(ctx context.Context, opts DemoOptions) (err error) {
	cfg, cleanup, err := demoConfig(opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanup()) }()

	fmt.Fprintln(opts.Out, "Starting database, log and broker ...")
	a, err := New(ctx, cfg, Options{Version: opts.Version})
	if err != nil {
		return err
	}
	f, err := a.prepareDemo(ctx, opts)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	if opts.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.Duration)
		defer cancel()
	}
	runErr := a.runDemo(ctx, f, opts)
	sumErr := a.printSummary(context.WithoutCancel(ctx), opts.Out)
	return errors.Join(runErr, sumErr, a.Close())
}

// demoConfig returns the set-up of a demonstration, and what removes its
// temporary folder.
func demoConfig(opts DemoOptions) (config.Config, func() error, error) {
	cleanup := func() error { return nil }
	data := opts.Data
	if data == "" {
		folder, err := os.MkdirTemp("", "telltale-demo-")
		if err != nil {
			return config.Config{}, nil, fmt.Errorf("make a temporary folder: %w", err)
		}
		data, cleanup = folder, func() error { return os.RemoveAll(folder) }
	}
	cfg := config.Default(data)
	cfg.Log.Level = "warn"
	cfg.HTTP.Listen = cmp.Or(opts.HTTPListen, freeAddress(cfg.HTTP.Listen))
	cfg.MQTT.Listen = cmp.Or(opts.MQTTListen, freeAddress(cfg.MQTT.Listen))
	cfg.HTTP.PublicURL = "http://" + cfg.HTTP.Listen
	return cfg, cleanup, nil
}

// freeAddress returns address if nobody listens there, else one of the same
// host with a free port.
func freeAddress(address string) string {
	for _, candidate := range []string{address, "127.0.0.1:0"} {
		listener, err := net.Listen("tcp", candidate)
		if err != nil {
			continue
		}
		defer listener.Close()
		return listener.Addr().String()
	}
	return address
}

// fleet is the simulated devices of a demonstration, and the time they live in.
type fleet struct {
	scenario *simulator.Scenario
	start    time.Time // simulated time of the first report
	began    time.Time // by the wall clock
}

// prepareDemo declares the fleet's world and lets somebody in.
func (a *App) prepareDemo(ctx context.Context, opts DemoOptions) (*fleet, error) {
	scenario, err := simulator.Load(demoScenario)
	if err != nil {
		return nil, fmt.Errorf("read the demo's scenario: %w", err)
	}
	scenario.Seed = cmp.Or(opts.Seed, scenario.Seed)
	began := time.Now()
	f := &fleet{scenario: scenario, began: began, start: scenario.Start.Resolve(began)}

	documents, err := simulator.Declarations(demoScenario, f.start)
	if err != nil {
		return nil, err
	}
	sources := make([]declare.Source, len(documents))
	for i, d := range documents {
		sources[i] = declare.Source{Name: d.Name, Text: d.Text}
	}
	set, err := declare.ParseSources(sources...)
	if err != nil {
		return nil, fmt.Errorf("read the demo's declarations: %w", err)
	}
	if _, err := a.db.Apply(ctx, set, demoUser); err != nil {
		return nil, fmt.Errorf("declare the demo's fleet: %w", err)
	}
	if err := a.db.BackdateRules(ctx, f.start); err != nil {
		return nil, err
	}
	if err := a.declarations.load(ctx); err != nil {
		return nil, err
	}
	return f, a.inviteDemo(ctx, opts.Out)
}

// inviteDemo makes a user who may do everything and prints a link that logs
// them in once.
func (a *App) inviteDemo(ctx context.Context, out io.Writer) error {
	if err := a.gate.AddUser(ctx, demoUser, "Demo", access.Admin, rand.Text()); err != nil {
		return fmt.Errorf("make the demo's user: %w", err)
	}
	secret, err := a.gate.CreateLink(ctx, demoUser)
	if err != nil {
		return fmt.Errorf("make a one-time link: %w", err)
	}
	fmt.Fprintf(out, "\n  Console   %s/login/%s\n            (this link logs you in once, within ten minutes)\n", a.cfg.HTTP.PublicURL, secret)
	fmt.Fprintf(out, "  Broker    mqtt://%s\n\n", a.cfg.MQTT.Listen)
	return nil
}

// runDemo runs gateway, fleet and narrator until ctx ends.
func (a *App) runDemo(ctx context.Context, f *fleet, opts DemoOptions) error {
	// The gateway outlives the fleet, so that what the fleet said last is
	// answered.
	gatewayCtx, stopGateway := context.WithCancel(context.WithoutCancel(ctx))
	defer stopGateway()
	gateway := make(chan error, 1)
	go func() { gateway <- a.Run(gatewayCtx) }()

	group, groupCtx := errgroup.WithContext(ctx)
	publisher := simulator.NewPublisher(simulator.NewFleet(f.scenario, f.start).Units(), simulator.PublisherOptions{
		Broker: "mqtt://" + a.cfg.MQTT.Listen, Log: a.logger.Named("fleet"),
	})
	group.Go(func() error { return publisher.Run(groupCtx) })
	group.Go(func() error {
		clock := simulator.Clock{Start: f.start, Began: f.began, Speed: f.scenario.Speed}
		return simulator.Run(groupCtx, simulator.NewFleet(f.scenario, f.start), clock, publisher)
	})
	group.Go(func() error { return a.narrate(groupCtx, opts.Out) })
	group.Go(func() error {
		select {
		case err := <-gateway:
			gateway <- nil
			return cmp.Or(err, errGatewayEnded)
		case <-groupCtx.Done():
			return nil
		}
	})
	err := group.Wait()
	stopGateway()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, <-gateway)
}

// errGatewayEnded says that the gateway stopped while the fleet still ran.
var errGatewayEnded = errors.New("the gateway ended by itself")
