package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/postgres"
)

// New returns a fresh, migrated database. It is closed and dropped when the
// test ends.
func New(t testing.TB) *postgres.DB {
	t.Helper()
	return NewWith(t, postgres.Options{})
}

// NewWith is [New] with options. Without a bound the pool has 10 connections.
func NewWith(t testing.TB, opts postgres.Options) *postgres.DB {
	t.Helper()
	if opts.MaxConns == 0 {
		opts.MaxConns = 10
	}
	db, err := postgres.Open(t.Context(), URL(t), opts)
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
	t.Cleanup(func() { closePool(t, db) })
	return db
}

// URL returns the URL of a fresh, migrated database, dropped when the test
// ends whoever is still connected.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, template)
}

// EmptyURL returns the URL of a fresh database without a schema.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return create(t, "template0")
}

// template is the cluster's migrated database; nobody stays connected to it,
// or PostgreSQL would refuse to copy it.
const template = "telltale"

// databases numbers the databases of this process.
var databases atomic.Int64

// create makes a database from the template and arranges for its end.
func create(t testing.TB, from string) string {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := server.exec(t.Context(), "create database "+name+" template "+from+server.strategy); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		// t.Context has ended by now.
		if err := server.exec(context.WithoutCancel(t.Context()), "drop database "+name+" with (force)"); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return server.urlOf(name)
}

// closeLimit is how long a test's connections may be in use after its end.
const closeLimit = 10 * time.Second

// closePool closes db; a connection that was never given back fails the test
// instead of blocking it for ever.
func closePool(t testing.TB, db *postgres.DB) {
	closed := make(chan struct{})
	go func() {
		db.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeLimit):
		t.Errorf("test database: a connection was not given back (rows not closed, or a transaction not ended)")
	}
}

// server is the cluster of this test process.
type server struct {
	cluster  *postgres.Cluster
	admin    string   // URL of the maintenance database
	hold     *os.File // open as long as the folder is needed
	strategy string   // option of CREATE DATABASE
}

// shared starts the process's cluster at the first call.
var shared = sync.OnceValues(start)

// startLimit bounds initdb, start and migration on a slow, busy machine.
const startLimit = 2 * time.Minute

func start() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	dir, hold, err := makeFolder()
	if err != nil {
		return nil, err
	}
	cluster, err := postgres.StartCluster(ctx, postgres.ClusterOptions{Dir: dir, Unsafe: true})
	if err != nil {
		return nil, err
	}
	s := &server{cluster: cluster, hold: hold}
	s.admin = s.urlOf("postgres")
	if err := postgres.Migrate(ctx, cluster.URL()); err != nil {
		return nil, err
	}
	return s, s.chooseStrategy(ctx)
}

// chooseStrategy asks for the copy by files where there is a choice, from
// version 15 on. Without fsync it is five times as fast as writing the copy to
// the log, the default there.
func (s *server) chooseStrategy(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return conn.QueryRow(ctx, `
		select case when current_setting('server_version_num')::integer >= 150000 then ' strategy file_copy' else '' end`,
	).Scan(&s.strategy)
}

// urlOf returns the URL of a database of the cluster.
func (s *server) urlOf(database string) string {
	u, err := url.Parse(s.cluster.URL())
	if err != nil {
		panic(err) // made by us
	}
	u.Path = "/" + database
	return u.String()
}

// exec runs one statement on a connection of its own.
func (s *server) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}
