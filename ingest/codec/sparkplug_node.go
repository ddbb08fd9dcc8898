package codec

import (
	"fmt"
	"sync"
	"time"

	"telltale/ingest/codec/sparkplug"
)

// edgeNode is what is known of one edge node.
type edgeNode struct {
	mu     sync.Mutex // held while one of its messages is decoded
	now    *life
	before *life // whose last messages may come again; nil: none
	asking asking
}

// life is what holds from a node's birth to its next.
type life struct {
	own     *born   // nil: never born
	session *uint64 // its bdSeq; nil: not said
	devices map[string]*born
	metrics int // in all tables
	order   sequence
	missed  bool // a message went missing
}

// Bounds of one node.
const (
	maxNodeDevices = 1000
	maxNodeMetrics = 20_000
)

func newLife() *life { return &life{devices: make(map[string]*born)} }

// birth begins a new life: everything from before is void, but for what comes
// again.
func (n *edgeNode) birth(b *born, m message) {
	if n.now.own != nil {
		n.before = n.now
	}
	n.now = newLife()
	n.now.own, n.now.metrics = b, b.size()
	if session, ok := bdSeq(m.body); ok {
		n.now.session = &session
	}
	n.now.order.follow(byte(m.body.Seq), m.digest)
	n.asking.answered()
}

// lifeOf returns the life that a message belongs to: the one before when it
// came then already, else the present one.
func (n *edgeNode) lifeOf(m message) *life {
	seq := byte(m.body.Seq)
	if n.before != nil && n.before.order.had(seq, m.digest) && !n.now.order.had(seq, m.digest) {
		return n.before
	}
	return n.now
}

// adopt takes the birth of a device in.
func (l *life) adopt(device string, b *born) error {
	old := l.devices[device]
	if old == nil && len(l.devices) == maxNodeDevices {
		return &PayloadError{Offset: -1, Err: fmt.Errorf("more than %d devices behind one edge node", maxNodeDevices)}
	}
	metrics := l.metrics + b.size() - old.size()
	if metrics > maxNodeMetrics {
		return &PayloadError{Offset: -1, Err: fmt.Errorf("more than %d metrics behind one edge node", maxNodeMetrics)}
	}
	l.metrics = metrics
	l.devices[device] = b
	return nil
}

// die ends the life and reports whether there was one. The births stay, so
// that a death that comes twice is told twice, but nothing is read by them.
func (l *life) die() bool {
	if !l.own.alive() {
		return false
	}
	l.own.dead = true
	for _, d := range l.devices {
		d.dead = true
	}
	return true
}

// bdSeq returns the number of the session that a birth or a death is of.
func bdSeq(p *sparkplug.Payload) (uint64, bool) {
	for i := range p.Metrics {
		if p.Metrics[i].Name == sparkplug.BDSeqMetric {
			return p.Metrics[i].Value.Unsigned()
		}
	}
	return 0, false
}

// sequence follows the numbers 0 to 255, and around again, that the messages
// of a node share.
type sequence struct {
	begun   bool
	next    byte
	digests [256]uint64 // of the last message with each number
}

// follow takes the number of a message and returns how many are missing before
// it. A message that came already moves nothing.
func (s *sequence) follow(seq byte, digest uint64) (missing int) {
	if s.begun && seq != s.next {
		if s.had(seq, digest) {
			return 0
		}
		missing = int(seq - s.next) // modulo 256
	}
	s.begun, s.next = true, seq+1
	s.digests[seq] = digest
	return missing
}

// had reports whether the last message with the number was this one.
func (s *sequence) had(seq byte, digest uint64) bool { return s.digests[seq] == digest }

// asking limits how often a node is asked for its births: again after 30 s,
// then after twice as long each time, up to 15 min, until it says them.
type asking struct {
	until time.Time     // not before
	pause time.Duration // the last one; 0: none since a birth
}

const (
	firstAskingPause = 30 * time.Second
	lastAskingPause  = 15 * time.Minute
)

// due reports whether the node may be asked now, and takes it that it is.
func (a *asking) due(now time.Time) bool {
	if now.Before(a.until) {
		return false
	}
	a.pause = min(max(2*a.pause, firstAskingPause), lastAskingPause)
	a.until = now.Add(a.pause)
	return true
}

// answered notes that the node said its births.
func (a *asking) answered() { a.pause = 0 }
