package faults

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"
)

// link is the way to a server: a TCP proxy that can fall silent on its
// connections without closing them, as when a router loses its table or a host
// its power, and can cut them.
type link struct {
	listener net.Listener
	network  string // of the server: tcp or unix
	address  string

	tap tap // nil: bytes are passed on as they come

	mu       sync.Mutex
	passages map[*passage]struct{}
	running  sync.WaitGroup
}

// passage is one connection through the link.
type passage struct {
	client, server net.Conn
	silent         chan struct{} // closed: nothing passes any more
	silence        sync.Once
}

// tap sees each MQTT packet that passes and says whether it may.
type tap func(c *passage, fromServer bool, p packet) bool

// newLink returns a link to a server that need not be there yet. It is closed
// at the end of the test.
func newLink(t testing.TB, network, address string) *link {
	t.Helper()
	return newTappedLink(t, network, address, nil)
}

// newTappedLink is newLink with a tap, which must be ready: the link accepts at
// once.
func newTappedLink(t testing.TB, network, address string, tap tap) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{listener: listener, network: network, address: address, tap: tap, passages: make(map[*passage]struct{})}
	l.running.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut()
		l.running.Wait()
	})
	return l
}

// addr is where clients connect.
func (l *link) addr() string { return l.listener.Addr().String() }

func (l *link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.running.Go(func() { l.carry(client) })
	}
}

// carry passes on what client and server say until one of them hangs up. Of a
// passage that fell silent nobody learns that the other hung up.
func (l *link) carry(client net.Conn) {
	server, err := net.Dial(l.network, l.address)
	if err != nil {
		_ = client.Close()
		return
	}
	p := &passage{client: client, server: server, silent: make(chan struct{})}
	l.mu.Lock()
	l.passages[p] = struct{}{}
	l.mu.Unlock()

	var both sync.WaitGroup
	both.Go(func() { l.pump(p, server, client, false) })
	both.Go(func() { l.pump(p, client, server, true) })
	both.Wait()
}

// cut closes every connection.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.passages {
		p.close()
		delete(l.passages, p)
	}
}

// fallSilent blackholes the present connections for good; new ones pass.
func (l *link) fallSilent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for p := range l.passages {
		p.silence.Do(func() { close(p.silent); n++ })
	}
	return n
}

// alive reports whether a connection passes.
func (l *link) alive() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.passages {
		select {
		case <-p.silent:
		default:
			return true
		}
	}
	return false
}

func (p *passage) close() {
	_ = p.client.Close()
	_ = p.server.Close()
}

// pump passes on one direction.
func (l *link) pump(p *passage, to, from net.Conn, fromServer bool) {
	var err error
	if l.tap != nil {
		err = l.pumpPackets(p, to, from, fromServer)
	} else {
		_, err = io.Copy(writer{p, to}, onlyReader{from})
	}
	select {
	case <-p.silent: // stays open until somebody cuts it
	default:
		_ = err // hung up, by whomever
		p.close()
		l.mu.Lock()
		delete(l.passages, p)
		l.mu.Unlock()
	}
}

func (l *link) pumpPackets(p *passage, to, from net.Conn, fromServer bool) error {
	r := bufio.NewReader(from)
	for {
		next, err := readPacket(r)
		if err != nil {
			return err
		}
		if !l.tap(p, fromServer, next) {
			continue
		}
		if _, err := (writer{p, to}).Write(next.raw); err != nil {
			return err
		}
	}
}

// writer writes unless the passage is silent.
type writer struct {
	p  *passage
	to net.Conn
}

func (w writer) Write(b []byte) (int, error) {
	select {
	case <-w.p.silent:
		return 0, io.ErrClosedPipe
	default:
		return w.to.Write(b)
	}
}

// onlyReader hides what would let io.Copy bypass the writer.
type onlyReader struct{ io.Reader }
