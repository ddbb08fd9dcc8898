package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"telltale/internal/app"
)

type serveCmd struct {
	Config string `help:"Configuration file." type:"path"`
	Data   string `help:"Folder of everything embedded." type:"path"`
	Check  bool   `help:"Only validate the configuration."`
}

// Run runs the gateway until it is told to stop.
func (c serveCmd) Run(ctx context.Context, io *console) error {
	cfg, err := target{Config: c.Config, Data: c.Data}.load(io)
	if err != nil {
		return err
	}
	if err := app.Check(cfg); err != nil {
		return invalid(err)
	}
	if c.Check {
		fmt.Fprintln(io.out, "the configuration is valid")
		return nil
	}
	return app.Serve(ctx, cfg, app.ServeOptions{Version: version, Out: io.out})
}

type demoCmd struct {
	Data     string        `help:"Folder to keep everything in. Default: a temporary one, removed at the end." type:"path"`
	Duration time.Duration `help:"End by itself after this time, with a summary. Default: run until Ctrl-C."`
	HTTP     string        `name:"http" help:"Address of the console. Default: 127.0.0.1:8080, or a free port." placeholder:"HOST:PORT"`
	MQTT     string        `name:"mqtt" help:"Address of the broker. Default: 127.0.0.1:1883, or a free port." placeholder:"HOST:PORT"`
	Seed     uint64        `default:"1" help:"Same seed, same fleet."`
}

// Run runs everything embedded with a simulated fleet.
func (c demoCmd) Run(ctx context.Context, io *console) error {
	data := c.Data
	if data != "" {
		data = filepath.Clean(data)
	}
	return app.Demo(ctx, app.DemoOptions{
		Data: data, Duration: c.Duration, HTTPListen: c.HTTP, MQTTListen: c.MQTT, Seed: c.Seed,
		Version: version, Out: io.out,
	})
}
