package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// maxPayload is the largest message the embedded server takes. Messages of
// ours stay below half of it.
const maxPayload = 2 << 20

// embedded is a NATS server in this process that nobody else can reach: it
// opens no port.
type embedded struct {
	server *server.Server
	lock   *os.File
}

// startEmbedded starts a server on the folder and waits until it has recovered
// what is there, however long that takes, or ctx is done.
func startEmbedded(ctx context.Context, dir string, log *zap.Logger) (*embedded, error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	srv, err := server.NewServer(&server.Options{
		ServerName:         "telltale",
		DontListen:         true,
		NoSigs:             true,
		JetStream:          true,
		StoreDir:           dir,
		SyncAlways:         true, // the acknowledgement is our promise
		JetStreamMaxMemory: 64 << 20,
		JetStreamMaxStore:  1 << 60, // the stream's own MaxBytes is the limit
		MaxPayload:         maxPayload,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("configure embedded stream server: %w", err), lock.Close())
	}
	bridge := &serverLog{log: log}
	srv.SetLogger(bridge, false, false)

	e := &embedded{server: srv, lock: lock}
	go srv.Start() // returns once started; WaitForShutdown joins what it leaves running
	if err := e.awaitReady(ctx, bridge); err != nil {
		e.stop()
		return nil, fmt.Errorf("start embedded stream server in %s: %w", dir, err)
	}
	return e, nil
}

func (e *embedded) awaitReady(ctx context.Context, bridge *serverLog) error {
	const slice = 100 * time.Millisecond
	for !e.server.ReadyForConnections(slice) {
		if err := bridge.fatal(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (e *embedded) stop() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
	_ = e.lock.Close() // and with it the lock is given up
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
