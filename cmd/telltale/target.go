package main

import (
	"context"
	"errors"

	"telltale/internal/app"
	"telltale/internal/config"
)

// target says which gateway's data a command works on.
type target struct {
	Config string `help:"Configuration file, as for serve." type:"path"`
	Data   string `help:"Folder of everything embedded, as for serve." type:"path"`
	Server string `help:"URL of a running gateway, instead of its data."`
	Token  string `help:"Bearer token for --server." env:"TELLTALE_TOKEN"`
}

// load reads the configuration that the flags and the environment name.
func (t target) load(io *console) (config.Config, error) {
	cfg, err := config.Load(t.Config, func(name string) (string, bool) {
		if name == "TELLTALE_DATA" && t.Data != "" {
			return t.Data, true
		}
		return io.env(name)
	})
	return cfg, invalid(err)
}

// open returns the gateway's data: through its API when --server is given,
// else directly, starting the private database if no gateway runs it.
func (t target) open(ctx context.Context, io *console) (gateway, error) {
	if t.Server != "" {
		return t.remote()
	}
	cfg, err := t.load(io)
	if err != nil {
		return nil, err
	}
	return app.OpenAdmin(ctx, cfg)
}

// remote returns the gateway at --server.
func (t target) remote() (*remote, error) {
	if t.Token == "" {
		return nil, invalid(errors.New("--server needs a --token (or TELLTALE_TOKEN); make one with: telltale token create --role admin --name NAME"))
	}
	return newRemote(t.Server, t.Token)
}

// loadSources reads the configuration for its sources alone, so that it need
// not say where data are.
func (t target) loadSources(io *console) (config.Config, error) {
	t.Data = "."
	return t.load(io)
}

// with opens the target, runs f and closes it.
func (t target) with(ctx context.Context, io *console, f func(gateway) error) error {
	g, err := t.open(ctx, io)
	if err != nil {
		return err
	}
	defer g.Close()
	return f(g)
}
