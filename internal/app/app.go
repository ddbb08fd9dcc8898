package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/ingest/codec/script"
	"telltale/ingest/history"
	"telltale/ingest/history/influx"
	"telltale/ingest/stream"
	"telltale/internal/access"
	"telltale/internal/config"
	"telltale/internal/console"
	"telltale/internal/partition"
	"telltale/internal/postgres"
	"telltale/internal/tracing"
	"telltale/tickets"
	"telltale/tickets/outbox"
	"telltale/tickets/recalls"
)

// The wiring at a glance: who stands behind each interface.
var (
	_ partition.Committer = (*work)(nil)
	_ partition.Store     = (*work)(nil)
	_ partition.Leases    = (*work)(nil)
	_ partition.Log       = (*stream.Log)(nil)
	_ tickets.Catalog     = (*declarations)(nil)
	_ tickets.Store       = (*postgres.DB)(nil)
	_ recalls.Store       = (*postgres.DB)(nil)
	_ history.Store       = (*postgres.History)(nil)
	_ history.Store       = (*postgres.Presence)(nil)
	_ history.Store       = (*influx.Store)(nil)
	_ console.History     = (*influx.Store)(nil)
	_ influx.Ledger       = ledger{}
	_ outbox.Store        = (*postgres.DB)(nil)
	_ access.Store        = (*postgres.DB)(nil)
	_ console.Replayer    = (*replayer)(nil)
	_ outbox.Tracer       = (*tracing.Tracer)(nil)
)

// Options of a gateway that are not configuration.
type Options struct {
	Version string      // shown by the API
	Logger  *zap.Logger // default: to standard error, at the configured level

	// Codecs are further payload formats that sources may name; see
	// [codec.Options].
	Codecs map[string]func(codec.Source) (codec.Codec, error)
}

// App is one gateway.
type App struct {
	cfg      config.Config
	codecs   codec.Options
	version  string
	logger   *zap.Logger
	registry *prometheus.Registry
	stops    stack

	scripts      *script.Runner
	db           *postgres.DB
	log          *stream.Log
	declarations *declarations
	desk         *tickets.Desk
	recalls      *recalls.Desk
	gate         *access.Gate

	pipeline   *ingest.Pipeline
	door       door
	edge       *edge
	workers    *partition.Group
	holder     *partition.Holder
	readings   readings
	keeper     *keeper
	replayer   *replayer
	importer   *importer
	dispatcher *outbox.Dispatcher
	tracer     *tracing.Tracer // nil: no spans are made
	around     *around
	unheard    *unheard
	janitor    *janitor
	console    *console.Server
	web        net.Listener
}

// New opens the gateway's stores and builds its parts. Nothing moves before
// [App.Run]. The caller calls Close in any case that New succeeds.
func New(ctx context.Context, cfg config.Config, opts Options) (_ *App, err error) {
	logger := opts.Logger
	if logger == nil {
		if logger, err = newLogger(cfg.Log.Level); err != nil {
			return nil, err
		}
	}
	a := &App{cfg: cfg, codecs: codec.Options{Extra: opts.Codecs}, version: opts.Version, logger: logger, registry: prometheus.NewRegistry()}
	a.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	for _, open := range []func(context.Context) error{
		a.openDatabase, a.openLog, a.loadDeclarations,
		a.buildHistory, a.buildDesks, a.buildTracer, a.buildIngest, a.buildWorkers, a.buildDispatcher, a.buildConsole,
	} {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Close lets go of everything that New opened, the last opened first.
func (a *App) Close() error { return a.stops.unwind(context.Background()) }

func (a *App) openDatabase(ctx context.Context) error {
	url, err := openDatabase(ctx, a.cfg, a.logger, &a.stops)
	if err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, url); err != nil {
		return err
	}
	if a.scripts, err = newScripts(&a.stops); err != nil {
		return err
	}
	a.db, err = postgres.Open(ctx, url, databaseOptions(a.cfg, a.scripts))
	if err != nil {
		return err
	}
	a.stops.onStop("database connections", func(context.Context) error { a.db.Close(); return nil })
	return nil
}

func (a *App) openLog(ctx context.Context) (err error) {
	opts := stream.Options{
		URL: a.cfg.Stream.URL, Partitions: a.cfg.Stream.Partitions, MaxBytes: a.cfg.Stream.MaxBytes,
		Log: a.logger.Named("stream"),
	}
	if opts.URL == "" {
		opts.Dir = streamDir(a.cfg)
	}
	if a.log, err = stream.Open(ctx, opts); err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	a.stops.onStop("log", func(context.Context) error { a.log.Close(); return nil })
	return nil
}

func (a *App) loadDeclarations(ctx context.Context) error {
	node, err := nodeName(a.cfg)
	if err != nil {
		return err
	}
	a.declarations = &declarations{db: a.db, node: node, logger: a.logger.Named("declarations")}
	if err := a.declarations.load(ctx); err != nil {
		return err
	}
	// Before any door opens: whoever reaches this node can wait for it.
	return a.declarations.heartbeat(ctx)
}

func (a *App) buildDesks(context.Context) (err error) {
	a.desk, err = tickets.NewDesk(a.declarations, func(ctx context.Context, f func(tickets.Store) error) error {
		return a.telling(ctx, func(tx *postgres.DB, told *told) error { return f(told.tickets(tx)) })
	}, tickets.Options{})
	if err != nil {
		return err
	}
	a.recalls = recalls.NewDesk(func(ctx context.Context, f func(recalls.Store) error) error {
		return a.telling(ctx, func(tx *postgres.DB, told *told) error { return f(told.recalls(a.recallStore(tx))) })
	}, recalls.Options{})
	a.gate = access.NewGate(a.db, access.Options{})
	return nil
}

// telling runs f in a transaction and logs what was told in it.
func (a *App) telling(ctx context.Context, f func(tx *postgres.DB, told *told) error) error {
	var told told
	err := a.db.InTx(ctx, func(tx *postgres.DB) error {
		told.events = nil // of a run that lost a race
		return f(tx, &told)
	})
	if err == nil {
		told.log(a.logger.Named("desk"))
	}
	return err
}

// buildTracer makes spans when the configuration names a collector.
func (a *App) buildTracer(ctx context.Context) (err error) {
	if a.cfg.Tracing.Endpoint == "" {
		return nil
	}
	a.tracer, err = tracing.New(ctx, tracing.Options{
		Endpoint: a.cfg.Tracing.Endpoint, Version: a.version, Node: a.declarations.node,
		Metrics: a.registry, Log: a.logger.Named("tracing"),
	})
	return err
}

func (a *App) buildWorkers(context.Context) (err error) {
	node := a.declarations.node
	w := &work{db: a.db, desk: a.desk, recalls: a.recalls, tracer: a.tracer, logger: a.logger.Named("desk")}
	a.around = &around{db: a.db, rules: a.declarations.work, logger: a.logger.Named("rules")}
	a.unheard = &unheard{db: a.db, rules: a.declarations.work, now: time.Now, logger: a.logger.Named("rules")}
	a.holder = &partition.Holder{Leases: w, Node: node, Logger: a.logger.Named("lease")}
	a.workers = partition.NewGroup(partition.GroupOptions{
		Holder: a.holder, Partitions: a.log.Partitions(), Log: a.log, Store: w, Committer: w,
		Current: a.declarations.work, Inhibitors: a.around.now, Unheard: a.unheard.found,
		Logger: a.logger.Named("rules"), Metrics: partition.NewMetrics(a.registry),
	})
	a.registry.MustRegister(newClockMetric(a.db, a.logger.Named("clocks")))
	a.keeper = newKeeper(a.log, a.db, a.cfg.Quarantine, a.registry, a.logger.Named("quarantine"))
	a.replayer = &replayer{db: a.db, pipeline: a.pipeline, logger: a.logger.Named("replay")}
	a.importer = &importer{
		db: a.db, pipeline: a.pipeline, directory: a.declarations.Directory, logger: a.logger.Named("import"),
	}
	a.janitor = &janitor{
		log: a.log, db: a.db, desk: a.desk, recalls: a.recalls, retain: time.Duration(a.cfg.History.Retain),
		history: a.readings.consumers, quarantine: a.keeper, logger: a.logger.Named("janitor"), trimmed: make(map[int]uint64),
	}
	return nil
}

func (a *App) buildDispatcher(context.Context) (err error) {
	destinations := make([]outbox.Destination, len(a.cfg.Webhooks))
	for i, w := range a.cfg.Webhooks {
		destinations[i], err = outbox.NewWebhook(outbox.WebhookConfig{
			Name: w.Name, URL: w.URL, Secret: w.Secret.Reveal(), Types: w.Types,
		})
		if err != nil {
			return fmt.Errorf("webhook %s: %w", w.Name, err)
		}
	}
	opts := outbox.Options{Watch: a.db.WatchEvents, Metrics: outbox.NewMetrics(a.registry)}
	if a.tracer != nil {
		opts.Tracer = a.tracer
	}
	a.dispatcher, err = outbox.NewDispatcher(a.db, destinations, a.logger, opts)
	return err
}
