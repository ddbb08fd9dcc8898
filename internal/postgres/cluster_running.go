package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// RunningCluster returns where clients connect to the cluster in dir, and
// whether another process runs it at present. A command that works beside a
// running gateway uses it; [StartCluster] is for when there is none.
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
	folder := &clusterFolder{dir: dir}
	folder.socketDir, _ = folder.chooseSocketDir()
	cluster := &Cluster{folder: folder}
	return cluster.URL(), err != nil, nil
}
