package postgres

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"
)

// lockPatience outlasts whoever only looks whether the lock is held; see
// RunningCluster.
const lockPatience = 500 * time.Millisecond

// lockFolder takes the lock file at path. The kernel drops the lock when we
// die, and the server does not inherit it.
func lockFolder(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	for began := time.Now(); ; {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Since(began) > lockPatience {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := io.ReadAll(io.LimitReader(lock, 20)) // only decorates the message
		_ = lock.Close()
		return nil, fmt.Errorf("in use by process %s: stop it, or choose another folder", holder)
	}
	if err == nil {
		err = lock.Truncate(0)
	}
	if err == nil {
		_, err = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	}
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return lock, nil
}
