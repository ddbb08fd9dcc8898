package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// maxPayload is the largest message the embedded server takes. Messages of
// ours stay below half of it.
const maxPayload = 2 << 20

// embedded is a NATS server in this process that nobody else can reach: it
// opens no port. It is started anew when its disk has failed it.
type embedded struct {
	dir    string
	log    *zap.Logger
	lock   *os.File
	server atomic.Pointer[server.Server] // nil while there is none

	healing sync.Mutex
	stopped bool // guarded by healing
}

// startEmbedded starts a server on the folder and waits until it has recovered
// what is there, however long that takes, or ctx is done.
func startEmbedded(ctx context.Context, dir string, log *zap.Logger) (*embedded, error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	e := &embedded{dir: dir, log: log, lock: lock}
	if err := e.start(ctx); err != nil {
		unlockDir(lock)
		return nil, err
	}
	return e, nil
}

func (e *embedded) start(ctx context.Context) error {
	srv, err := server.NewServer(&server.Options{
		ServerName:         "telltale",
		DontListen:         true,
		NoSigs:             true,
		JetStream:          true,
		StoreDir:           e.dir,
		SyncAlways:         true, // the acknowledgement is our promise
		JetStreamMaxMemory: 64 << 20,
		JetStreamMaxStore:  1 << 60, // the stream's own MaxBytes is the limit
		MaxPayload:         maxPayload,
	})
	if err != nil {
		return fmt.Errorf("configure embedded stream server: %w", err)
	}
	bridge := &serverLog{log: e.log}
	srv.SetLogger(bridge, false, false)

	go srv.Start() // returns once started; WaitForShutdown joins what it leaves running
	if err := awaitReady(ctx, srv, bridge); err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return fmt.Errorf("start embedded stream server in %s: %w", e.dir, err)
	}
	e.server.Store(srv)
	return nil
}

func awaitReady(ctx context.Context, srv *server.Server, bridge *serverLog) error {
	const slice = 100 * time.Millisecond
	for !srv.ReadyForConnections(slice) {
		if err := bridge.fatal(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// InProcessConn connects to the server as it is now; see [nats.InProcessServer].
func (e *embedded) InProcessConn() (net.Conn, error) {
	srv := e.server.Load()
	if srv == nil {
		return nil, errors.New("embedded stream server is not running")
	}
	return srv.InProcessConn()
}

// health returns nil when the server can store.
func (e *embedded) health() error {
	srv := e.server.Load()
	if srv == nil {
		return errors.New("embedded stream server is not running")
	}
	if h := srv.Healthz(&server.HealthzOptions{}); h.Error != "" {
		return errors.New(h.Error)
	}
	return nil
}

// needSpace is how much of the disk must be free for another start. Recovering
// a log onto a full disk would only fail, over and over.
const needSpace = 64 << 20

// heal starts the server anew if it is sick: it never gets over a write that
// failed, because the disk was full say, by itself. What it had acknowledged
// it recovers from its files; the connections find the new one.
func (e *embedded) heal(ctx context.Context) error {
	e.healing.Lock()
	defer e.healing.Unlock()
	sick := e.health()
	if sick == nil || e.stopped {
		return nil
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(e.dir, &disk); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", e.dir, err)
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < needSpace {
		return fmt.Errorf("disk of %s has %d bytes left, at least %d are needed: %w", e.dir, free, needSpace, sick)
	}
	e.log.Error("stream server cannot store, starting it anew", zap.Error(sick))
	e.shutdown()
	return e.start(ctx)
}

func (e *embedded) shutdown() {
	if srv := e.server.Swap(nil); srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}

func (e *embedded) stop() {
	e.healing.Lock()
	defer e.healing.Unlock()
	e.stopped = true
	e.shutdown()
	unlockDir(e.lock)
}

// lockDir creates the folder and takes its lock, which the kernel gives up
// when the process ends in whatever way. Two servers on one folder would each
// overwrite the other's log.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create stream folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open stream lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("stream folder %s is in use by another process", dir)
		}
		return nil, fmt.Errorf("lock stream folder %s: %w", dir, err)
	}
	return f, nil
}

// unlockDir gives the lock up before it closes the file: a process that is
// being started at this moment has the file open too, until its program runs.
func unlockDir(lock *os.File) {
	_ = unix.Flock(int(lock.Fd()), unix.LOCK_UN)
	_ = lock.Close()
}

// serverLog passes the server's words on to zap. What the server calls fatal
// would end the process in its own program; here it is kept as the reason why
// the start did not succeed.
type serverLog struct {
	log *zap.Logger

	mu  sync.Mutex
	err error
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Fatalf keeps the reason and logs it.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	l.err = fmt.Errorf(format, v...)
	l.mu.Unlock()
	l.log.Error("stream server stopped", zap.String("reason", fmt.Sprintf(format, v...)))
}

// Errorf logs an error.
func (l *serverLog) Errorf(format string, v ...any) {
	l.log.Error("stream server", zap.String("said", fmt.Sprintf(format, v...)))
}

// Warnf logs a warning.
func (l *serverLog) Warnf(format string, v ...any) {
	l.log.Warn("stream server", zap.String("said", fmt.Sprintf(format, v...)))
}

// Noticef logs for those who debug; the server notes each start at length.
func (l *serverLog) Noticef(format string, v ...any) {
	if l.log.Core().Enabled(zap.DebugLevel) {
		l.log.Debug("stream server", zap.String("said", fmt.Sprintf(format, v...)))
	}
}

// Debugf is never called: debugging is not switched on.
func (*serverLog) Debugf(string, ...any) {}

// Tracef is never called: tracing is not switched on.
func (*serverLog) Tracef(string, ...any) {}
