package postgres

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"go.uber.org/zap"
)

// Back-off between restarts of a server that keeps dying.
const (
	restartPauseMin = 50 * time.Millisecond
	restartPauseMax = 5 * time.Second
)

// supervise keeps one server running until Stop. A server that dies before it
// ever answered is not tried again: the start has failed.
//
// The goroutine holds its thread for the server's whole life, because Linux
// sends the parent death signal when the thread that forked the child ends,
// not when the process does; Go may end an idle thread at any time.
func (c *Cluster) supervise() {
	defer close(c.ended)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	for pause := restartPauseMin; ; pause = min(2*pause, restartPauseMax) {
		began := time.Now()
		err := c.runServer()
		if !c.restartsAfter(err) {
			return
		}
		if time.Since(began) > time.Minute {
			pause = restartPauseMin
		}
		c.opts.Log.Warn("database server ended by itself, starting it again",
			zap.Error(err), zap.Duration("pause", pause), zap.String("log", c.folder.logPath()))
		select {
		case <-c.stopping:
			return
		case <-time.After(pause):
		}
		if err := c.folder.clearOrphans(c.stopping); err != nil {
			c.opts.Log.Warn("processes of the dead database server linger", zap.Error(err))
		}
	}
}

// restartsAfter reports whether a server that ended with err is to be started
// again.
func (c *Cluster) restartsAfter(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exitErr = cmp.Or(err, errServerExited)
	return c.serving && !c.stopped
}

// errServerExited stands for an exit status of 0.
var errServerExited = errors.New("exit status 0")

// runServer starts the server and waits for its end.
func (c *Cluster) runServer() error {
	logFile, err := c.folder.openLog()
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }()

	cmd := exec.Command(c.bin.postgres, append([]string{"-D", c.folder.serverDataDir()}, c.settings()...)...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	c.folder.confine(cmd)

	// Under the lock, so that Stop either sees the process or prevents it.
	c.mu.Lock()
	if c.stopped {
		c.mu.Unlock()
		return nil
	}
	err = cmd.Start()
	c.process = cmd.Process
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return cmd.Wait()
}

// settings returns the server's command line settings. They win over
// postgresql.conf, which stays as initdb wrote it.
func (c *Cluster) settings() []string {
	settings := map[string]string{
		"listen_addresses":        "", // the socket is the only way in
		"unix_socket_directories": c.folder.serverSocketDir(),
		"unix_socket_permissions": "0700",
		"cluster_name":            "telltale",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"logging_collector":       "off", // stderr is our log file
		"log_checkpoints":         "off",
		"max_connections":         "100",

		// Crash safe, whatever postgresql.conf says.
		"fsync":              "on",
		"full_page_writes":   "on",
		"synchronous_commit": "on",

		// For two cores, an SSD and a gateway beside it that appends much.
		"shared_buffers":               "256MB",
		"effective_cache_size":         "1GB",
		"work_mem":                     "8MB",
		"maintenance_work_mem":         "128MB",
		"max_wal_size":                 "2GB",
		"min_wal_size":                 "256MB",
		"checkpoint_timeout":           "10min",
		"checkpoint_completion_target": "0.9",
		"random_page_cost":             "1.1",
		"jit":                          "off",
	}
	if c.opts.Unsafe {
		maps.Copy(settings, map[string]string{
			"fsync":              "off",
			"full_page_writes":   "off",
			"synchronous_commit": "off",
			"shared_buffers":     "128MB",
			"max_connections":    "400", // parallel tests, each with a pool
		})
	}
	maps.Copy(settings, c.opts.Settings)

	var args []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// confine makes cmd run as the owner of the data folder, unable to outlive us
// and out of reach of the terminal's Ctrl-C, which is for the gateway alone:
// it stops the database last.
func (f *clusterFolder) confine(cmd *exec.Cmd) {
	cmd.Dir = "/"
	cmd.Env = f.environment()
	cmd.SysProcAttr = serverProcess(f.runAs)
	if f.byDescriptor() {
		cmd.ExtraFiles = []*os.File{f.data, f.socket}
	}
}

// environment is what the server's programs see: nothing of ours that could
// change what they do (PGDATA, PGPORT, LC_ALL...).
func (f *clusterFolder) environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
}
