package ingest

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// wire is a TCP connection's way to a broker that a test can damage.
type wire struct {
	t      testing.TB
	listen net.Listener
	to     string

	swallowPubacks atomic.Bool // from the client
	down           atomic.Bool // nobody gets through

	mu      sync.Mutex
	conns   []net.Conn
	swallow chan struct{} // closed: what is on the way stays there
}

// newWire leads to an address, until the end of the test.
func newWire(t testing.TB, to net.Addr) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, listen: l, to: to.String(), swallow: make(chan struct{})}
	var running sync.WaitGroup
	running.Go(func() { w.accept(&running) })
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
		running.Wait()
	})
	return w
}

func (w *wire) url() string { return "mqtt://" + w.listen.Addr().String() }

func (w *wire) accept(running *sync.WaitGroup) {
	for {
		client, err := w.listen.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", w.to)
		if err != nil || w.down.Load() {
			_ = client.Close()
			if broker != nil {
				_ = broker.Close()
			}
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, client, broker)
		swallow := w.swallow
		w.mu.Unlock()
		running.Go(func() { w.carry(client, broker, swallow, true) })
		running.Go(func() { w.carry(broker, client, swallow, false) })
	}
}

// carry passes packets on until either side ends or they are to be swallowed.
func (w *wire) carry(from, to net.Conn, swallow <-chan struct{}, fromClient bool) {
	defer to.Close()
	r := bufio.NewReader(from)
	for {
		packet, err := readPacket(r)
		if err != nil {
			return
		}
		select {
		case <-swallow:
			_, _ = io.Copy(io.Discard, from) // taken, and never to arrive
			return
		default:
		}
		if fromClient && packet[0]>>4 == packetPuback && w.swallowPubacks.Load() {
			continue
		}
		if _, err := to.Write(packet); err != nil {
			return
		}
	}
}

// readPacket returns an MQTT packet as it stands.
func readPacket(r *bufio.Reader) ([]byte, error) {
	head, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	packet := binary.AppendUvarint([]byte{head}, n)
	at := len(packet)
	packet = append(packet, make([]byte, n)...)
	_, err = io.ReadFull(r, packet[at:])
	return packet, err
}

// blackhole makes the open connections carry nothing more, without a word to
// either side. Later ones are sound.
func (w *wire) blackhole() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.swallow)
	w.swallow = make(chan struct{})
}

// cut breaks the open connections off.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}
