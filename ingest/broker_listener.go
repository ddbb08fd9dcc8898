package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	// connectTime is how long a client may take to present itself.
	connectTime = 10 * time.Second

	// hurryTime is how long a connection may still take to be written to when
	// the broker stops.
	hurryTime = time.Second

	// acceptPause is how long the listener rests when the system gives it no
	// connection, for want of file descriptors say.
	acceptPause = 100 * time.Millisecond
)

// listener accepts connections for the MQTT library. The library's own ends
// for good when accepting fails once, sets no limit before the login, and
// cannot stop accepting without closing what it has accepted.
type listener struct {
	net.Listener
	max     int
	metrics *brokerMetrics
	log     *zap.Logger

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func listen(opts BrokerOptions, m *brokerMetrics) (*listener, error) {
	l, err := net.Listen("tcp", opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("open MQTT address: %w", err)
	}
	if opts.TLS != nil {
		l = tls.NewListener(l, opts.TLS)
	}
	return &listener{Listener: l, max: opts.MaxClients, metrics: m, log: opts.Log, conns: make(map[net.Conn]struct{})}, nil
}

// Init implements [listeners.Listener]; the address is already open.
func (l *listener) Init(*slog.Logger) error { return nil }

// ID implements [listeners.Listener].
func (l *listener) ID() string { return "mqtt" }

// Address implements [listeners.Listener].
func (l *listener) Address() string { return l.Addr().String() }

// Protocol implements [listeners.Listener].
func (l *listener) Protocol() string { return "tcp" }

// Serve implements [listeners.Listener]: it hands connections to the library,
// each in a goroutine of its own, until the address is closed. The library
// waits for those goroutines when it closes.
func (l *listener) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			l.log.Warn("no connection could be accepted", zap.Error(err))
			time.Sleep(acceptPause)
			continue
		}
		if !l.admit(conn) {
			l.metrics.refused.WithLabelValues("limit").Inc()
			_ = conn.Close()
			continue
		}
		go func() {
			defer l.forget(conn)
			// The library sets a new deadline after the client's CONNECT.
			_ = conn.SetDeadline(time.Now().Add(connectTime))
			if err := establish(l.ID(), conn); err != nil {
				l.log.Debug("connection ended", zap.Stringer("remote", conn.RemoteAddr()), zap.Error(err))
			}
		}()
	}
}

func (l *listener) admit(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= l.max {
		return false
	}
	l.conns[conn] = struct{}{}
	l.metrics.connections.Set(float64(len(l.conns)))
	return true
}

func (l *listener) forget(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
	l.metrics.connections.Set(float64(len(l.conns)))
}

// refuse closes the address; open connections stay.
func (l *listener) refuse() { _ = l.Listener.Close() }

// hurry makes sure that no open connection, one that reads nothing or has not
// said who it is, holds up the end.
func (l *listener) hurry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		_ = conn.SetDeadline(time.Now().Add(hurryTime))
	}
}

// Close implements [listeners.Listener].
func (l *listener) Close(closeClients listeners.CloseFn) {
	l.refuse()
	closeClients(l.ID())
}

// quietLogger passes the library's words on. It warns of every connection that
// breaks off and every packet it dislikes, whole; that is for those who debug.
func quietLogger(log *zap.Logger) *slog.Logger { return slog.New(slogHandler{log: log}) }

type slogHandler struct{ log *zap.Logger }

func zapLevel(level slog.Level) zapcore.Level {
	if level >= slog.LevelError {
		return zap.WarnLevel
	}
	return zap.DebugLevel
}

// Enabled implements [slog.Handler].
func (h slogHandler) Enabled(_ context.Context, level slog.Level) bool {
	return h.log.Core().Enabled(zapLevel(level))
}

// Handle implements [slog.Handler].
func (h slogHandler) Handle(_ context.Context, r slog.Record) error {
	fields := []zap.Field{zap.String("said", r.Message)}
	r.Attrs(func(a slog.Attr) bool {
		fields = append(fields, zap.Any(a.Key, a.Value.Any()))
		return true
	})
	h.log.Log(zapLevel(r.Level), "MQTT server", fields...)
	return nil
}

// WithAttrs implements [slog.Handler]; the library adds its listener's name,
// of which we have one.
func (h slogHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements [slog.Handler].
func (h slogHandler) WithGroup(string) slog.Handler { return h }
