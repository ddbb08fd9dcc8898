package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const folderPattern = "telltale-pgtest-*"

// makeFolder returns a folder that goes away when the returned file is closed,
// which the end of this process does by itself.
func makeFolder() (dir string, hold *os.File, err error) {
	sweep(os.TempDir(), time.Now())
	if dir, err = os.MkdirTemp("", folderPattern); err != nil {
		return "", nil, err
	}
	if hold, err = watch(dir); err != nil {
		return "", nil, err
	}
	return dir, hold, nil
}

// watch starts a process that removes dir when we have ended, however that
// happens: it reads from a pipe that nobody writes to and whose other end only
// we hold. The server needs a moment to end; it still writes meanwhile, so
// removal is tried a few times.
func watch(dir string) (hold *os.File, err error) {
	read, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = read.Close() }()
	const script = `read -r _; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" 2>/dev/null && exit; sleep 1; done`
	cmd := exec.Command("/bin/sh", "-c", script, "remove-test-cluster", dir)
	cmd.Dir = "/"
	cmd.Stdin = read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the test only
	if err := cmd.Start(); err != nil {
		_ = hold.Close()
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	return hold, nil
}

// sweepAge keeps sweep off folders whose process has not locked them yet.
const sweepAge = time.Hour

// sweep removes folders of processes that ended together with their watcher.
func sweep(tmp string, now time.Time) {
	dirs, _ := filepath.Glob(filepath.Join(tmp, folderPattern)) // the pattern is well formed
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || now.Sub(info.ModTime()) < sweepAge || inUse(dir) {
			continue
		}
		_ = os.RemoveAll(dir) // a stranger's stays
	}
}

// inUse reports whether a process holds the cluster's lock in dir.
func inUse(dir string) bool {
	lock, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return false
	}
	defer func() { _ = lock.Close() }()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}
