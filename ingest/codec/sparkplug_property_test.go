package codec

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"telltale/devices"
	"telltale/ingest/codec/sparkplug"
)

// A teller is an edge node with one device. The value of each metric says which
// metric it is, so that a reading under a wrong name shows.
type teller struct {
	t       *rapid.T
	session int64
	seq     uint64
	clock   uint64
	aliases []uint64 // of the metrics 0 to 7; 0 to 3 are the node's
}

const tellerMetrics = 8

func newTeller(t *rapid.T) *teller {
	n := &teller{t: t, aliases: make([]uint64, tellerMetrics)}
	for i := range n.aliases {
		n.aliases[i] = uint64(i + 1)
	}
	return n
}

// telling is one message of a teller.
type telling struct {
	topic string
	body  []byte
	at    time.Time
}

func (n *teller) next() uint64 {
	n.seq = (n.seq + 1) % 256
	return n.seq
}

func (n *teller) value(metric int) sparkplug.Value {
	return sparkplug.DoubleValue(float64(metric*1000 + rapid.IntRange(0, 999).Draw(n.t, "value")))
}

// birth is NBIRTH and DBIRTH. With shuffle, the aliases are dealt out anew.
func (n *teller) birth(shuffle bool) []telling {
	if shuffle {
		n.aliases = rapid.Permutation(n.aliases).Draw(n.t, "aliases")
	}
	n.session++
	n.seq = 0
	own, device := []sparkplug.Metric{session(n.session)}, []sparkplug.Metric{}
	for i, a := range n.aliases {
		m := sparkplug.Metric{Name: fmt.Sprintf("m%d", i), Alias: ptr(a), Type: sparkplug.Double, Value: n.value(i)}
		if i < tellerMetrics/2 {
			own = append(own, m)
		} else {
			device = append(device, m)
		}
	}
	return []telling{{topic: nbirth, body: n.message(0, own...)}, {topic: dbirth, body: n.message(n.next(), device...)}}
}

func (n *teller) data() telling {
	i := rapid.IntRange(0, tellerMetrics-1).Draw(n.t, "metric")
	topic := ndata
	if i >= tellerMetrics/2 {
		topic = ddata
	}
	return telling{topic: topic, body: n.message(n.next(), sparkplug.Metric{Alias: ptr(n.aliases[i]), Value: n.value(i)})}
}

// message is a payload with the time, as the specification demands: no two are
// equal.
func (n *teller) message(seq uint64, metrics ...sparkplug.Metric) []byte {
	n.clock++
	p := sparkplug.Payload{Timestamp: ptr(n.clock), Seq: seq, Metrics: metrics}
	return p.Append(nil)
}

// life is what a node says over several sessions.
func (n *teller) life(shuffle bool) []telling {
	var all []telling
	for range rapid.IntRange(1, 4).Draw(n.t, "sessions") {
		all = append(all, n.birth(shuffle)...)
		for range rapid.IntRange(0, 12).Draw(n.t, "messages") {
			all = append(all, n.data())
		}
		if rapid.Bool().Draw(n.t, "dies") {
			all = append(all, telling{topic: ndeath, body: message1(0, session(n.session))})
		}
	}
	return all
}

// listener is a codec that is restarted now and then.
type listener struct {
	t     *rapid.T
	codec *Sparkplug
	kept  map[string]Birth
	heard []telling // in all
	fresh int       // of those, before the last restart
	now   time.Time
}

func newListener(t *rapid.T) *listener {
	l := &listener{t: t, kept: make(map[string]Birth), now: receipt}
	l.restart()
	return l
}

func (l *listener) restart() {
	var births []Birth
	for _, b := range l.kept {
		births = append(births, b)
	}
	slices.SortFunc(births, func(a, b Birth) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	c, err := NewSparkplug("spBv1.0/#", Options{Births: births, KeepBirth: func(b Birth) {
		l.kept[b.Topic] = b
		if len(b.Payload) == 0 {
			delete(l.kept, b.Topic)
		}
	}})
	if err != nil {
		l.t.Fatal(err)
	}
	l.codec, l.fresh = c, len(l.heard)
}

// hear takes a message, new or out of quarantine.
func (l *listener) hear(m telling, old bool) {
	if !old {
		l.now = l.now.Add(time.Second)
		m.at = l.now
		l.heard = append(l.heard, m)
	}
	reports, err := l.codec.Decode(nil, Payload{Topic: m.topic, Body: m.body, ReceivedAt: m.at, Old: old})
	if err != nil {
		if !errors.Is(err, ErrUnborn) {
			l.t.Fatalf("%s: %v", m.topic, err)
		}
		return
	}
	for _, r := range reports {
		for _, reading := range r.Readings {
			metric := int(reading.Value.Number) / 1000
			device := devices.ID(line)
			if metric >= tellerMetrics/2 {
				device = oven
			}
			if reading.Metric != fmt.Sprintf("m%d", metric) || r.Device != device {
				l.t.Fatalf("%s: a value of m%d of %s came as %s of %s", m.topic, metric, device, reading.Metric, r.Device)
			}
		}
	}
}

// unacknowledged returns some of the last messages since the restart, with at
// most one birth of the node among them: the codec remembers one life back.
func (l *listener) unacknowledged() []telling {
	last := l.heard[l.fresh:]
	last = last[len(last)-rapid.IntRange(1, min(8, len(last))).Draw(l.t, "how many"):]
	births := 0
	for i, m := range slices.Backward(last) {
		if m.topic == nbirth {
			births++
		}
		if births == 2 {
			return last[i+1:]
		}
	}
	return last
}

// disturb restarts the codec, replays something, or does nothing.
func (l *listener) disturb() {
	switch rapid.IntRange(0, 7).Draw(l.t, "disturbance") {
	case 0:
		l.restart()
	case 1:
		if len(l.heard) > 0 {
			l.hear(rapid.SampledFrom(l.heard).Draw(l.t, "replayed"), true)
		}
	}
}

func TestNoOrderOfMessagesGivesAWrongName(t *testing.T) {
	t.Parallel()
	// The node keeps its aliases, as nodes do; anything may be lost, doubled
	// and out of order.
	rapid.Check(t, func(t *rapid.T) {
		l, all := newListener(t), newTeller(t).life(false)
		for range rapid.IntRange(0, 2*len(all)).Draw(t, "length") {
			l.hear(rapid.SampledFrom(all).Draw(t, "message"), false)
			l.disturb()
		}
	})
}

func TestNoLossOfDataGivesAWrongName(t *testing.T) {
	t.Parallel()
	// The node deals its aliases out anew at each birth. Data may be lost, and
	// the last messages may come again, in order.
	rapid.Check(t, func(t *rapid.T) {
		l, n := newListener(t), newTeller(t)
		for _, m := range n.life(true) {
			if isData := m.topic == ndata || m.topic == ddata; isData && rapid.IntRange(0, 3).Draw(t, "lost") == 0 {
				continue
			}
			l.hear(m, false)
			if rapid.IntRange(0, 7).Draw(t, "again") == 0 {
				for _, m := range slices.Clone(l.unacknowledged()) {
					l.hear(m, false)
				}
			}
			l.disturb()
		}
	})
}
