package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"telltale/ingest"
	"telltale/ingest/codec"
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
	for _, broker := range brokers(cfg.MQTT) {
		fmt.Fprintf(opts.Out, "Broker   %s\n", broker)
	}
	return errors.Join(a.Run(ctx), a.Close())
}

// brokers says where devices publish.
func brokers(cfg config.MQTT) (urls []string) {
	if cfg.Broker != "" {
		return []string{cfg.Broker + " (external)"}
	}
	if plain := cfg.PlainListen(); plain != "" {
		urls = append(urls, "mqtt://"+plain)
	}
	if cfg.TLS.Listen != "" {
		urls = append(urls, "mqtts://"+cfg.TLS.Listen)
	}
	return urls
}

// Check returns all that is wrong with a configuration beyond its own text:
// with the files that it names, and what codecs find in their sources.
func Check(cfg config.Config) error {
	_, unfit := certificates(cfg.MQTT, ingest.CertificateOptions{})
	_, unread := codec.NewRouter(sources(cfg.Sources), codec.Options{})
	return errors.Join(unfit, unread)
}
