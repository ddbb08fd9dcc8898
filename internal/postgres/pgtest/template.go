package pgtest

import (
	"fmt"
	"sync"
	"testing"

	"telltale/internal/postgres"
)

// Template is what the databases of several tests hold at first. It is made
// once in a process and copied for each test, which costs no more than a
// database without rows. It must not be copied after first use.
type Template struct {
	// Fill writes the content into a migrated database, for the first test
	// that asks. It keeps no connection in use. Required.
	Fill func(t testing.TB, db *postgres.DB)

	once     sync.Once
	database string // "" before it is filled, and when that failed
}

// New returns a fresh copy, closed and dropped when the test ends. Safe for
// concurrent use: whoever comes while the content is being made waits for it.
func (m *Template) New(t testing.TB) *postgres.DB {
	t.Helper()
	m.once.Do(func() { m.database = m.make(t) })
	if m.database == "" {
		t.Fatal("what this test begins with could not be made: see the first test that failed")
	}
	db := open(t, create(t, m.database), postgres.Options{})
	t.Cleanup(func() { closePool(t, db) })
	return db
}

// make returns the name of the filled database. It ends with the process.
func (m *Template) make(t testing.TB) string {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	name := fmt.Sprintf("template_%d", databases.Add(1))
	if err := server.copy(t.Context(), template, name); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	db := open(t, server.urlOf(name), postgres.Options{})
	// PostgreSQL refuses to copy a database that somebody is connected to.
	defer closePool(t, db)
	m.Fill(t, db)
	return name
}
