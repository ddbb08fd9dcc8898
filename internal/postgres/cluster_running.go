package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// RunningCluster returns where clients connect to the cluster in dir, and
// whether a gateway runs it at present. A command that works beside a running
// gateway uses it; [StartCluster] is for when there is none, or when a command
// has the cluster, whose server ends with it.
func RunningCluster(dir string) (url string, running bool, err error) {
	if dir, err = clusterPath(dir); err != nil {
		return "", false, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("database folder %s: %w", dir, err)
	}
	defer func() { _ = lock.Close() }() // gives back the shared lock, if we got it
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
		return "", false, fmt.Errorf("database folder %s: lock: %w", dir, err)
	}
	_, passing := lockHolder(lock)
	folder := &clusterFolder{dir: dir}
	folder.socketDir, _ = folder.chooseSocketDir()
	cluster := &Cluster{folder: folder}
	return cluster.URL(), err != nil && !passing, nil
}

// Answers returns nil when the database at url takes connections, and else why
// it does not: a cluster that was started a moment ago does not yet.
func Answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("reach database: %w", err)
	}
	return conn.Close(ctx)
}
