package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// ErrInUse says that a gateway runs the cluster of a folder.
var ErrInUse = errors.New("in use")

const (
	// lockPatience outlasts whoever only looks whether the lock is held; see
	// RunningCluster.
	lockPatience = 500 * time.Millisecond

	// lockPause is between two attempts at a lock.
	lockPause = 10 * time.Millisecond
)

// passingMark follows the process in a lock file of a passing cluster.
const passingMark = " passing"

// lockFolder takes the lock file at path. A passing cluster is waited for until
// ctx ends, and waiting is called once when that takes longer than a look; any
// other that holds the lock is [ErrInUse]. The kernel drops the lock when we
// die, and the server does not inherit it.
func lockFolder(ctx context.Context, path string, passing bool, waiting func(holder string)) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err = awaitLock(ctx, lock, waiting); err == nil {
		err = nameHolder(lock, passing)
	}
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock, nil
}

// awaitLock returns when the lock is ours.
func awaitLock(ctx context.Context, lock *os.File, waiting func(holder string)) error {
	told := false
	for began := time.Now(); ; {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock: %w", err)
		}
		if time.Since(began) > lockPatience {
			holder, passing := lockHolder(lock)
			if !passing {
				return fmt.Errorf("%w by process %s: stop it, or choose another folder", ErrInUse, holder)
			}
			if !told {
				waiting(holder)
				told = true
			}
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return fmt.Errorf("lock: %w", ctx.Err())
		}
	}
}

// nameHolder writes into the lock file that it is ours.
func nameHolder(lock *os.File, passing bool) error {
	holder := fmt.Sprint(os.Getpid())
	if passing {
		holder += passingMark
	}
	err := lock.Truncate(0)
	if err == nil {
		_, err = lock.WriteAt([]byte(holder), 0)
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

// lockHolder is the process that a lock file names, and whether its cluster is a
// passing one. Who has taken the lock this very moment may not be named yet: an
// empty file counts as passing, so that whoever waits looks again.
func lockHolder(lock *os.File) (process string, passing bool) {
	text, _ := io.ReadAll(io.NewSectionReader(lock, 0, 64))
	process, passing = strings.CutSuffix(string(text), passingMark)
	return process, passing || process == ""
}
