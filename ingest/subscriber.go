package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"telltale/ingest/codec"
)

// SubscriberOptions configure the subscription at an external broker.
type SubscriberOptions struct {
	// URL addresses the broker: mqtt://host:1883, or mqtts:// for TLS. Also
	// ws:// and wss://. Required.
	URL string

	// ClientID names the session at the broker. It must be the same after a
	// restart and differ between instances, for the broker keeps for it what
	// came while we were away. Required.
	ClientID string

	Username string
	Password string

	// Certificates are for mqtts and wss. Nil: the system's roots.
	Certificates *Certificates

	// Filters are the topics to subscribe to, see [codec.Router.Filters].
	// Required.
	Filters []string

	// Group, when set, shares the topics with other instances of the same
	// group, but for Unshared. The broker must know $share, which MQTT 3.1.1
	// does not demand, and deals the messages of one device out to all
	// instances: only each instance's part is in order.
	Group string

	// Unshared are those of the Filters that every instance of a group gets
	// whole: a broker hands nothing that it retains to a group.
	Unshared []string

	// KeepAlive is after how much silence the broker is asked whether it is
	// there. It may then take a third of that, and at most 10 s, to answer.
	// In whole seconds; zero: 30 s.
	KeepAlive time.Duration

	// QueueBytes bounds the packets read ahead of the pipeline. Zero: 64 MiB.
	QueueBytes int64

	// Metrics is where the subscriber's metrics are registered. Nil: nowhere.
	Metrics prometheus.Registerer

	// Log receives what an operator should know. Nil: none.
	Log *zap.Logger
}

const (
	connectTimeout   = 10 * time.Second
	subscribeTimeout = 30 * time.Second
	publishTimeout   = 10 * time.Second
	longestPing      = 10 * time.Second
	firstBackOff     = 500 * time.Millisecond
	lastBackOff      = 30 * time.Second

	// steady is how long a connection must have held for the next attempt to
	// begin with the shortest pause again.
	steady = time.Minute

	// askAgain is how often a refused subscription is asked for again.
	askAgain = time.Minute
)

// Subscriber takes messages from an external broker. Each is acknowledged to
// the broker when it is synced in the log, in the order of arrival. What is not
// acknowledged the broker keeps for the client id and sends again. How safe a
// message is before it gets here, the broker's settings decide.
//
// A Subscriber connects for ever, with pauses up to 30 s. Its methods are safe
// for concurrent use.
type Subscriber struct {
	pipeline *Pipeline
	opts     SubscriberOptions
	metrics  *subscriberMetrics
	unready  atomic.Pointer[string]      // why not ready; nil: ready
	client   atomic.Pointer[mqtt.Client] // of the connection; nil: there is none
}

// NewSubscriber returns a subscriber that feeds the pipeline. It connects when
// Run is called.
func NewSubscriber(p *Pipeline, opts SubscriberOptions) (*Subscriber, error) {
	opts.QueueBytes = cmp.Or(opts.QueueBytes, 64<<20)
	opts.KeepAlive = cmp.Or(opts.KeepAlive, 30*time.Second)
	opts.Log = cmp.Or(opts.Log, zap.NewNop())
	var err error
	if opts.URL, err = checkURL(opts.URL); err != nil {
		return nil, fmt.Errorf("subscriber options: %w", err)
	}
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("subscriber options: %w", err)
	}
	s := &Subscriber{pipeline: p, opts: opts}
	s.setUnready("not connected yet")
	if s.metrics, err = newSubscriberMetrics(opts.Metrics); err != nil {
		return nil, fmt.Errorf("register subscriber metrics: %w", err)
	}
	return s, nil
}

func (o *SubscriberOptions) validate() error {
	var errs []error
	if o.ClientID == "" {
		errs = append(errs, errors.New("client id is missing; it must be the same after each restart"))
	}
	if len(o.Filters) == 0 {
		errs = append(errs, errors.New("no topics to subscribe to"))
	}
	for _, f := range o.Filters {
		errs = append(errs, codec.ValidFilter(f))
	}
	if strings.ContainsAny(o.Group, "/+#") {
		errs = append(errs, fmt.Errorf("group %q must be without /, + and #", o.Group))
	}
	if o.KeepAlive < time.Second { // the library would take it for never
		errs = append(errs, fmt.Errorf("keep alive must be at least 1s, not %s", o.KeepAlive))
	}
	return errors.Join(errs...)
}

// checkURL completes a broker's URL with the port that its scheme implies.
func checkURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", fmt.Errorf("broker URL: %w", err)
	}
	ports := map[string]string{"mqtt": "1883", "tcp": "1883", "mqtts": "8883", "ssl": "8883", "tls": "8883", "ws": "", "wss": ""}
	port, ok := ports[u.Scheme]
	switch {
	case !ok:
		return "", fmt.Errorf("broker URL %q must begin with mqtt://, mqtts://, ws:// or wss://", u.Redacted())
	case u.Hostname() == "":
		return "", fmt.Errorf("broker URL %q names no host", u.Redacted())
	case u.Port() == "" && port != "":
		u.Host += ":" + port
	}
	return u.String(), nil
}

// Ready returns nil while the subscriber is connected and subscribed to all
// its topics, and else the reason why not.
func (s *Subscriber) Ready() error {
	if why := s.unready.Load(); why != nil {
		return errors.New("ingest: broker: " + *why)
	}
	return nil
}

func (s *Subscriber) setUnready(why string) { s.unready.Store(&why) }

// Run takes messages until ctx is done. Then it stores what it has read,
// acknowledges that, leaves the broker, which goes on collecting for it, and
// returns nil. The pipeline must run longer.
func (s *Subscriber) Run(ctx context.Context) error {
	pause := firstBackOff
	for ctx.Err() == nil {
		began := time.Now()
		err := s.connectOnce(ctx)
		s.metrics.connected.Set(0)
		if ctx.Err() != nil {
			break
		}
		s.setUnready(err.Error())
		if time.Since(began) > steady || errors.Is(err, errOverflow) { // which took what it could
			pause = firstBackOff
		}
		s.opts.Log.Warn("broker connection ended", zap.Error(err), zap.Duration("pause", pause))
		select {
		case <-time.After(pause/2 + rand.N(pause)/2): // not all instances at once
		case <-ctx.Done():
		}
		pause = min(2*pause, lastBackOff)
	}
	s.setUnready("stopped")
	return nil
}

// connectOnce lives through one connection and says why it ended.
func (s *Subscriber) connectOnce(ctx context.Context) error {
	session := newSession(s)
	client := mqtt.NewClient(s.clientOptions(session))
	token := client.Connect()
	<-token.Done() // bounded by connectTimeout
	if err := token.Error(); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	s.metrics.connects.Inc()
	s.metrics.connected.Set(1)
	s.opts.Log.Info("broker connected", zap.String("client_id", s.opts.ClientID),
		zap.Bool("session_present", token.(*mqtt.ConnectToken).SessionPresent()))

	s.client.Store(&client)
	session.start()
	err := s.await(ctx, client, session)
	s.client.Store(nil)
	s.setUnready(err.Error())
	if ctx.Err() == nil && !errors.Is(err, errOverflow) {
		session.fail(err)
	}
	session.stop(ctx)
	const quiesce = 250 // milliseconds
	client.Disconnect(quiesce)
	return err
}

// await subscribes and returns when the connection, the session or ctx ends.
func (s *Subscriber) await(ctx context.Context, client mqtt.Client, session *session) error {
	refused, err := s.subscribe(client, s.opts.Filters)
	if err != nil {
		return err
	}
	again := time.NewTicker(askAgain)
	defer again.Stop()
	for {
		s.report(refused)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-session.ended:
			return err
		case <-again.C:
			if refused, err = s.subscribe(client, refused); err != nil {
				return err
			}
		}
	}
}

// report says to the operator which topics we do not get.
func (s *Subscriber) report(refused []string) {
	if len(refused) == 0 {
		s.unready.Store(nil)
		return
	}
	why := fmt.Sprintf("subscription refused by the broker: %q", refused)
	if old := s.unready.Load(); old == nil || *old != why {
		s.opts.Log.Error("subscription refused by the broker", zap.Strings("filters", refused))
	}
	s.setUnready(why)
}

// Publish sends a message, such as a command, with QoS 1, and returns when the
// broker has it. Not for the goroutine that hands messages to the pipeline: the
// broker's answer comes through the same connection as what waits for it.
func (s *Subscriber) Publish(topic string, payload []byte, retain bool) error {
	client := s.client.Load()
	if client == nil {
		return fmt.Errorf("publish to %s: no connection to the broker", topic)
	}
	token := (*client).Publish(topic, 1, retain, payload)
	if !token.WaitTimeout(publishTimeout) {
		return fmt.Errorf("publish to %s: no answer from the broker", topic)
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	return nil
}

// subscribe asks for filters with QoS 1 and returns those refused. The library
// reports a refusal, code 0x80, as success.
func (s *Subscriber) subscribe(client mqtt.Client, filters []string) (refused []string, err error) {
	if len(filters) == 0 {
		return nil, nil
	}
	wanted := make(map[string]byte, len(filters))
	for _, f := range filters {
		wanted[s.shared(f)] = 1
	}
	token := client.SubscribeMultiple(wanted, nil)
	if !token.WaitTimeout(subscribeTimeout) {
		return nil, errors.New("subscribe: no answer from the broker")
	}
	if err := token.Error(); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	granted := token.(*mqtt.SubscribeToken).Result()
	for _, f := range filters {
		if code, ok := granted[s.shared(f)]; !ok || code > 2 {
			refused = append(refused, f)
		}
	}
	return refused, nil
}

func (s *Subscriber) shared(filter string) string {
	if s.opts.Group == "" || slices.Contains(s.opts.Unshared, filter) {
		return filter
	}
	return "$share/" + s.opts.Group + "/" + filter
}

func (s *Subscriber) clientOptions(session *session) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().
		AddBroker(s.opts.URL).
		SetClientID(s.opts.ClientID).
		SetUsername(s.opts.Username).
		SetPassword(s.opts.Password).
		SetTLSConfig(s.opts.Certificates.forClient()).
		SetProtocolVersion(4).   // no second attempt with 3.1 that hides the first one's error
		SetCleanSession(false).  // the broker keeps what is not acknowledged
		SetAutoReconnect(false). // Run does: a new client has no acknowledgements of the old connection
		SetConnectRetry(false).
		SetConnectTimeout(connectTimeout).
		SetKeepAlive(s.opts.KeepAlive).
		SetPingTimeout(min(s.opts.KeepAlive/3, longestPing)).
		SetDialer(dialer()).
		SetCustomOpenConnectionFn(session.open).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { session.fail(fmt.Errorf("connection lost: %w", err)) })
}
