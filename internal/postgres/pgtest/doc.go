// Package pgtest gives each test a real PostgreSQL database of its own.
//
//	initdb, Migrate --once--> stock --copy--> private cluster of a test process
//	pgtest.New(t) --> CREATE DATABASE ... TEMPLATE --> *postgres.DB --t.Cleanup--> dropped
//
// A test needs no set-up, no environment variable and no running service: the
// cluster is started with the locally installed programs the first time a test
// of the process asks for a database, as root or as an ordinary user. Every
// test process has its own, so packages may be tested in parallel. Each is a
// copy of a stock in the user's cache folder, made once for each schema and
// version of PostgreSQL (decision 0043). [Folder] copies it for a gateway that
// has a database of its own; a [Template] is rows that several tests begin with.
//
// Nothing but the stock is left behind. The server ends with the process,
// however that ends (see [postgres.Cluster]); a watcher that notices the
// process's end removes the folder; and what a power cut left is removed by a
// later run, as is a stock that was not used for a week.
//
// The tests of package postgres itself use it from the external test package
// postgres_test.
package pgtest
