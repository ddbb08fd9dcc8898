package pgtest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

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
	db := open(t, URL(t), opts)
	t.Cleanup(func() { closePool(t, db) })
	return db
}

func open(t testing.TB, url string, opts postgres.Options) *postgres.DB {
	t.Helper()
	if opts.MaxConns == 0 {
		opts.MaxConns = 10
	}
	db, err := postgres.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
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

// create makes a database from another and arranges for its end.
func create(t testing.TB, from string) string {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := server.copy(t.Context(), from, name); err != nil {
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
