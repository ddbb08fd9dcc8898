package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"telltale/internal/declare"
)

// DB is a PostgreSQL database, or one transaction in it: the same methods
// work in and out of a transaction. Safe for concurrent use, except inside a
// transaction.
type DB struct {
	pool *pgxpool.Pool
	q    querier

	destinations []string
	wants        func(destination, eventType string) bool
	scripts      declare.ScriptChecker
}

// querier is what a pool and a transaction have in common.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error)
}

// Options say how to use a database.
type Options struct {
	// MaxConns bounds the pool. Zero means 20: enough for every partition
	// worker of a node to commit while people read.
	MaxConns int32

	// Destinations are the names of the outbox destinations. Every event is
	// stored with one delivery for each that wants it.
	Destinations []string

	// Wants reports whether a destination is sent events of a type. Nil:
	// every destination is sent all.
	Wants func(destination, eventType string) bool

	// Scripts looks at the payload scripts of models before they are declared.
	// Nil: they are taken as they are.
	Scripts declare.ScriptChecker
}

const defaultMaxConns = 20

// Open connects to the database at url. It migrates nothing; see [Migrate].
func Open(ctx context.Context, url string, opts Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	config.MaxConns = cmp.Or(opts.MaxConns, defaultMaxConns)
	config.ConnConfig.RuntimeParams["application_name"] = "telltale"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	bound(config)
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		// Times leave the database in UTC, whatever the machine's zone is.
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return endAbandoned(ctx, conn)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach database: %w", err)
	}
	return &DB{pool: pool, q: pool, destinations: opts.Destinations, wants: opts.Wants, scripts: opts.Scripts}, nil
}

// Close waits for connections in use and closes all.
func (db *DB) Close() { db.pool.Close() }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

// maxTxTries bounds how often a transaction that lost a race is run again.
const maxTxTries = 5

// InTx runs f in a transaction that commits when f returns nil. A transaction
// that lost a race (a serialisation failure, a deadlock, or a place that must
// be unique and was taken meanwhile; see tickets_save.go) is run again, so f
// must have no effects but those on tx. Inside a transaction InTx runs f in
// that same one.
func (db *DB) InTx(ctx context.Context, f func(tx *DB) error) error {
	if _, nested := db.q.(*transaction); nested {
		return f(db)
	}
	for try := 1; ; try++ {
		err := db.transact(ctx, "begin", f)
		if err == nil || !lostRace(err) || try == maxTxTries {
			return err
		}
		pause := time.Duration(try) * (5*time.Millisecond + rand.N(10*time.Millisecond))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lostRace reports whether err asks for the transaction to be run again
// (rows that moved, serialization_failure, deadlock_detected, a place taken meanwhile).
func lostRace(err error) bool {
	if errors.Is(err, errMoved) {
		return true
	}
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "40001" || pgErr.Code == "40P01" || placeTaken(pgErr))
}
