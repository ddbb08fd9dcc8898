package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"telltale/internal/console"
	"telltale/internal/declare"
	"telltale/internal/postgres"
)

func (a *App) buildConsole(context.Context) (err error) {
	a.console, err = console.New(console.Deps{
		Access: a.gate, Answers: a.db, Events: a.db, Traces: tracer{a.db, a.log},
		Tickets: a.db, Alarms: a.db, Desk: a.desk, Customers: a.db, Devices: a.db, History: a.readings, Archive: a.readings.archive,
		Shipments: a.db, Recalls: a.db, RecallDesk: a.recalls, Declarations: declaring{a.db}, RuleHistory: a.db,
		Quarantine: a.db, Replays: a.db, Replayer: a.replayer, Importer: a.importer, LoggerAlarms: a.db, HeldAlarms: a.db, Pages: a.db, Sources: trials{a},
	}, console.Options{
		PublicURL: a.cfg.HTTP.PublicURL, Version: a.version, Checks: a.checks(), Gatherer: a.registry, Registerer: a.registry, Log: a.logger,
	})
	if err != nil {
		return err
	}
	a.web, err = net.Listen("tcp", a.cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("listen for the console: %w", err)
	}
	a.stops.onStop("console's address", func(context.Context) error {
		if err := a.web.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// checks are what /readyz asks.
func (a *App) checks() []console.Check {
	checks := []console.Check{
		{Name: "database", Ask: a.db.Ping},
		{Name: "log", Ask: func(context.Context) error { return a.log.Ready() }},
		{Name: "broker", Ask: func(context.Context) error { return a.door.Ready() }},
		{Name: "rules", Ask: func(context.Context) error { return a.workersReady() }},
	}
	if a.readings.ready != nil {
		checks = append(checks, console.Check{Name: "history", Ask: a.readings.ready})
	}
	return checks
}

// workersReady reports which share of the partitions is worked through. With
// several nodes each has its own, so none at all is the fault.
func (a *App) workersReady() error {
	if a.workers.Working() == 0 {
		return errors.New("no partition is worked through by this node yet")
	}
	return nil
}

// Limits of the console's connections. Answers have no limit of their own:
// event streams last; the console bounds each write.
const (
	headerTimeout   = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 5 * time.Second
)

// runConsole serves pages and API until ctx ends; then open event streams are
// told to end, and answers under way may finish.
func (a *App) runConsole(ctx context.Context) error {
	server := &http.Server{
		Handler: a.console.Handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ErrorLog: zap.NewStdLog(a.logger.Named("http")),
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.console.Run(ctx) })
	group.Go(func() error {
		if err := server.Serve(a.web); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the console: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if err := server.Shutdown(last); err != nil {
			return server.Close() // somebody does not read; they had their time
		}
		return nil
	})
	return group.Wait()
}

// declaring is the database as the console declares things in it: an answer
// means that the running gateways work by what was declared.
type declaring struct{ *postgres.DB }

// Apply is [console.Declarations]'s.
func (d declaring) Apply(ctx context.Context, set *declare.Set, author string) (declare.Plan, error) {
	return applyAndAwait(ctx, d.DB, set, author)
}
