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

// lockFolder takes the lock file at path, which another process may hold for as
// long as patience; waiting is called once when it takes longer than a look. The
// kernel drops the lock when we die, and the server does not inherit it.
func lockFolder(path string, patience time.Duration, waiting func(holder string)) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	patience = max(patience, lockPatience)
	told := false
	for began := time.Now(); ; {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		waited := time.Since(began)
		if !errors.Is(err, syscall.EWOULDBLOCK) || waited > patience {
			break
		}
		if !told && waited > lockPatience {
			waiting(lockHolder(lock))
			told = true
		}
		<-time.After(10 * time.Millisecond)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder := lockHolder(lock)
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

// lockHolder is the process that a lock file names: for sentences only.
func lockHolder(lock *os.File) string {
	holder, _ := io.ReadAll(io.NewSectionReader(lock, 0, 20))
	return string(holder)
}
