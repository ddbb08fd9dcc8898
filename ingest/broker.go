package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// BrokerOptions configure the embedded broker.
type BrokerOptions struct {
	// Listen is the plain TCP address, such as "127.0.0.1:1883"; port 0 takes
	// a free one, see [Broker.Addr]. Empty: none, then ListenTLS is required.
	Listen string

	// ListenTLS is the address at which Certificates are presented, such as
	// ":8883". Empty: none. Clients must present a certificate of their own
	// when there is a CA.
	ListenTLS    string
	Certificates *Certificates

	// Authenticator decides who may connect. Nil: nobody.
	Authenticator Authenticator

	// MaxClients bounds the connections. Zero: 20,000.
	MaxClients int

	// Metrics is where the broker's metrics are registered. Nil: nowhere.
	Metrics prometheus.Registerer

	// Log receives what an operator should know. Nil: none.
	Log *zap.Logger
}

const (
	// maxPacket is the largest MQTT packet that is read at all. A payload
	// between the pipeline's limit and this one is quarantined and
	// acknowledged; beyond it the connection is closed.
	maxPacket = 2 << 20

	// sessionExpiry is how long a session without a connection is kept.
	sessionExpiry = 7 * 24 * time.Hour

	// outboundQueue is how many messages may wait for one subscriber; the
	// memory for them is reserved for every connection.
	outboundQueue = 512

	// outboundInflight bounds the unacknowledged messages kept for one
	// subscriber, connected or not.
	outboundInflight = 1024

	// forwardQueue is how many stored messages may wait to be sent on to other
	// clients.
	forwardQueue = 4096

	// drainGrace is how long a stopping broker waits for messages in the
	// pipeline, and ackGrace for their acknowledgements to be written.
	drainGrace = 10 * time.Second
	ackGrace   = 50 * time.Millisecond
)

// Broker is an MQTT 3.1.1 and 5 broker in this process. A device's message is
// acknowledged when the pipeline has it synced to disk; one that the pipeline
// does not take is not acknowledged, and the connection is closed so that the
// device sends it again. Other clients may subscribe where their Access lets
// them: they see a message after it is stored, and as MQTT sees fit. The
// broker keeps the last retained status of each device in memory, no telemetry
// and nothing on disk: sessions do not outlive it.
//
// Its methods are safe for concurrent use.
type Broker struct {
	server   *mqtt.Server
	listener *listener
	hook     *hook
	serving  atomic.Bool
}

// NewBroker returns a broker that feeds the pipeline. It opens the address, so
// that a taken port is an error here, but Run must be called for anybody to be
// answered.
func NewBroker(p *Pipeline, opts BrokerOptions) (*Broker, error) {
	opts.MaxClients = cmp.Or(opts.MaxClients, 20_000)
	opts.Log = cmp.Or(opts.Log, zap.NewNop())
	if opts.MaxClients < 0 {
		return nil, fmt.Errorf("broker options: max clients must be positive, not %d", opts.MaxClients)
	}
	if (opts.ListenTLS != "") != (opts.Certificates != nil) || opts.Certificates.presentNothing() {
		return nil, errors.New("broker options: a TLS address and a certificate to present there need each other")
	}
	m, err := newBrokerMetrics(opts.Metrics)
	if err != nil {
		return nil, fmt.Errorf("register broker metrics: %w", err)
	}
	b := &Broker{server: mqtt.New(serverOptions(opts))}
	b.hook = &hook{pipeline: p, auth: opts.Authenticator, server: b.server, metrics: m, log: opts.Log,
		forward: make(chan *packets.Packet, forwardQueue), acknowledger: newAcknowledger()}
	b.hook.deliveries.New = newDelivery
	if err := b.server.AddHook(b.hook, nil); err != nil {
		return nil, fmt.Errorf("prepare broker: %w", err)
	}
	if b.listener, err = listen(opts, m, b.hook.acknowledger); err != nil {
		return nil, err
	}
	if err := b.server.AddListener(b.listener); err != nil {
		b.listener.refuse()
		return nil, fmt.Errorf("prepare broker: %w", err)
	}
	return b, nil
}

func serverOptions(opts BrokerOptions) *mqtt.Options {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumClients = int64(opts.MaxClients)
	c.MaximumPacketSize = maxPacket
	c.MaximumSessionExpiryInterval = uint32(sessionExpiry / time.Second)
	c.MaximumMessageExpiryInterval = 0 // else a retained status is forgotten after it
	c.MaximumClientWritesPending = outboundQueue
	c.MaximumInflight = outboundInflight
	c.TopicAliasMaximum = 0 // the library checks access before it resolves an alias
	return &mqtt.Options{
		Capabilities:           c,
		InlineClient:           true, // for Publish
		SysTopicResendInterval: math.MaxInt32,
		Logger:                 quietLogger(opts.Log),
	}
}

// Addr returns the plain address that clients connect to; nil when there is
// none.
func (b *Broker) Addr() net.Addr { return addrOf(b.listener.plain) }

// AddrTLS returns the address for connections with TLS; nil when there is none.
func (b *Broker) AddrTLS() net.Addr { return addrOf(b.listener.secure) }

// Ready returns nil while clients are answered, and else the reason why not.
func (b *Broker) Ready() error {
	if !b.serving.Load() {
		return errors.New("ingest: broker is not running")
	}
	return nil
}

// Run answers clients until ctx is done. Then it refuses new connections and
// messages, waits until what was taken is stored and acknowledged, closes the
// connections, without last wills, and returns nil. The pipeline must run
// longer.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.server.Serve(); err != nil {
		b.listener.refuse()
		return fmt.Errorf("serve MQTT: %w", err)
	}
	var helpers sync.WaitGroup
	helpers.Go(b.hook.acknowledger.run)
	end := make(chan struct{})
	helpers.Go(func() { b.hook.forwardAll(end) })
	b.serving.Store(true)
	<-ctx.Done()
	b.serving.Store(false)

	b.listener.refuse()
	b.hook.drain(drainGrace)
	time.Sleep(ackGrace)
	b.listener.hurry()
	err := b.server.Close()
	b.hook.acknowledger.close()
	close(end)
	helpers.Wait()
	if err != nil {
		return fmt.Errorf("close MQTT: %w", err)
	}
	return nil
}

// Close gives the address up. It is for a broker that is never run.
func (b *Broker) Close() { b.listener.refuse() }

// Publish sends a message, such as a command, to the subscribers of a topic,
// at most with QoS 1. A retained one is kept in memory for later subscribers.
func (b *Broker) Publish(topic string, payload []byte, retain bool) error {
	if err := b.server.Publish(topic, payload, retain, 1); err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	return nil
}
