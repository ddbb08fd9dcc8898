package codec

import (
	"fmt"
	"sync"
	"time"

	"telltale/ingest/codec/sparkplug"
)

// edgeNode is what is known of one edge node.
type edgeNode struct {
	mu      sync.Mutex // held while one of its messages is decoded
	own     *born      // nil: never born
	session *uint64    // its bdSeq; nil: not said
	devices map[string]*born
	metrics int // in all tables
	order   sequence
	missed  bool // a message went missing since the node's birth
	asking  asking
}

// Bounds of one node.
const (
	maxNodeDevices = 1000
	maxNodeMetrics = 20_000
)

// birth begins a new session: everything from before is void.
func (n *edgeNode) birth(b *born, m message) {
	n.own, n.session = b, nil
	if session, ok := bdSeq(m.body); ok {
		n.session = &session
	}
	clear(n.devices)
	n.metrics = b.size()
	n.missed = false
	n.order = sequence{}
	n.order.follow(byte(m.body.Seq), m.digest)
	n.asking.answered()
}

// adopt takes the birth of a device in.
func (n *edgeNode) adopt(device string, b *born) error {
	old := n.devices[device]
	if old == nil && len(n.devices) == maxNodeDevices {
		return &PayloadError{Offset: -1, Err: fmt.Errorf("more than %d devices behind one edge node", maxNodeDevices)}
	}
	metrics := n.metrics + b.size() - old.size()
	if metrics > maxNodeMetrics {
		return &PayloadError{Offset: -1, Err: fmt.Errorf("more than %d metrics behind one edge node", maxNodeMetrics)}
	}
	n.metrics = metrics
	n.devices[device] = b
	return nil
}

// die ends the session and reports whether there was one. The births stay, so
// that a death that comes twice is told twice, but nothing is read by them.
func (n *edgeNode) die() bool {
	if !n.own.alive() {
		return false
	}
	n.own.dead = true
	for _, d := range n.devices {
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
		if s.digests[seq] == digest {
			return 0
		}
		missing = int(seq - s.next) // modulo 256
	}
	s.begun, s.next = true, seq+1
	s.digests[seq] = digest
	return missing
}

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
