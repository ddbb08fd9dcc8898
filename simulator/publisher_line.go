package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/zap"

	"telltale/devices"
)

const (
	qos            = 1
	keepAlive      = 20 * time.Second
	connectTimeout = 10 * time.Second
	writeTimeout   = 3 * time.Second // paho holds a publish on a dying connection so long
	goodbyeTimeout = 2 * time.Second
	statusOnline   = "online"
	statusOffline  = "offline"
)

// errDropped ends a session whose unit has dropped out.
var errDropped = errors.New("simulator: dropped out")

// line is one connection to the broker and the units that use it.
type line struct {
	clientID string
	units    []devices.ID
	opts     PublisherOptions
	queue    *queue
	acked    *atomic.Int64
	log      *zap.Logger
}

func newLine(clientID string, opts PublisherOptions, acked *atomic.Int64) *line {
	return &line{
		clientID: clientID, opts: opts, queue: newQueue(opts.Backlog), acked: acked,
		log: opts.Log.With(zap.String("client_id", clientID)),
	}
}

// own reports whether the connection belongs to one unit: then its loss is
// the unit's, and told by the last will.
func (l *line) own() bool { return len(l.units) == 1 }

// run holds sessions until ctx ends.
func (l *line) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := l.session(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errDropped):
			l.waitReturn(ctx)
			continue
		}
		l.log.Warn("connection lost", zap.Error(err))
		select {
		case <-time.After(l.opts.RetryAfter):
		case <-ctx.Done():
		}
	}
}

// waitReturn waits until the next thing to say is that the unit is back.
func (l *line) waitReturn(ctx context.Context) {
	for {
		_, waiting, changed := l.queue.at(0)
		if waiting {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// session connects and sends what waits until the connection or ctx ends.
// The paho client lives for one session: it does not reconnect by itself,
// because it forgets what became of messages that were under way.
func (l *line) session(ctx context.Context) error {
	s := &session{line: l, lost: make(chan error, 1)}
	s.client = mqtt.NewClient(s.options())
	if err := waitToken(ctx, s.client.Connect(), connectTimeout); err != nil {
		s.client.Disconnect(0)
		return fmt.Errorf("connect: %w", err)
	}
	defer s.end()
	for _, id := range l.units {
		if err := waitToken(ctx, s.publish(statusTopic(id), true, statusOnline), connectTimeout); err != nil {
			return fmt.Errorf("announce %s: %w", id, err)
		}
	}
	return s.send(ctx)
}

// session is a line while it is connected.
type session struct {
	*line
	client  mqtt.Client
	conn    atomic.Pointer[net.Conn]
	lost    chan error
	dropped bool
}

func (s *session) options() *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(s.opts.Broker).SetClientID(s.clientID).
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).
		SetKeepAlive(keepAlive).SetConnectTimeout(connectTimeout).SetWriteTimeout(writeTimeout).
		SetUsername(s.opts.Username).SetPassword(s.opts.Password)
	if s.own() {
		if s.opts.Credentials != nil {
			username, password := s.opts.Credentials(s.units[0])
			o.SetUsername(username).SetPassword(password)
		}
		o.SetWill(statusTopic(s.units[0]), statusOffline, qos, true)
	}
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { s.lost <- err })
	return o.SetCustomOpenConnectionFn(s.dial)
}

func (s *session) publish(topic string, retained bool, payload any) mqtt.Token {
	return s.client.Publish(topic, qos, retained, payload)
}

// send keeps up to Window messages under way and forgets each, in order, once
// it is acknowledged. A word about the unit's absence waits until all before
// it has arrived.
func (s *session) send(ctx context.Context) error {
	var underWay []mqtt.Token
	for {
		next, more, changed := s.queue.at(len(underWay))
		leaving := next.presence == devices.Offline
		switch {
		case more && leaving && s.own() && len(underWay) == 0:
			s.queue.pop()
			s.dropped = true
			return errDropped
		case more && len(underWay) < s.opts.Window && (!leaving || len(underWay) == 0):
			underWay = append(underWay, s.start(next))
			continue
		case more:
			changed = nil // there is enough to send: only an acknowledgement helps
		}
		var acknowledged <-chan struct{} // nil waits for ever
		if len(underWay) > 0 {
			acknowledged = underWay[0].Done()
		}
		select {
		case <-acknowledged:
			if err := underWay[0].Error(); err != nil {
				return err
			}
			s.arrived()
			underWay = underWay[1:]
		case <-changed:
		case err := <-s.lost:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// start sends a message and returns what will say that it has arrived.
func (s *session) start(m message) mqtt.Token {
	switch m.presence {
	case devices.Online:
		return s.publish(statusTopic(m.unit), true, statusOnline)
	case devices.Offline:
		return s.publish(statusTopic(m.unit), true, statusOffline)
	default:
		return s.publish(telemetryTopic(m.unit), false, m.payload)
	}
}

func (s *session) arrived() {
	if m, _, _ := s.queue.at(0); m.presence == devices.PresenceUnknown {
		s.acked.Add(1)
	}
	s.queue.pop()
}

// end says goodbye, unless the unit has dropped out: then the connection just
// breaks, and the broker sends the last will.
func (s *session) end() {
	if s.dropped {
		if conn := s.conn.Load(); conn != nil {
			// paho passes over the error of a closed connection, but takes a
			// read that times out for a loss, and then closes it without a
			// DISCONNECT.
			_ = (*conn).SetReadDeadline(time.Unix(1, 0)) // a closed one is lost as well
		}
		<-s.lost
		return
	}
	if s.client.IsConnectionOpen() {
		deadline := time.Now().Add(goodbyeTimeout)
		for _, id := range s.units {
			s.publish(statusTopic(id), true, statusOffline).WaitTimeout(time.Until(deadline))
		}
	}
	s.client.Disconnect(250)
}

// waitToken waits for a token, ctx, or the limit.
func waitToken(ctx context.Context, token mqtt.Token, limit time.Duration) error {
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(limit):
		return errors.New("no answer")
	}
}

// dial opens the connection and keeps hold of it, so that it can be broken.
func (s *session) dial(uri *url.URL, options mqtt.ClientOptions) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: options.ConnectTimeout}
	var conn net.Conn
	var err error
	switch uri.Scheme {
	case "tcp", "mqtt":
		conn, err = dialer.Dial("tcp", uri.Host)
	case "ssl", "tls", "mqtts":
		conn, err = tls.DialWithDialer(dialer, "tcp", uri.Host, options.TLSConfig)
	default:
		return nil, fmt.Errorf("broker URL begins with %q; it must be tcp, mqtt, ssl, tls or mqtts", uri.Scheme)
	}
	if err != nil {
		return nil, err
	}
	s.conn.Store(&conn)
	return conn, nil
}
