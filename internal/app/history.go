package app

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/ingest/history/influx"
	"telltale/ingest/stream"
	"telltale/internal/config"
	"telltale/internal/console"
	"telltale/internal/postgres"
)

// readings is where a gateway keeps what devices reported.
type readings struct {
	console.History                 // what people read
	archive         history.Archive // what backtests play

	writers   []*history.Writer
	consumers []string                    // of the log, which must not lose what they still need
	ready     func(context.Context) error // nil: as the database is
	elsewhere bool                        // not in PostgreSQL
}

// buildHistory chooses the store of the readings. Presence is a consumer of
// the log by itself: a store that is away makes no device look silent.
func (a *App) buildHistory(context.Context) error {
	store, err := a.openHistory()
	if err != nil {
		return err
	}
	a.readings.consumers = []string{history.Consumer, history.PresenceConsumer}
	if err := a.addWriter(store, history.Options{
		Consumer: history.Consumer, Metrics: history.NewMetrics(a.registry),
	}); err != nil {
		return err
	}
	return a.addWriter(postgres.NewPresence(a.db), history.Options{
		Consumer: history.PresenceConsumer, FlushEvery: presenceEvery, Duty: presenceDuty,
	})
}

// Presence is saved about once a second: often enough for people. A fleet that
// makes that much work is seen a few seconds later, since the longer, the fewer
// rows change.
const (
	presenceEvery = time.Second
	presenceDuty  = 0.1
)

// openHistory opens the store that is configured for writing and reading.
func (a *App) openHistory() (history.Store, error) {
	if a.cfg.History.Store != "influx" {
		store := postgres.NewHistory(a.db)
		a.readings = readings{History: a.db, archive: store}
		return store, nil
	}
	store, err := influx.New(influxOptions(a.cfg.History.Influx), ledger{a.db})
	if err != nil {
		return nil, err
	}
	a.stops.onStop("connections to InfluxDB", func(context.Context) error { store.Close(); return nil })
	a.readings = readings{History: store, archive: store, ready: store.Ready, elsewhere: true}
	return store, nil
}

func influxOptions(cfg config.Influx) influx.Options {
	return influx.Options{URL: cfg.URL, Token: cfg.Token.Reveal(), Org: cfg.Org, Bucket: cfg.Bucket}
}

func (a *App) addWriter(store history.Store, opts history.Options) error {
	opts.Node, opts.Partitions, opts.Log = a.declarations.node, a.log.Partitions(), a.logger.Named(opts.Consumer)
	writer, err := history.NewWriter(store, historySource{a.log}, a.db, opts)
	if err != nil {
		return err
	}
	a.readings.writers = append(a.readings.writers, writer)
	return nil
}

// run runs the writers until ctx ends.
func (r *readings) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range r.writers {
		group.Go(func() error { return w.Run(ctx) })
	}
	return group.Wait()
}

// historySource is the log as the history writer reads it.
type historySource struct{ log *stream.Log }

// Read is [history.Source]'s.
func (s historySource) Read(ctx context.Context, partition int, after uint64) (history.Reader, error) {
	reader, err := s.log.Read(ctx, partition, after)
	if err != nil {
		return nil, err
	}
	return historyReader{reader}, nil
}

type historyReader struct{ *stream.Reader }

// Next is [history.Reader]'s.
func (r historyReader) Next(ctx context.Context) (uint64, []devices.Report, error) {
	message, err := r.Reader.Next(ctx)
	return message.Seq, message.Reports, err
}
