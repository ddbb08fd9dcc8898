package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string    // its file
	AppliedAt time.Time // zero: not applied
}

// Migrate brings the schema of the database at url up to date. Several nodes
// may call it at once: one works, the others wait for it. A schema newer than
// this program is an error, since it may no longer fit.
func Migrate(ctx context.Context, url string) error {
	return withMigrations(ctx, url, func(p *goose.Provider) error {
		current, known, err := p.GetVersions(ctx)
		if err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		if current > known {
			return fmt.Errorf("schema version %d is newer than this program knows (%d): update telltale", current, known)
		}
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrate database: %w", err)
		}
		return nil
	})
}

// MigrateDown takes migrations back, the newest first, until the schema is of
// the version given; with 0 all data goes. For tests and for developers.
func MigrateDown(ctx context.Context, url string, version int64) error {
	return withMigrations(ctx, url, func(p *goose.Provider) error {
		if _, err := p.DownTo(ctx, version); err != nil {
			return fmt.Errorf("take migrations back: %w", err)
		}
		return nil
	})
}

// Migrations returns every known migration, in order, with when it was
// applied to the database at url.
func Migrations(ctx context.Context, url string) ([]Migration, error) {
	var list []Migration
	err := withMigrations(ctx, url, func(p *goose.Provider) error {
		status, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("read migrations: %w", err)
		}
		for _, s := range status {
			list = append(list, Migration{Version: s.Source.Version, Name: s.Source.Path, AppliedAt: s.AppliedAt})
		}
		return nil
	})
	return list, err
}

// MigratedKind tells apart what [StartCluster] and [Migrate] make: it changes
// with the major version of the installed PostgreSQL and with any text of a
// migration. For tests, which keep a finished cluster to copy.
func MigratedKind() (string, error) {
	bin, err := findBinaries("", 0)
	if err != nil {
		return "", err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return "", fmt.Errorf("migration files: %w", err)
	}
	digest := sha256.New()
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("migration files: %w", err)
		}
		fmt.Fprintf(digest, "%s %d\n%s", name, len(text), text)
	}
	return fmt.Sprintf("%d-%x", bin.major, digest.Sum(nil)[:8]), nil
}

// A node that finds another migrating asks again every migrateLockPeriod
// seconds, at most migrateLockTries times: ten minutes.
const (
	migrateLockPeriod = 1
	migrateLockTries  = 600
)

// withMigrations calls f with a provider on a connection of its own.
func withMigrations(ctx context.Context, url string, f func(*goose.Provider) error) (err error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	pool := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, pool.Close()) }()

	provider, err := newProvider(pool)
	if err != nil {
		return err
	}
	if err := pool.PingContext(ctx); err != nil {
		return fmt.Errorf("reach database: %w", err)
	}
	return f(provider)
}

func newProvider(pool *sql.DB) (*goose.Provider, error) {
	// The locker polls: a session that waited inside pg_advisory_lock would
	// hold a snapshot that a concurrent index build waits for.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(migrateLockPeriod, migrateLockTries))
	if err != nil {
		return nil, fmt.Errorf("migration lock: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("migration files: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, files,
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("migration files: %w", err)
	}
	return provider, nil
}
