package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"telltale/internal/postgres"
)

// Folder makes dir the folder of a stopped cluster with the migrated database,
// as [postgres.StartCluster] leaves one: for tests whose gateway has a
// database of its own, and which are about something else than its first
// start. A copy takes a tenth of what initdb and the migrations do.
func Folder(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := copyStock(t.Context(), filepath.Join(dir, "data")); err != nil {
		t.Fatalf("database folder: %v", err)
	}
}

// copyStock makes data a copy of the stock: the data folder of a stopped
// cluster that holds the migrated database and nothing else. The stock is made
// by the first process that needs it and kept for all that come later, until
// a migration or PostgreSQL changes.
func copyStock(ctx context.Context, data string) error {
	cache, err := os.UserCacheDir()
	if err != nil { // who has no home
		cache = os.TempDir()
	}
	kind, err := postgres.MigratedKind()
	if err != nil {
		return err
	}
	shelf := filepath.Join(cache, "telltale-pgtest")
	stock := filepath.Join(shelf, kind)
	return locked(shelf, func() error {
		now := time.Now()
		if _, err := os.Stat(stock); errors.Is(err, fs.ErrNotExist) {
			if err := makeStock(ctx, stock); err != nil {
				return fmt.Errorf("make a stock of databases: %w", err)
			}
		}
		if err := os.Chtimes(stock, now, now); err != nil {
			return err
		}
		sweepStocks(shelf, now)
		return copyTree(stock, data)
	})
}

// locked calls f while no other process is on the shelf.
func locked(shelf string, f func() error) error {
	if err := os.MkdirAll(shelf, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(shelf, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	return f()
}

// makeStock runs a cluster for as long as it takes to migrate its database.
func makeStock(ctx context.Context, stock string) error {
	dir := stock + ".new"
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cluster, err := postgres.StartCluster(ctx, postgres.ClusterOptions{Dir: dir, Unsafe: true})
	if err != nil {
		return err
	}
	if err := errors.Join(postgres.Migrate(ctx, cluster.URL()), cluster.Stop(ctx)); err != nil {
		return err
	}
	return os.Rename(filepath.Join(dir, "data"), stock)
}

// stockAge is how long a stock stays that nobody has used.
const stockAge = 7 * 24 * time.Hour

// sweepStocks removes stocks of schemas that are no longer tested.
func sweepStocks(shelf string, now time.Time) {
	entries, _ := os.ReadDir(shelf) // what cannot be read stays
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && e.IsDir() && now.Sub(info.ModTime()) > stockAge {
			_ = os.RemoveAll(filepath.Join(shelf, e.Name()))
		}
	}
}

// copyTree copies folders and files with their modes and, for root, owners.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			err = os.Mkdir(target, info.Mode().Perm())
		} else {
			err = copyFile(path, target, info.Mode().Perm())
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && err == nil && os.Geteuid() == 0 {
			err = os.Lchown(target, int(owner.Uid), int(owner.Gid))
		}
		return err
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source) // inside the kernel
	return errors.Join(err, target.Close())
}
