package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// serverProcess says how the server runs: as id (nil: as ourselves), in a
// process group of its own, and told to stop at once when we die. SIGQUIT is
// PostgreSQL's immediate shutdown: it takes its children along, which SIGKILL
// would not, and the next start recovers from the log.
func serverProcess(id *identity) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if id != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(id.uid), Gid: uint32(id.gid)}
	}
	return attr
}

// Limits of clearOrphans: the first is above the 5 s that a postmaster gives
// its children before it kills them.
const (
	orphanQuitLimit = 8 * time.Second
	orphanKillLimit = 5 * time.Second
)

// clearOrphans waits until no server process of an earlier life works in the
// data folder; a new server would refuse to start beside one. We hold the
// folder's lock, so whoever is there has lost its gateway and is on its way
// out; one that does not go is killed.
func (f *clusterFolder) clearOrphans(cancel <-chan struct{}) error {
	pids := f.orphans()
	signalAll(pids, syscall.SIGQUIT)
	killAt := time.Now().Add(orphanQuitLimit)
	giveUpAt := killAt.Add(orphanKillLimit)
	for ; len(pids) > 0; pids = f.orphans() {
		now := time.Now()
		if now.After(giveUpAt) {
			return fmt.Errorf("database folder %s: processes %v of an earlier server do not end", f.dir, pids)
		}
		if now.After(killAt) {
			signalAll(pids, syscall.SIGKILL)
		}
		select {
		case <-cancel:
			return fmt.Errorf("database folder %s: cancelled while processes %v of an earlier server end", f.dir, pids)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return f.removeStalePids()
}

// orphans returns the server processes whose working directory is the data
// folder. A person's shell in there is none.
func (f *clusterFolder) orphans() []int {
	data, err := f.data.Stat()
	if err != nil {
		return nil
	}
	var pids []int
	entries, _ := os.ReadDir("/proc") // none without /proc; then PostgreSQL's own check is left
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		proc := filepath.Join("/proc", e.Name())
		cwd, err := os.Stat(filepath.Join(proc, "cwd"))
		if err != nil || !os.SameFile(cwd, data) {
			continue
		}
		if comm, err := os.ReadFile(filepath.Join(proc, "comm")); err == nil && strings.TrimSpace(string(comm)) == "postgres" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// removeStalePids removes the pid files of a server that is known to be gone.
// PostgreSQL would do so itself, unless the number belongs to another process
// by now, as it often does in a restarted container; then it would not start.
func (f *clusterFolder) removeStalePids() error {
	for _, name := range []string{"postmaster.pid", ".s.PGSQL.5432.lock"} {
		err := os.Remove(filepath.Join(f.dataPath(), name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove stale pid file: %w", err)
		}
	}
	return nil
}

func signalAll(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig) // an error means that it has gone
	}
}
