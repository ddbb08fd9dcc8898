package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// ClusterOptions say where a private PostgreSQL lives and how it is run.
type ClusterOptions struct {
	// Dir holds everything of the cluster: the data folder, the server's log
	// and a lock. It is made when missing, with its parents. Required.
	Dir string

	// Log hears of starts, stops and restarts. Nil means silence.
	Log *zap.Logger

	// Passing says that the cluster is run for a command that ends soon, not for
	// a gateway: other starts wait for its end, and do not fail with [ErrInUse].
	Passing bool

	// Unsafe trades safety for speed: no fsync anywhere, so a power cut
	// destroys the data. For tests only. Zero means crash safe.
	Unsafe bool

	// BinDir is the folder with the programs initdb and postgres. Empty means
	// that the usual places are searched, see [StartCluster].
	BinDir string

	// Settings are server settings that override ours, such as
	// "shared_buffers": "1GB".
	Settings map[string]string
}

// Cluster is a PostgreSQL server that belongs to this process: reachable only
// through a private Unix socket, started again when it dies, and gone when
// this process is gone, however that ends. Safe for concurrent use.
type Cluster struct {
	opts   ClusterOptions
	bin    binaries
	folder *clusterFolder

	stopping chan struct{} // closed by Stop
	ended    chan struct{} // closed when no server runs and none will be started

	mu      sync.Mutex
	process *os.Process // the running server; nil before the first
	serving bool        // it has answered once, so it is restarted when it dies
	stopped bool        // stopping is closed
	exitErr error       // why the last server ended
}

// clusterUser and clusterDatabase name the superuser and the database that a
// new cluster is made with.
const (
	clusterUser     = "telltale"
	clusterDatabase = "telltale"
)

// StartCluster starts a private PostgreSQL in opts.Dir, creating the cluster
// the first time, and returns once it accepts connections. ctx bounds only the
// start. What a killed server left behind is recovered; a server whose gateway
// was killed a moment ago is waited for, and so is a [ClusterOptions.Passing]
// cluster of another process. Where a gateway runs the cluster the error is
// [ErrInUse].
//
// The programs are looked for at the folder that pg_config names, in PATH,
// and where Debian, Red Hat and Homebrew install them; an existing cluster
// takes the programs of its own major version. PostgreSQL refuses to run as
// root, so for root the server runs as the user postgres, or nobody where
// there is no such user; no other folder than the data folder changes hands.
func StartCluster(ctx context.Context, opts ClusterOptions) (_ *Cluster, err error) {
	if opts.Dir == "" {
		return nil, errors.New("database folder: not given")
	}
	if opts.Log == nil {
		opts.Log = zap.NewNop()
	}
	folder, err := openClusterFolder(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			folder.close()
		}
	}()

	major, err := folder.version()
	if err != nil {
		return nil, err
	}
	bin, err := findBinaries(opts.BinDir, major)
	if err != nil {
		return nil, err
	}
	if err := folder.prepare(ctx, bin, opts.Unsafe); err != nil {
		return nil, err
	}

	c := &Cluster{
		opts: opts, bin: bin, folder: folder,
		stopping: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	opts.Log.Info("database server started", zap.String("dir", folder.dir), zap.String("binaries", bin.dir))
	return c, nil
}

// URL is where clients connect; [Open] and psql take it.
func (c *Cluster) URL() string { return c.urlOf(clusterDatabase) }

// urlOf returns the URL of one database of the cluster.
func (c *Cluster) urlOf(database string) string {
	u := url.URL{
		Scheme: "postgres",
		User:   url.User(clusterUser),
		Path:   "/" + database,
		// The port only names the socket file; it is given so that a PGPORT
		// in the environment has no say.
		RawQuery: url.Values{"host": {c.folder.socketDir}, "port": {"5432"}}.Encode(),
	}
	return u.String()
}

// Limits of the steps of Stop after its context has ended.
const (
	immediateStopLimit = 10 * time.Second
	killLimit          = 5 * time.Second
)

// Stop ends the server: open transactions are rolled back, everything is
// written out. When ctx ends first the server stops at once, without a last
// checkpoint, and the next start recovers. Calling Stop again waits for the
// first call.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	first := !c.stopped
	if first {
		c.stopped = true
		close(c.stopping)
	}
	c.mu.Unlock()

	if !first {
		<-c.ended
		return nil
	}
	defer c.folder.close()

	// SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one.
	c.signal(syscall.SIGINT)
	select {
	case <-c.ended:
		c.opts.Log.Info("database server stopped", zap.String("dir", c.folder.dir))
		return nil
	case <-ctx.Done():
	}
	c.signal(syscall.SIGQUIT)
	select {
	case <-c.ended:
		return fmt.Errorf("stop database server: %w: stopped at once, the next start recovers", ctx.Err())
	case <-time.After(immediateStopLimit):
	}
	c.signal(syscall.SIGKILL)
	select {
	case <-c.ended:
		return fmt.Errorf("stop database server: %w: killed, the next start recovers", ctx.Err())
	case <-time.After(killLimit):
		return fmt.Errorf("stop database server: %w: it does not die", ctx.Err())
	}
}

// start runs the supervisor and waits until the server answers and has our
// database.
func (c *Cluster) start(ctx context.Context) error {
	logStart := c.folder.logSize()
	go c.supervise()
	if err := c.awaitReady(ctx, logStart); err != nil {
		// The caller's ctx may be over; stopping needs time of its own.
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), immediateStopLimit)
		defer cancel()
		return errors.Join(err, c.Stop(stopCtx))
	}
	return nil
}

// awaitReady returns when the database answers, or fails as soon as the server
// has exited, with what the server wrote about it.
func (c *Cluster) awaitReady(ctx context.Context, logStart int64) error {
	pause := 5 * time.Millisecond
	for {
		err := c.ensureDatabase(ctx)
		if err == nil {
			c.mu.Lock()
			c.serving = true
			c.mu.Unlock()
			return nil
		}
		select {
		case <-c.ended:
			return fmt.Errorf("start database server: it ended (%w); its log %s says: %s",
				c.exitErr, c.folder.logPath(), c.folder.logTail(logStart))
		case <-ctx.Done():
			return fmt.Errorf("start database server: %w (last answer: %w)", ctx.Err(), err)
		case <-time.After(pause):
			pause = min(2*pause, 200*time.Millisecond)
		}
	}
}

// connectLimit bounds one attempt to reach the server while it starts.
const connectLimit = 5 * time.Second

// ensureDatabase makes the database that [Cluster.URL] names if it is missing.
func (c *Cluster) ensureDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.urlOf("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()

	var exists bool
	err = conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, clusterDatabase).Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, `create database `+clusterDatabase)
	return err
}

// signal sends sig to the running server, if there is one.
func (c *Cluster) signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process != nil {
		_ = c.process.Signal(sig) // an error means that it has exited
	}
}

// clusterPath makes dir absolute; the server changes its working directory.
func clusterPath(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("database folder %s: %w", dir, err)
	}
	return abs, nil
}
