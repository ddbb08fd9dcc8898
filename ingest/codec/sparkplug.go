package codec

import (
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"telltale/devices"
	"telltale/ingest/codec/sparkplug"
)

// ErrUnborn says that a payload cannot be read before its sender's birth. It
// is wrapped in a [PayloadError].
var ErrUnborn = errors.New("codec: no birth says what the payload means")

// Birth is a birth message that was taken, to be known again after a restart.
type Birth struct {
	Topic      string
	Payload    []byte // empty: the sender died, and its birth is void
	ReceivedAt time.Time
}

// Sparkplug decodes Sparkplug B. It is the one codec with a memory: per edge
// node, which metric each alias means and which message comes next.
//
//	NBIRTH, DBIRTH   aliases are learnt; node or device is online
//	NDATA, DDATA     readings; without a birth, or with an alias that no
//	                 birth names: [ErrUnborn]
//	NDEATH, DDEATH   node with all its devices, or device, is offline
//	NCMD, DCMD, STATE  nothing
//
// A message that is missing, by the sequence number that all messages of a
// node share, makes data incomplete but not unreadable: aliases hold until the
// next birth. It is counted and the node is asked for its births, as it is for
// data that cannot be read; how often, [asking] says. What comes again because
// it was not acknowledged is decoded again and changes nothing.
//
// The messages of one node must come in their order; those of several nodes may
// be decoded at once. At most [maxEdgeNodes] are known at a time.
type Sparkplug struct {
	opts    Options
	seed    maphash.Seed
	metrics *sparkplugMetrics

	mu    sync.Mutex
	nodes map[string]*edgeNode // by group/node
}

// maxEdgeNodes bounds the nodes that are known, and so the codec's memory:
// about 5 kB per node and 300 B per metric of its births.
const maxEdgeNodes = 10_000

// NewSparkplug returns a Sparkplug codec for the topics of a filter, which must
// hold all messages of the nodes in it: sequence numbers run over all of them.
func NewSparkplug(filter string, opts Options) (*Sparkplug, error) {
	if err := wholeNodes(filter); err != nil {
		return nil, err
	}
	m, err := newSparkplugMetrics(opts.Metrics)
	if err != nil {
		return nil, err
	}
	c := &Sparkplug{opts: opts, seed: maphash.MakeSeed(), metrics: m, nodes: make(map[string]*edgeNode)}
	for _, b := range opts.Births {
		if Matches(filter, b.Topic) {
			c.restore(b)
		}
	}
	return c, nil
}

// wholeNodes complains about a filter that leaves out messages of a node.
func wholeNodes(filter string) error {
	levels := strings.Split(filter, "/")
	whole := levels[0] == sparkplug.Namespace && levels[len(levels)-1] == "#" && len(levels) <= 5
	if whole && len(levels) >= 4 {
		whole = levels[2] == "+" // the type of message
	}
	if !whole {
		return fmt.Errorf("codec sparkplug needs all messages of its edge nodes, as %[1]s/#, %[1]s/GROUP/# or %[1]s/GROUP/+/NODE/#",
			sparkplug.Namespace)
	}
	return nil
}

// message is one Sparkplug message on its way through the codec.
type message struct {
	Payload
	topic  sparkplug.Topic
	id     devices.ID
	body   *sparkplug.Payload
	digest uint64 // of topic and body: equal means the same message again
	again  bool   // it is
}

// Decode implements [Codec].
func (c *Sparkplug) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	m, err := c.open(p)
	if err != nil || m.body == nil {
		return dst, err
	}
	n, err := c.node(m.topic)
	if err != nil {
		return dst, sentBy(m.id, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	dst, err = c.take(dst, n, m)
	if !p.Old && (n.now.missed || errors.Is(err, ErrUnborn)) {
		c.askForBirths(n, m)
	}
	return dst, sentBy(m.id, err)
}

// open reads what the message says by itself; without a body it says nothing
// to us.
func (c *Sparkplug) open(p Payload) (m message, err error) {
	m.Payload = p
	if m.topic, err = sparkplug.ParseTopic(p.Topic); err != nil {
		return m, &PayloadError{Offset: -1, Err: err}
	}
	switch m.topic.Type {
	case sparkplug.NodeCommand, sparkplug.DeviceCommand, sparkplug.State:
		return m, nil
	}
	if m.id, err = m.topic.ID(); err != nil {
		return m, &PayloadError{Offset: -1, Err: err}
	}
	if m.body, err = sparkplug.Parse(p.Body); err != nil {
		return m, sentBy(m.id, payloadError(err))
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	_, _ = h.WriteString(p.Topic)
	_, _ = h.Write(p.Body)
	m.digest = h.Sum64()
	return m, nil
}

func payloadError(err error) error {
	var at *sparkplug.Error
	if errors.As(err, &at) {
		return &PayloadError{Field: at.Field, Offset: int64(at.Offset), Err: at.Err}
	}
	return &PayloadError{Offset: -1, Err: err}
}

// node returns what is known of the message's edge node.
func (c *Sparkplug) node(t sparkplug.Topic) (*edgeNode, error) {
	key := t.Group + "/" + t.Node
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[key]
	if n != nil {
		return n, nil
	}
	if len(c.nodes) >= maxEdgeNodes && !c.forgetUnborn() {
		return nil, &PayloadError{Offset: -1, Err: fmt.Errorf("more than %d edge nodes", maxEdgeNodes)}
	}
	n = &edgeNode{now: newLife()}
	c.nodes[key] = n
	return n, nil
}

// forgetUnborn makes room: strangers that only ever sent data must not keep a
// node from being known.
func (c *Sparkplug) forgetUnborn() bool {
	for key, n := range c.nodes {
		if !n.mu.TryLock() {
			continue
		}
		forget := n.now.own == nil
		n.mu.Unlock()
		if forget {
			delete(c.nodes, key)
			return true
		}
	}
	return false
}

// take decodes a message and moves its node on.
func (c *Sparkplug) take(dst []devices.Report, n *edgeNode, m message) ([]devices.Report, error) {
	switch m.topic.Type {
	case sparkplug.NodeBirth:
		return c.nodeBirth(dst, n, m)
	case sparkplug.NodeDeath:
		return c.nodeDeath(dst, n, m)
	}
	l := n.now
	if !m.Old {
		l = n.lifeOf(m)
		m.again = l.order.had(byte(m.body.Seq), m.digest)
		missing := l.order.follow(byte(m.body.Seq), m.digest)
		c.metrics.missing.Add(float64(missing))
		l.missed = l.missed || missing > 0
	}
	switch m.topic.Type {
	case sparkplug.DeviceBirth:
		return c.deviceBirth(dst, l, m)
	case sparkplug.DeviceDeath:
		return c.deviceDeath(dst, l, m)
	default:
		return c.data(dst, l, m)
	}
}

func (c *Sparkplug) nodeBirth(dst []devices.Report, n *edgeNode, m message) ([]devices.Report, error) {
	b, err := newBorn(m)
	if err != nil {
		return dst, err
	}
	if !m.Old && !n.now.own.repeats(m) {
		n.birth(b, m)
		c.keep(m, m.Body)
	}
	return c.live(dst, b, m)
}

func (c *Sparkplug) deviceBirth(dst []devices.Report, l *life, m message) ([]devices.Report, error) {
	b, err := newBorn(m)
	if err != nil {
		return dst, err
	}
	if m.Old {
		return c.live(dst, b, m)
	}
	if !l.own.alive() {
		return dst, unborn("edge node %s has not said its own birth before that of %s", m.topic.Node, m.topic.Device)
	}
	if known := l.devices[m.topic.Device]; !known.repeats(m) {
		if err := l.adopt(m.topic.Device, b); err != nil {
			return dst, err
		}
		c.keep(m, m.Body)
	}
	return c.live(dst, b, m)
}

// live reports a sender as online, with the values of its birth.
func (c *Sparkplug) live(dst []devices.Report, b *born, m message) ([]devices.Report, error) {
	if !m.Old {
		dst = announce(dst, m, m.id, devices.Online)
	}
	return c.readings(dst, b, m)
}

func (c *Sparkplug) data(dst []devices.Report, l *life, m message) ([]devices.Report, error) {
	b := l.own
	if m.topic.Device != "" {
		b = l.devices[m.topic.Device]
	}
	switch {
	case m.again && b != nil: // it was read before, even if a death has come since
	case !l.own.alive():
		return dst, unborn("edge node %s has not said its birth", m.topic.Node)
	case !b.alive():
		return dst, unborn("device %s has not said its birth", m.topic.Device)
	case m.Old && b.after(m):
		return dst, unborn("the birth that is known is from %s, after this message", b.at.UTC().Format(time.RFC3339))
	}
	return c.readings(dst, b, m)
}

// nodeDeath reports a node and its devices as offline. Its bdSeq says which
// session died: a broker may send a last will after the node is back.
func (c *Sparkplug) nodeDeath(dst []devices.Report, n *edgeNode, m message) ([]devices.Report, error) {
	if m.Old {
		return dst, nil
	}
	l := n.now
	if session, ok := bdSeq(m.body); ok && l.session != nil && session != *l.session {
		return dst, nil
	}
	dst = announce(dst, m, m.id, devices.Offline)
	for _, name := range slices.Sorted(maps.Keys(l.devices)) {
		id, err := sparkplug.Topic{Group: m.topic.Group, Node: m.topic.Node, Device: name}.ID()
		if err != nil {
			return dst, &PayloadError{Offset: -1, Err: err}
		}
		dst = announce(dst, m, id, devices.Offline)
	}
	if l.die() {
		c.keep(message{topic: m.topic.As(sparkplug.NodeBirth), Payload: m.Payload}, nil)
	}
	return dst, nil
}

func (c *Sparkplug) deviceDeath(dst []devices.Report, l *life, m message) ([]devices.Report, error) {
	if m.Old {
		return dst, nil
	}
	if b := l.devices[m.topic.Device]; b.alive() {
		b.dead = true
		c.keep(message{topic: m.topic.As(sparkplug.DeviceBirth), Payload: m.Payload}, nil)
	}
	return announce(dst, m, m.id, devices.Offline), nil
}

// announce appends a report of nothing but presence, by our clock: what the
// sender's clock says must not keep it from being seen.
func announce(dst []devices.Report, m message, id devices.ID, presence devices.Presence) []devices.Report {
	dst, r := extend(dst)
	r.Device, r.ObservedAt, r.ReceivedAt, r.Presence = id, m.ReceivedAt, m.ReceivedAt, presence
	return dst
}

// keep has a birth remembered for after a restart.
func (c *Sparkplug) keep(m message, payload []byte) {
	if c.opts.KeepBirth != nil {
		c.opts.KeepBirth(Birth{Topic: m.topic.String(), Payload: payload, ReceivedAt: m.ReceivedAt})
	}
}

// restore takes a birth from before a restart. One that this version cannot
// read any more is as good as none.
func (c *Sparkplug) restore(kept Birth) {
	m, err := c.open(Payload{Topic: kept.Topic, Body: kept.Payload, ReceivedAt: kept.ReceivedAt})
	if err != nil || m.body == nil {
		return
	}
	b, err := newBorn(m)
	if err != nil {
		return
	}
	n, err := c.node(m.topic)
	if err != nil {
		return
	}
	switch {
	case m.topic.Type == sparkplug.NodeBirth:
		n.birth(b, m)
		n.now.order = sequence{} // what came after it, nobody knows
	case m.topic.Type == sparkplug.DeviceBirth && n.now.own.alive():
		_ = n.now.adopt(m.topic.Device, b) // it fitted once
	}
}

// askForBirths asks a node to say its births again, unless it was asked lately.
func (c *Sparkplug) askForBirths(n *edgeNode, m message) {
	if c.opts.Publish == nil || !n.asking.due(m.ReceivedAt) {
		return
	}
	t := sparkplug.Topic{Type: sparkplug.NodeCommand, Group: m.topic.Group, Node: m.topic.Node}
	c.opts.Publish(t.String(), sparkplug.RebirthRequest())
	c.metrics.asked.Inc()
}

// unborn returns an [ErrUnborn] with a sentence.
func unborn(format string, args ...any) error {
	return &PayloadError{Offset: -1, Err: unbornError(fmt.Sprintf(format, args...))}
}

type unbornError string

func (e unbornError) Error() string        { return string(e) }
func (e unbornError) Is(target error) bool { return target == ErrUnborn }
