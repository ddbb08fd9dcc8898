package ingest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/semaphore"
)

const (
	// connectTime is how long a client may take to present itself.
	connectTime = 10 * time.Second

	// writeTime is how long a client may take to make room for what is written
	// to it. The library holds locks meanwhile.
	writeTime = 5 * time.Second

	// hurryTime is how long all goodbyes together may take when the broker
	// stops.
	hurryTime = time.Second

	// acceptPause is how long the listener rests when the system gives it no
	// connection, for want of file descriptors say.
	acceptPause = 100 * time.Millisecond
)

// listener accepts connections for the MQTT library. The library's own ends
// for good when accepting fails once, sets no limit before the login, and
// cannot stop accepting without closing what it has accepted.
type listener struct {
	plain, secure net.Listener // nil: not wanted

	max     int
	metrics *brokerMetrics
	log     *zap.Logger

	hurried atomic.Pointer[time.Time] // no write takes longer than until then

	served  chan struct{}  // closed when Serve has returned
	running sync.WaitGroup // a goroutine for each connection

	mu    sync.Mutex
	conns map[*connection]struct{}

	// What the connections share.
	acknowledger *acknowledger
	scratch      sync.Pool           // of *[scratchSize]byte
	large        *semaphore.Weighted // of largePackets bytes
}

func listen(opts BrokerOptions, m *brokerMetrics, a *acknowledger) (*listener, error) {
	l := &listener{
		max: opts.MaxClients, metrics: m, log: opts.Log,
		served: make(chan struct{}), conns: make(map[*connection]struct{}),
		acknowledger: a,
		scratch:      sync.Pool{New: func() any { return new([scratchSize]byte) }},
		large:        semaphore.NewWeighted(largePackets),
	}
	if opts.Listen == "" && opts.ListenTLS == "" {
		return nil, errors.New("open MQTT address: none is given")
	}
	var err error
	if opts.Listen != "" {
		if l.plain, err = net.Listen("tcp", opts.Listen); err != nil {
			return nil, fmt.Errorf("open MQTT address: %w", err)
		}
	}
	if opts.ListenTLS != "" {
		secure, err := net.Listen("tcp", opts.ListenTLS)
		if err != nil {
			l.refuse()
			return nil, fmt.Errorf("open MQTT address for TLS: %w", err)
		}
		l.secure = tls.NewListener(secure, opts.Certificates.ForServer())
	}
	return l, nil
}

// addresses are those that are open.
func (l *listener) addresses() []net.Listener {
	return slices.DeleteFunc([]net.Listener{l.plain, l.secure}, func(a net.Listener) bool { return a == nil })
}

func addrOf(l net.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}

// Init implements [listeners.Listener]; the address is already open.
func (l *listener) Init(*slog.Logger) error { return nil }

// ID implements [listeners.Listener].
func (l *listener) ID() string { return "mqtt" }

// Address implements [listeners.Listener].
func (l *listener) Address() string { return l.addresses()[0].Addr().String() }

// Protocol implements [listeners.Listener].
func (l *listener) Protocol() string { return "tcp" }

// Serve implements [listeners.Listener]: it hands connections to the library,
// each in a goroutine of its own, until the addresses are closed. Close waits
// for those goroutines.
func (l *listener) Serve(establish listeners.EstablishFn) {
	defer close(l.served)
	var accepting sync.WaitGroup
	for _, address := range l.addresses() {
		accepting.Go(func() { l.accept(address, establish) })
	}
	accepting.Wait()
}

func (l *listener) accept(address net.Listener, establish listeners.EstablishFn) {
	for {
		accepted, err := address.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			l.log.Warn("no connection could be accepted", zap.Error(err))
			time.Sleep(acceptPause)
			continue
		}
		conn := newConnection(accepted, l)
		if !l.admit(conn) {
			l.metrics.refused.WithLabelValues("limit").Inc()
			_ = conn.Close()
			continue
		}
		l.running.Go(func() {
			defer l.forget(conn)
			defer conn.end()
			// The library sets a new deadline after the client's CONNECT.
			_ = conn.SetDeadline(time.Now().Add(connectTime))
			if err := establish(l.ID(), conn); err != nil {
				l.note(conn, err)
			}
		})
	}
}

// note logs why a connection ended. A TLS handshake that fails is told to who
// operates the gateway, as a refused login is: the device cannot say so. Whoever
// hangs up before, as port probes do, is not worth a line.
func (l *listener) note(conn *connection, err error) {
	encrypted, ok := conn.Conn.(*tls.Conn)
	if ok && !encrypted.ConnectionState().HandshakeComplete && !errors.Is(err, io.EOF) {
		l.metrics.refused.WithLabelValues("tls").Inc()
		l.log.Info("TLS handshake failed", zap.Stringer("remote", conn.RemoteAddr()), zap.Error(err))
		return
	}
	l.log.Debug("connection ended", zap.Stringer("remote", conn.RemoteAddr()), zap.Error(err))
}

func (l *listener) admit(conn *connection) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= l.max {
		return false
	}
	l.conns[conn] = struct{}{}
	l.metrics.connections.Set(float64(len(l.conns)))
	return true
}

func (l *listener) forget(conn *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
	l.metrics.connections.Set(float64(len(l.conns)))
}

// refuse closes the addresses; open connections stay.
func (l *listener) refuse() {
	for _, address := range l.addresses() {
		_ = address.Close()
	}
}

// hurry makes sure that connections which read nothing do not hold up the end.
func (l *listener) hurry() {
	until := time.Now().Add(hurryTime)
	l.hurried.Store(&until)
	for _, conn := range l.open() {
		conn.hurry(until)
	}
}

// presented returns whether a connection is encrypted, and the verified
// certificate of the other side; nil when it presented none. The TLS handshake
// is over when the first packet has been read.
func presented(conn net.Conn) (secure bool, certificate *x509.Certificate) {
	c, ok := conn.(*connection)
	if !ok {
		return false, nil
	}
	encrypted, ok := c.Conn.(*tls.Conn)
	if !ok {
		return false, nil
	}
	if chains := encrypted.ConnectionState().VerifiedChains; len(chains) > 0 {
		return true, chains[0][0]
	}
	return true, nil
}

func (l *listener) open() []*connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.conns))
}

// Close implements [listeners.Listener]: it lets the library say goodbye, then
// ends every connection, also those that have not said who they are, and waits
// for their goroutines.
func (l *listener) Close(closeClients listeners.CloseFn) {
	l.refuse()
	<-l.served
	closeClients(l.ID())
	for _, conn := range l.open() {
		_ = conn.Close()
	}
	l.running.Wait()
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
