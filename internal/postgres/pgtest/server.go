package pgtest

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"telltale/internal/postgres"
)

// server is the cluster of this test process.
type server struct {
	cluster  *postgres.Cluster
	admin    *pgxpool.Pool // to the maintenance database
	hold     *os.File      // open as long as the folder is needed
	strategy string        // option of CREATE DATABASE
}

// shared starts the process's cluster at the first call.
var shared = sync.OnceValues(start)

// startLimit bounds making a stock and the start on a slow, busy machine.
const startLimit = 2 * time.Minute

func start() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	dir, hold, err := makeFolder()
	if err != nil {
		return nil, err
	}
	if err := copyStock(ctx, filepath.Join(dir, "data")); err != nil {
		return nil, err
	}
	cluster, err := postgres.StartCluster(ctx, postgres.ClusterOptions{Dir: dir, Unsafe: true})
	if err != nil {
		return nil, err
	}
	s := &server{cluster: cluster, hold: hold}
	if s.admin, err = pgxpool.New(ctx, s.urlOf("postgres")); err != nil {
		return nil, err
	}
	return s, s.chooseStrategy(ctx)
}

// chooseStrategy asks for the copy by files where there is a choice, from
// version 15 on. Without fsync it is five times as fast as writing the copy to
// the log, the default there.
func (s *server) chooseStrategy(ctx context.Context) error {
	return s.admin.QueryRow(ctx, `
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

// copy makes a database with another's content.
func (s *server) copy(ctx context.Context, from, to string) error {
	return s.exec(ctx, "create database "+to+" template "+from+s.strategy)
}

// exec runs one statement. The connections stay: a new one for each database
// that comes and goes would cost as much as copying its files.
func (s *server) exec(ctx context.Context, statement string) error {
	_, err := s.admin.Exec(ctx, statement)
	return err
}
