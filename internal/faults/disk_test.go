package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"telltale/internal/gatewaytest"
)

// volume is a small disk of its own.
type volume struct {
	t   testing.TB
	dir string
}

// mountVolume makes a folder such a disk until the end of the test. That takes
// root, or sudo without a password.
func mountVolume(t testing.TB, dir string, megabytes int) *volume {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	asRoot := func(args ...string) {
		if os.Geteuid() != 0 {
			args = append([]string{"sudo", "-n"}, args...)
		}
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	options := fmt.Sprintf("size=%dm,mode=0700,uid=%d,gid=%d", megabytes, os.Geteuid(), os.Getegid())
	asRoot("mount", "-t", "tmpfs", "-o", options, "telltale-test", dir)
	t.Cleanup(func() { asRoot("umount", "--lazy", dir) })
	return &volume{t: t, dir: dir}
}

func (v *volume) ballast() string { return filepath.Join(v.dir, "ballast") }

// fill leaves no byte free.
func (v *volume) fill() {
	v.t.Helper()
	f, err := os.Create(v.ballast())
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size > 0; { // ever smaller pieces, to the last byte
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// clear makes room again.
func (v *volume) clear() {
	v.t.Helper()
	if err := os.Remove(v.ballast()); err != nil {
		v.t.Fatal(err)
	}
}

// TestFullDisks fills the disk of the log, then that of the database, while
// devices publish.
func TestFullDisks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	logDisk := mountVolume(t, filepath.Join(w.dir, "stream"), 400)
	databaseDisk := mountVolume(t, filepath.Join(w.dir, "postgres"), 600)
	w.begin("log", "database")

	t.Run("the disk of the log is full", func(t *testing.T) {
		f := launchFleet(t, "log", w.devicesReach(), w.start)
		f.awaitMore(t, w.rand, 500)
		logDisk.fill()
		gatewaytest.Await(t, "acknowledgements to end", f.silentFor(time.Second))
		before := f.acknowledged.Load()
		pass(t, away())
		if n := f.acknowledged.Load() - before; n > 0 {
			t.Errorf("%d messages were acknowledged that nobody could store", n)
		}
		logDisk.clear()
		f.awaitMore(t, w.rand, 500)
		w.settle(t, "disk of the log full for "+away().String(), f).conclude(t)
	})
	t.Run("the disk of the database is full", func(t *testing.T) {
		f := launchFleet(t, "database", w.devicesReach(), w.start)
		f.awaitMore(t, w.rand, 500)
		databaseDisk.fill()
		gatewaytest.Await(t, "the database to find no room", func() bool {
			log, err := os.ReadFile(filepath.Join(databaseDisk.dir, "server.log"))
			return err == nil && bytes.Contains(log, []byte("No space left on device"))
		})
		pass(t, away())
		f.awaitMore(t, w.rand, 500) // devices need not notice
		databaseDisk.clear()
		f.awaitMore(t, w.rand, 500)
		w.settle(t, "disk of the database full for "+away().String(), f).conclude(t)
	})
	w.end()
}

// silentFor returns what reports whether nothing was acknowledged for a while.
func (f *fleet) silentFor(d time.Duration) func() bool {
	count, since := f.acknowledged.Load(), time.Now()
	return func() bool {
		if n := f.acknowledged.Load(); n != count {
			count, since = n, time.Now()
		}
		return time.Since(since) >= d
	}
}
