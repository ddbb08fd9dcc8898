// Package pgtest gives each test a real PostgreSQL database of its own.
//
//	test process --first use--> private cluster --Migrate once--> template
//	pgtest.New(t) --> CREATE DATABASE ... TEMPLATE --> *postgres.DB --t.Cleanup--> dropped
//
// A test needs no set-up, no environment variable and no running service: the
// cluster is made from the locally installed programs the first time a test
// of the process asks for a database, as root or as an ordinary user. Every
// test process has its own, so packages may be tested in parallel.
//
// Nothing is left behind. The server ends with the process, however that ends
// (see [postgres.Cluster]); a watcher that notices the process's end removes
// the folder; and what a power cut left is removed by a later run.
//
// The tests of package postgres itself use it from the external test package
// postgres_test.
package pgtest
