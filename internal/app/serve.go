package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"telltale/internal/config"
)

// ServeOptions of [Serve].
type ServeOptions struct {
	Version string
	Out     io.Writer // where the addresses are printed
}

// Serve runs a gateway until ctx ends.
func Serve(ctx context.Context, cfg config.Config, opts ServeOptions) error {
	a, err := New(ctx, cfg, Options{Version: opts.Version})
	if err != nil {
		return err
	}
	fmt.Fprintf(opts.Out, "Console  %s\n", cfg.HTTP.PublicURL)
	if cfg.MQTT.Broker == "" {
		fmt.Fprintf(opts.Out, "Broker   mqtt://%s\n", cfg.MQTT.Listen)
	} else {
		fmt.Fprintf(opts.Out, "Broker   %s (external)\n", cfg.MQTT.Broker)
	}
	return errors.Join(a.Run(ctx), a.Close())
}
