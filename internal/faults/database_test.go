package faults

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"telltale/internal/gatewaytest"
	"telltale/internal/postgres"
)

// database is a PostgreSQL outside the gateway, with the link that leads to it.
type database struct {
	t       testing.TB
	dir     string
	cluster *postgres.Cluster
	link    *link
}

func newDatabase(t testing.TB) *database {
	t.Helper()
	d := &database{t: t, dir: filepath.Join(t.TempDir(), "postgres")}
	d.start()
	u, err := url.Parse(d.cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	d.link = newLink(t, "unix", filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432"))
	t.Cleanup(d.stop)
	return d
}

func (d *database) start() {
	d.t.Helper()
	var err error
	if d.cluster, err = postgres.StartCluster(d.t.Context(), postgres.ClusterOptions{Dir: d.dir}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *database) stop() {
	// At the end of a test its own context is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.t.Context()), 20*time.Second)
	defer cancel()
	if err := d.cluster.Stop(ctx); err != nil {
		d.t.Logf("database: %v", err)
	}
}

// killDatabase kills the server of a cluster's folder with all its processes,
// as the kernel does when memory runs out. Whoever runs the cluster starts it
// again.
func killDatabase(t testing.TB, dir string) {
	t.Helper()
	var postmaster int
	gatewaytest.Await(t, "the database server's process", func() bool { // it may just be starting again
		file, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
		if err != nil {
			return false
		}
		first, _, _ := strings.Cut(string(file), "\n")
		postmaster, err = strconv.Atoi(first)
		return err == nil
	})
	for _, pid := range append(childrenOf(t, postmaster), postmaster) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
}

// childrenOf returns the processes that a process has started.
func childrenOf(t testing.TB, parent int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var children []int
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // gone
		}
		// "pid (name) state ppid ...", and the name may hold anything
		rest := stat[bytes.LastIndexByte(stat, ')')+1:]
		var state string
		var pid, ppid int
		if _, err := fmt.Sscan(string(rest), &state, &ppid); err != nil || ppid != parent {
			continue
		}
		if _, err := fmt.Sscan(string(stat), &pid); err == nil {
			children = append(children, pid)
		}
	}
	return children
}
