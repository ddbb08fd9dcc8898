package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest/codec"
)

// hook is what the MQTT library asks and tells us. The library acknowledges a
// PUBLISH after OnPublish has returned, in the same goroutine; this is the one
// place where "acknowledged" can mean "stored".
type hook struct {
	mqtt.HookBase
	pipeline *Pipeline
	auth     Authenticator
	server   *mqtt.Server
	metrics  *brokerMetrics
	log      *zap.Logger
	forward  chan *packets.Packet // stored messages for other clients

	acknowledger *acknowledger
	deliveries   sync.Pool // of *delivery

	draining atomic.Bool
	inflight atomic.Int64 // messages that came and are not settled
}

// authTime is how long a login may take.
const authTime = 10 * time.Second

// ID implements [mqtt.Hook].
func (h *hook) ID() string { return "telltale" }

// Provides implements [mqtt.Hook].
func (h *hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablished, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnWill, mqtt.OnWillSent, mqtt.OnDisconnect, mqtt.OnPublishDropped:
		return true
	default:
		return false
	}
}

// OnConnectAuthenticate implements [mqtt.Hook]. What the client may do is kept
// in its username: the device's id, or nothing for everywhere.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	access, err := h.authenticate(cl, pk)
	if err != nil {
		h.metrics.refused.WithLabelValues("login").Inc()
		level := zap.InfoLevel
		if !errors.Is(err, ErrDenied) {
			level = zap.WarnLevel
		}
		h.log.Log(level, "connection refused", zap.String("client_id", cl.ID), zap.String("remote", cl.Net.Remote), zap.Error(err))
		return false
	}
	cl.Properties.Username = []byte(access.Device)
	if access.Anywhere {
		cl.Properties.Username = nil
	}
	boundWillDelay(cl)
	return true
}

func (h *hook) authenticate(cl *mqtt.Client, pk packets.Packet) (Access, error) {
	if h.auth == nil {
		return Access{}, ErrDenied
	}
	ctx, cancel := context.WithTimeout(context.Background(), authTime)
	defer cancel()
	secure, certificate := presented(cl.Net.Conn)
	access, err := h.auth.Authenticate(ctx, Login{
		ClientID: cl.ID, Username: string(pk.Connect.Username), Password: string(pk.Connect.Password),
		Secure: secure, Certificate: certificate,
	})
	if err != nil {
		return Access{}, err
	}
	if !access.Anywhere && access.Device == "" {
		return Access{}, fmt.Errorf("%w: login belongs to no device", ErrDenied)
	}
	// The library sends a will without asking whether its client may.
	if pk.Connect.WillFlag && !h.mayPublish(access, pk.Connect.WillTopic) {
		return Access{}, fmt.Errorf("%w: last will to topic %s", ErrDenied, pk.Connect.WillTopic)
	}
	// A session is taken over by its client id alone; it must be the same
	// device's, or its subscriptions would be inherited by a stranger.
	if old, ok := h.server.Clients.Get(cl.ID); ok && accessOf(old) != access {
		return Access{}, fmt.Errorf("%w: client id %s is in use by another device", ErrDenied, cl.ID)
	}
	return access, nil
}

func accessOf(cl *mqtt.Client) Access {
	if len(cl.Properties.Username) == 0 {
		return Access{Anywhere: true}
	}
	return Access{Device: devices.ID(cl.Properties.Username)}
}

// boundWillDelay makes a delayed will fall due while the session still exists:
// the library does not tell us of one that is sent after its end.
func boundWillDelay(cl *mqtt.Client) {
	const margin = 2 // seconds; the library looks once a second
	expiry := cl.Properties.Props.SessionExpiryInterval
	if expiry <= margin {
		cl.Properties.Will.WillDelayInterval = 0
	} else {
		cl.Properties.Will.WillDelayInterval = min(cl.Properties.Will.WillDelayInterval, expiry-margin)
	}
}

// mayPublish also lets a device speak on the topics of a source that are its
// own alone, such as shellies/{device}/online. Native topics are not among
// them, for what else lies there is commands to devices.
func (h *hook) mayPublish(access Access, topic string) bool {
	if access.MayPublish(topic) {
		return true
	}
	if strings.HasPrefix(topic, "$") || strings.HasPrefix(topic, "telltale/") {
		return false
	}
	owner, ok := h.pipeline.opts.Router.Owner(topic)
	return ok && owner == access.Device
}

// OnACLCheck implements [mqtt.Hook].
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	access := accessOf(cl)
	if write && h.mayPublish(access, topic) || !write && access.MayRead(topic) {
		return true
	}
	action := "subscribe"
	if write {
		action = "publish"
	}
	h.metrics.denied.WithLabelValues(action).Inc()
	h.log.Debug("access denied", zap.String("client_id", cl.ID), zap.String("action", action), zap.String("topic", topic))
	return false
}

// OnPublish implements [mqtt.Hook]. CodeSuccessIgnore acknowledges and leaves
// the rest to us; ErrRejectPacket does not acknowledge. After any other error
// the library acknowledges an MQTT 3.1.1 client all the same.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil // ours
	}
	h.inflight.Add(1)
	defer h.inflight.Add(-1)
	if h.draining.Load() {
		return pk, packets.ErrRejectPacket
	}
	if err := h.store(cl, &pk); err != nil {
		h.metrics.rejected.Inc()
		h.log.Debug("message not acknowledged", zap.String("client_id", cl.ID), zap.String("topic", pk.TopicName), zap.Error(err))
		// A connected client has no reason to send again.
		cl.Stop(err)
		return pk, packets.ErrRejectPacket
	}
	h.retain(&pk)
	h.pass(&pk)
	return pk, packets.CodeSuccessIgnore
}

func (h *hook) store(cl *mqtt.Client, pk *packets.Packet) error {
	if codec.IsCommand(pk.TopicName) {
		return nil // from a person at a loopback address, and for a device
	}
	m := message(cl, pk)
	// No context: the library has none to give. The wait ends by the
	// pipeline's own patience.
	if pk.FixedHeader.Qos > 0 {
		return h.pipeline.Accept(context.Background(), m)
	}
	h.pipeline.Submit(context.Background(), m, func(error) {}) // counted there; nobody is to be told
	return nil
}

func message(cl *mqtt.Client, pk *packets.Packet) Message {
	return Message{Topic: pk.TopicName, Payload: pk.Payload, QoS: pk.FixedHeader.Qos, ClientID: cl.ID, ReceivedAt: time.Now()}
}

// retain keeps a message for later subscribers, but no telemetry: its history
// is elsewhere.
func (h *hook) retain(pk *packets.Packet) {
	if pk.FixedHeader.Retain && !codec.IsTelemetry(pk.TopicName) {
		h.server.Topics.RetainMessage(pk.Copy(false))
	}
}

// heard reports whether other clients subscribe to a topic.
func (h *hook) heard(topic string) bool {
	subscribers := h.server.Topics.Subscribers(topic)
	return len(subscribers.Subscriptions)+len(subscribers.Shared) > 0
}

// pass hands a message on to the clients that subscribe to its topic. The
// library would do that in the sender's goroutine, where a subscriber that does
// not read holds up every sender, for it waits for that one's lock.
func (h *hook) pass(pk *packets.Packet) {
	if !h.heard(pk.TopicName) {
		return
	}
	out := *pk
	out.FixedHeader.Retain = false // it is retained already
	h.forwardStored([]*packets.Packet{&out})
}

// forwardStored has messages sent on, if there is room for them.
func (h *hook) forwardStored(list []*packets.Packet) {
	for _, pk := range list {
		select {
		case h.forward <- pk:
		default:
			h.metrics.dropped.Inc()
		}
	}
}

// forwardAll sends messages on until end is closed.
func (h *hook) forwardAll(end <-chan struct{}) {
	from := h.server.NewClient(nil, mqtt.LocalListener, "forward", true)
	for {
		select {
		case pk := <-h.forward:
			if err := h.server.InjectPacket(from, *pk); err != nil {
				h.log.Debug("message not sent on", zap.String("topic", pk.TopicName), zap.Error(err))
			}
		case <-end:
			return
		}
	}
}

// OnWill implements [mqtt.Hook]. When the broker stops, the library sends the
// will of every client that it disconnects; but that we stop says nothing
// about the devices, so they are sent to no topic.
func (h *hook) OnWill(_ *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	if h.draining.Load() {
		will.TopicName, will.Retain = "", false
	}
	return will, nil
}

// OnWillSent implements [mqtt.Hook]: a last will is ingested like any message.
// Its sender is gone, so nobody would send it again.
func (h *hook) OnWillSent(cl *mqtt.Client, pk packets.Packet) {
	if pk.TopicName == "" || codec.IsCommand(pk.TopicName) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.pipeline.opts.Patience)
	defer cancel()
	h.pipeline.Submit(ctx, message(cl, &pk), func(err error) {
		if err != nil {
			h.log.Warn("last will not stored", zap.String("client_id", cl.ID), zap.String("topic", pk.TopicName), zap.Error(err))
		}
	})
}

// OnDisconnect implements [mqtt.Hook]. A packet above maxPacket was never read,
// so that it came is all there is to keep.
func (h *hook) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	if !errors.Is(err, packets.ErrPacketTooLarge) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.pipeline.opts.Patience)
	defer cancel()
	m := Message{ClientID: cl.ID, ReceivedAt: time.Now()}
	detail := fmt.Sprintf("client %s sent a packet above the limit of %d bytes, which was not read; its connection was closed", cl.ID, maxPacket)
	if err := h.pipeline.Refuse(ctx, m, TooLarge, detail); err != nil {
		h.log.Warn("oversized packet not noted", zap.String("client_id", cl.ID), zap.Error(err))
	}
}

// OnPublishDropped implements [mqtt.Hook]: a subscriber was too slow.
func (h *hook) OnPublishDropped(*mqtt.Client, packets.Packet) { h.metrics.dropped.Inc() }

// drain refuses further messages and waits, but no longer than limit, until
// those under way are stored and acknowledged.
func (h *hook) drain(limit time.Duration) {
	h.draining.Store(true)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); (h.inflight.Load() > 0 || !h.acknowledger.idle()) && time.Now().Before(deadline); {
		<-tick.C
	}
}

// brokerMetrics are the broker's own; messages are counted by the pipeline.
type brokerMetrics struct {
	connections prometheus.Gauge
	refused     *prometheus.CounterVec
	denied      *prometheus.CounterVec
	rejected    prometheus.Counter
	dropped     prometheus.Counter
}

func newBrokerMetrics(reg prometheus.Registerer) (*brokerMetrics, error) {
	m := &brokerMetrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "telltale_broker_connections", Help: "Open connections to the embedded broker."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telltale_broker_refused_connections_total", Help: "Connections refused, by cause: login, limit or tls (the handshake failed)."}, []string{"cause"}),
		denied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telltale_broker_denied_total", Help: "Publishes and subscriptions that a client had no access for."}, []string{"action"}),
		rejected: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_broker_unacknowledged_total", Help: "Messages not acknowledged because they could not be stored."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_broker_dropped_total", Help: "Messages not sent on to another subscriber because it was too slow. They are stored."}),
	}
	return m, register(reg, m.connections, m.refused, m.denied, m.rejected, m.dropped)
}
