package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"telltale/internal/config"
	"telltale/internal/declare"
	"telltale/internal/postgres"
)

// databasePatience is how long a command waits for the database of a gateway
// that has only just begun.
const databasePatience = time.Minute

// openDatabase returns the URL of the gateway's database: the configured one,
// else that of the private cluster, which is started for it.
func openDatabase(ctx context.Context, cfg config.Config, logger *zap.Logger, stops *stack) (string, error) {
	if url := cfg.Database.URL.Reveal(); url != "" {
		return url, nil
	}
	return startCluster(ctx, postgres.ClusterOptions{Dir: databaseDir(cfg), Log: logger.Named("postgres")}, stops)
}

// joinDatabase is [openDatabase] for a command beside a gateway: it uses the
// private cluster that the gateway runs, waits for it when the gateway has only
// just begun, and starts it only if none does, after other commands that have.
func joinDatabase(ctx context.Context, cfg config.Config, stops *stack) (string, error) {
	if url := cfg.Database.URL.Reveal(); url != "" {
		return url, nil
	}
	logger, err := newLogger("warn")
	if err != nil {
		return "", err
	}
	opts := postgres.ClusterOptions{Dir: databaseDir(cfg), Log: logger.Named("postgres"), Passing: true}
	for began := time.Now(); ; {
		url, again, err := joinOnce(ctx, opts, stops)
		if err == nil || !again || time.Since(began) > databasePatience {
			return url, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// joinOnce is one attempt of [joinDatabase]; again says that a gateway has only
// just begun, so that the next attempt may do.
func joinOnce(ctx context.Context, opts postgres.ClusterOptions, stops *stack) (url string, again bool, err error) {
	url, running, err := postgres.RunningCluster(opts.Dir)
	if err != nil {
		return "", false, fmt.Errorf("look for a running gateway: %w", err)
	}
	if running {
		return url, true, postgres.Answers(ctx, url)
	}
	url, err = startCluster(ctx, opts, stops)
	return url, errors.Is(err, postgres.ErrInUse), err
}

// startCluster runs the private cluster until stops are unwound.
func startCluster(ctx context.Context, opts postgres.ClusterOptions, stops *stack) (string, error) {
	cluster, err := postgres.StartCluster(ctx, opts)
	if err != nil {
		return "", err
	}
	stops.onStop("private database", cluster.Stop)
	return cluster.URL(), nil
}

func databaseDir(cfg config.Config) string { return filepath.Join(cfg.Data, "postgres") }
func streamDir(cfg config.Config) string   { return filepath.Join(cfg.Data, "stream") }

// databaseOptions says which events are stored for which webhook.
func databaseOptions(cfg config.Config, scripts declare.ScriptChecker) postgres.Options {
	opts := postgres.Options{Scripts: scripts}
	types := make(map[string][]string, len(cfg.Webhooks))
	for _, w := range cfg.Webhooks {
		opts.Destinations = append(opts.Destinations, w.Name)
		types[w.Name] = w.Types
	}
	opts.Wants = func(destination, eventType string) bool {
		wanted := types[destination]
		return len(wanted) == 0 || slices.Contains(wanted, eventType)
	}
	return opts
}

// MigrateUp brings the schema to this version's and returns how many
// migrations that took.
func MigrateUp(ctx context.Context, cfg config.Config) (n int, err error) {
	before, err := migrations(ctx, cfg, nil)
	if err != nil {
		return 0, err
	}
	after, err := migrations(ctx, cfg, postgres.Migrate)
	if err != nil {
		return 0, err
	}
	return applied(after) - applied(before), nil
}

// MigrateStatus returns a line for each migration.
func MigrateStatus(ctx context.Context, cfg config.Config) ([]string, error) {
	all, err := migrations(ctx, cfg, nil)
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(all))
	for i, m := range all {
		lines[i] = fmt.Sprintf("%05d  %-40s  %s", m.Version, filepath.Base(m.Name), appliedAt(m))
	}
	return lines, nil
}

// migrations lists them after running change, if there is one.
func migrations(ctx context.Context, cfg config.Config, change func(context.Context, string) error) (_ []postgres.Migration, err error) {
	var stops stack
	defer func() {
		if stopErr := stops.unwind(ctx); err == nil {
			err = stopErr
		}
	}()
	url, err := joinDatabase(ctx, cfg, &stops)
	if err != nil {
		return nil, err
	}
	if change != nil {
		if err := change(ctx, url); err != nil {
			return nil, err
		}
	}
	return postgres.Migrations(ctx, url)
}

func applied(all []postgres.Migration) int {
	n := 0
	for _, m := range all {
		if !m.AppliedAt.IsZero() {
			n++
		}
	}
	return n
}

func appliedAt(m postgres.Migration) string {
	if m.AppliedAt.IsZero() {
		return "not applied"
	}
	return "applied " + m.AppliedAt.UTC().Format(time.RFC3339)
}
