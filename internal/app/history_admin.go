package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/ingest/history/influx"
	"telltale/internal/config"
	"telltale/internal/postgres"
)

// archive is a history that can be copied from and to.
type archive interface {
	history.Archive
	history.Importer
}

var (
	_ archive = (*postgres.History)(nil)
	_ archive = (*influx.Store)(nil)
)

// HistoryCopy says what [CopyHistory] copies.
type HistoryCopy struct {
	From, To     string // "postgres" or "influx"
	Device       string // "": of all devices
	Since, Until time.Time
	DryRun       bool // count only

	Progress func(HistoryProgress) // nil: nobody is told
}

// HistoryProgress says how far a copy is.
type HistoryProgress struct {
	Readings int64
	Until    time.Time // everything before it is copied
	Share    float64   // of the time to copy, 0 to 1
}

// HistoryCopied says what came of a copy.
type HistoryCopied struct {
	Readings, Refused int64     // copied; of those, never taken and in quarantine
	CopiedUntil       time.Time // everything before it is copied
	InFrom, InTo      int64     // with DryRun: readings of that time in the two stores
}

// CopyHistory copies readings between the two stores of a configuration. It
// works beside a running gateway. After an error the result says how far it
// came.
func CopyHistory(ctx context.Context, cfg config.Config, c HistoryCopy) (_ HistoryCopied, err error) {
	if c.From == c.To {
		return HistoryCopied{}, invalid{errors.New("a copy goes from one store to the other: give --from postgres --to influx, or the other way round")}
	}
	a, err := OpenAdmin(ctx, cfg)
	if err != nil {
		return HistoryCopied{}, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	far, err := openInflux(cfg)
	if err != nil {
		return HistoryCopied{}, err
	}
	defer far.Close()
	near := postgres.NewHistory(a.db)
	stores := map[string]archive{"postgres": near, "influx": far}
	from, to := stores[c.From], stores[c.To]
	if from == nil || to == nil {
		return HistoryCopied{}, invalid{fmt.Errorf("histories are postgres and influx, not %q and %q", c.From, c.To)}
	}

	if c.Until.IsZero() {
		c.Until = time.Now()
	}
	if c.Since.IsZero() {
		if c.From != "postgres" {
			return HistoryCopied{}, invalid{errors.New("InfluxDB does not say since when it has readings: give --since")}
		}
		if c.Since, err = near.FirstDay(ctx); err != nil || c.Since.IsZero() {
			return HistoryCopied{}, err
		}
	}
	if c.DryRun {
		return c.count(ctx, from, to)
	}
	return c.run(ctx, from, to, a.db)
}

// count says how many readings of the time each store has.
func (c *HistoryCopy) count(ctx context.Context, from, to archive) (result HistoryCopied, err error) {
	device := devices.ID(c.Device)
	if result.InFrom, err = from.Count(ctx, device, c.Since, c.Until); err != nil {
		return result, err
	}
	result.InTo, err = to.Count(ctx, device, c.Since, c.Until)
	return result, err
}

func (c *HistoryCopy) run(ctx context.Context, from, to archive, db *postgres.DB) (HistoryCopied, error) {
	copied, err := history.Copy(ctx, from, to, history.CopyOptions{
		Device: devices.ID(c.Device), From: c.Since, To: c.Until,
		Done: func(done history.Copied) {
			if c.Progress != nil {
				share := float64(done.Until.Sub(c.Since)) / float64(c.Until.Sub(c.Since))
				c.Progress(HistoryProgress{Readings: done.Readings, Until: done.Until, Share: share})
			}
		},
		Refused: func(ctx context.Context, refused []history.Refused) error {
			quarantined, err := refusedByHistory(refused)
			if err != nil {
				return err
			}
			return db.InTx(ctx, func(tx *postgres.DB) error { return tx.AddQuarantined(ctx, quarantined) })
		},
	})
	return HistoryCopied{Readings: copied.Readings, Refused: copied.Refused, CopiedUntil: copied.Until}, err
}

// openInflux opens the configured InfluxDB, which need not be the store in
// use: readings are copied before and after a change of store.
func openInflux(cfg config.Config) (*influx.Store, error) {
	store, err := influx.New(influxOptions(cfg.History.Influx), nil)
	if err != nil {
		return nil, invalid{fmt.Errorf("history.influx: %w", err)}
	}
	return store, nil
}

// HistoryStatus returns, line by line, where readings are kept and how far.
func HistoryStatus(ctx context.Context, cfg config.Config) (_ []string, err error) {
	a, err := OpenAdmin(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	lines := []string{"store      " + cfg.History.Store}
	if cfg.History.Store == "influx" {
		lines = append(lines, influxStatus(ctx, cfg)...)
	}
	for _, consumer := range []string{history.Consumer, history.PresenceConsumer} {
		positions, err := a.db.Checkpoints(ctx, consumer)
		if err != nil {
			return nil, err
		}
		if len(positions) > 0 {
			lines = append(lines, fmt.Sprintf("%-10s %s", consumer, describePositions(positions)))
		}
	}
	return lines, nil
}

// statusPatience is how long somebody who asks waits for InfluxDB.
const statusPatience = 10 * time.Second

// influxStatus asks for the last hour, which shows whether reading works.
func influxStatus(ctx context.Context, cfg config.Config) []string {
	store, err := openInflux(cfg)
	if err != nil {
		return []string{"influx     " + err.Error()}
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(ctx, statusPatience)
	defer cancel()
	if err := store.Ready(ctx); err != nil {
		return []string{"influx     " + err.Error()}
	}
	now := time.Now()
	n, err := store.Count(ctx, "", now.Add(-time.Hour), now)
	if err != nil {
		return []string{"influx     " + err.Error()}
	}
	return []string{
		fmt.Sprintf("influx     answers at %s, bucket %s, in %s", cfg.History.Influx.URL, cfg.History.Influx.Bucket, store.Language()),
		fmt.Sprintf("last hour  %d readings", n),
	}
}

func describePositions(positions map[int]uint64) string {
	var words []string
	for p, seq := range positions {
		words = append(words, fmt.Sprintf("%d:%d", p, seq))
	}
	slices.Sort(words)
	return "stored up to " + strings.Join(words, " ") + " (partition:sequence of the log)"
}
