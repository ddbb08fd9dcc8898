package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"go.uber.org/zap"
)

// clusterFolder is the place of a cluster on disk:
//
//	dir/          ours
//	    lock      held while a process runs the cluster, and names it
//	    server.log
//	    data/     the server's (PGDATA), and its socket when the path is short enough
//
// When we are root the server is another user, who may not be able to enter
// dir or a parent of it (/root, a private temporary folder). Rather than open
// those to others, the server is handed its folders as open descriptors and
// names them /proc/self/fd/N.
type clusterFolder struct {
	dir       string
	socketDir string
	ownSocket bool // socketDir is a temporary folder of ours, not data
	lock      *os.File
	data      *os.File
	socket    *os.File
	runAs     *identity // nil: as ourselves
	closing   sync.Once
}

// openClusterFolder makes dir when it is missing and locks it against other
// processes; it waits for passing ones.
func openClusterFolder(ctx context.Context, opts ClusterOptions) (*clusterFolder, error) {
	dir, err := clusterPath(opts.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make database folder: %w", err)
	}
	lock, err := lockFolder(ctx, filepath.Join(dir, "lock"), opts.Passing, func(holder string) {
		opts.Log.Warn("a command has the database folder, waiting for its end",
			zap.String("folder", dir), zap.String("process", holder))
	})
	if err != nil {
		return nil, fmt.Errorf("database folder %s: %w", dir, err)
	}
	return &clusterFolder{dir: dir, lock: lock}, nil
}

// close gives everything back but the data.
func (f *clusterFolder) close() {
	f.closing.Do(func() {
		if f.ownSocket {
			_ = os.RemoveAll(f.socketDir)
		}
		// The lock last: from then on the folder may be another's. It names
		// nobody then, so that nobody is mistaken for the next one.
		if f.lock != nil {
			_ = f.lock.Truncate(0)
		}
		for _, file := range []*os.File{f.socket, f.data, f.lock} {
			if file != nil {
				_ = file.Close()
			}
		}
	})
}

func (f *clusterFolder) dataPath() string { return filepath.Join(f.dir, "data") }
func (f *clusterFolder) logPath() string  { return filepath.Join(f.dir, "server.log") }

// version returns the major version that made the data, 0 when there is none.
func (f *clusterFolder) version() (int, error) {
	text, err := os.ReadFile(filepath.Join(f.dataPath(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return 0, fmt.Errorf("database folder %s belongs to another user: run as that user or as root", f.dataPath())
	}
	if err != nil {
		return 0, fmt.Errorf("version of the database: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("version of the database in %s: %w", f.dataPath(), err)
	}
	return major, nil
}

// prepare makes the data folder fit to be started: created the first time,
// with nobody left in it from before.
func (f *clusterFolder) prepare(ctx context.Context, bin binaries, unsafe bool) error {
	_, err := os.Stat(f.dataPath())
	missing := errors.Is(err, fs.ErrNotExist)
	if f.runAs, err = chooseIdentity(f.dataPath()); err != nil {
		return err
	}
	if missing {
		if err := f.create(ctx, bin, unsafe); err != nil {
			return err
		}
	}
	if f.data == nil {
		if f.data, err = os.Open(f.dataPath()); err != nil {
			return fmt.Errorf("open database folder: %w", err)
		}
	}
	if err := f.clearOrphans(ctx.Done()); err != nil {
		return err
	}
	return f.openSocketDir()
}

// create runs initdb. It works in a folder of another name that is renamed
// when complete, so a kill in the middle never leaves half a database.
func (f *clusterFolder) create(ctx context.Context, bin binaries, unsafe bool) error {
	fresh := f.dataPath() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove half-made database: %w", err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("make database folder: %w", err)
	}
	if err := f.hand(fresh); err != nil {
		return err
	}
	var err error
	if f.data, err = os.Open(fresh); err != nil {
		return fmt.Errorf("open database folder: %w", err)
	}
	if err := f.initdb(ctx, bin, unsafe); err != nil {
		return err
	}
	if err := os.Rename(fresh, f.dataPath()); err != nil {
		return fmt.Errorf("make database folder: %w", err)
	}
	return syncFolder(f.dir)
}

// initdb creates the cluster's files in the folder that f.data is open on.
func (f *clusterFolder) initdb(ctx context.Context, bin binaries, unsafe bool) error {
	path := f.data.Name()
	if f.byDescriptor() {
		path = descriptorPath(0)
	}
	args := []string{
		"-D", path, "--username", clusterUser, "--encoding", "UTF8", "--locale", "C.UTF-8",
		// Whoever may open the socket is trusted; there is no other way in.
		"--auth-local", "trust", "--auth-host", "reject", "--data-checksums", "--no-instructions",
	}
	if unsafe {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, bin.initdb, args...)
	f.socket = f.data // initdb opens no socket; the slot must not be empty
	f.confine(cmd)
	f.socket = nil

	// See supervise: the thread must live as long as the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("create database in %s: %w: %s", f.dir, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// maxSocketPath is the longest path of a Unix socket on Linux: 108 bytes with
// the final zero. Other systems have 104.
const maxSocketPath = 103

// openSocketDir chooses the folder of the socket: the data folder, or a short
// temporary one of the same name each time, so that kills leave at most one.
func (f *clusterFolder) openSocketDir() (err error) {
	if f.socketDir, f.ownSocket = f.chooseSocketDir(); f.ownSocket {
		// Whatever is there is ours to replace: we hold the cluster's lock. In
		// a sticky /tmp a stranger's folder resists, and Mkdir says so.
		_ = os.RemoveAll(f.socketDir)
		if err := os.Mkdir(f.socketDir, 0o700); err != nil {
			return fmt.Errorf("make socket folder: %w", err)
		}
		if err := f.hand(f.socketDir); err != nil {
			return err
		}
	}
	if f.socket, err = os.Open(f.socketDir); err != nil {
		return fmt.Errorf("open socket folder: %w", err)
	}
	return nil
}

// chooseSocketDir says where the socket is: the same place for everybody who
// knows the cluster's folder.
func (f *clusterFolder) chooseSocketDir() (dir string, temporary bool) {
	if len(f.dataPath())+len("/.s.PGSQL.5432") <= maxSocketPath {
		return f.dataPath(), false
	}
	name := fmt.Sprintf("telltale-%x", sha256.Sum256([]byte(f.dir)))[:len("telltale-")+12]
	return filepath.Join(os.TempDir(), name), true
}

// byDescriptor reports whether the server is told its folders as descriptors.
func (f *clusterFolder) byDescriptor() bool { return f.runAs != nil && runtime.GOOS == "linux" }

// descriptorPath is how a child names the i-th of its ExtraFiles.
func descriptorPath(i int) string { return fmt.Sprintf("/proc/self/fd/%d", 3+i) }

// serverDataDir and serverSocketDir are the folders as the server names them.
func (f *clusterFolder) serverDataDir() string {
	if f.byDescriptor() {
		return descriptorPath(0)
	}
	return f.dataPath()
}

func (f *clusterFolder) serverSocketDir() string {
	if f.byDescriptor() {
		return descriptorPath(1)
	}
	return f.socketDir
}

// syncFolder makes a rename in dir survive a power cut.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
