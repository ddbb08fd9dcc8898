package app

import (
	"context"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"telltale/internal/config"
	"telltale/internal/declare"
	"telltale/internal/gatewaytest"
	"telltale/internal/postgres/pgtest"
)

// startGateway runs a gateway in this process, on a database of its own, and
// stops it at the end of the test.
func startGateway(t *testing.T, change func(*config.Config)) *App {
	t.Helper()
	return startLogging(t, zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), change)
}

// startLogging is startGateway with a logger of the test's own.
func startLogging(t *testing.T, logger *zap.Logger, change func(*config.Config)) *App {
	t.Helper()
	cfg := config.Default(t.TempDir())
	cfg.Database.URL = config.Secret(pgtest.URL(t))
	cfg.MQTT.Listen, cfg.HTTP.Listen = gatewaytest.UnusedAddress(t), gatewaytest.UnusedAddress(t)
	cfg.HTTP.PublicURL = "http://" + cfg.HTTP.Listen
	if change != nil {
		change(&cfg)
	}
	a, err := New(t.Context(), cfg, Options{Version: "test", Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	gatewaytest.Await(t, "the gateway to take messages", func() bool {
		for _, check := range a.checks() {
			if check.Ask(t.Context()) != nil {
				return false
			}
		}
		return true
	})
	return a
}

// declareAll applies declarations and returns when they count.
func declareAll(t *testing.T, a *App, text string) {
	t.Helper()
	set, err := declare.ParseSources(declare.Source{Name: "test.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := a.db.Apply(t.Context(), set, "test")
	if err != nil {
		t.Fatal(err)
	}
	gatewaytest.Await(t, "the declarations to count", func() bool { return a.declarations.Directory().Version() >= plan.Version })
}
