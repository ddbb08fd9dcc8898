package ingest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/net/proxy"

	"telltale/ingest/codec"
)

const (
	// brokerReadSize is what is read from a broker at once.
	brokerReadSize = 64 << 10

	// keptOfPacket is how much of a PUBLISH is kept: any topic, and enough of a
	// payload to see that it is too large for any codec.
	keptOfPacket = 1 + 4 + 2 + 1<<16 + 2 + codec.MaxPayload
)

// brokerWire is the connection to an external broker as the MQTT library sees
// it:
//
//	broker --bytes--> brokerWire --PUBLISH, as they come--> session --> pipeline
//	   ^                  |                                                |
//	   |                  +--any other packet--> library                   |stored
//	   +-----------------------------PUBACKs, many at once----- acknowledge
//
// The library would handle each PUBLISH in five goroutines, one after the
// other, and write each PUBACK by itself. It still logs in, subscribes, pings
// and publishes.
type brokerWire struct {
	net.Conn
	session *session

	// For the goroutine in which the library reads.
	buffer  []byte
	in      []byte    // read and not dealt with; lies in buffer
	passing int       // bytes of the packet in hand that the library is still to get
	at      time.Time // of the last read

	writing sync.Mutex // packets stay whole
}

// openBroker connects to a broker, through the proxy that the environment names.
func openBroker(u *url.URL, opts mqtt.ClientOptions) (net.Conn, error) {
	switch u.Scheme {
	case "ws", "wss":
		bare := *u
		bare.User = nil // the library logs in by the packet, and its websockets refuse a name here
		return mqtt.NewWebsocket(bare.String(), opts.TLSConfig, opts.ConnectTimeout, opts.HTTPHeaders, opts.WebsocketOptions)
	}
	conn, err := proxy.FromEnvironmentUsing(opts.Dialer).Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	conn = moderate(conn)
	if u.Scheme == "mqtt" || u.Scheme == "tcp" {
		return conn, nil
	}
	config := opts.TLSConfig.Clone()
	if config.ServerName == "" {
		config.ServerName = u.Hostname()
	}
	encrypted := tls.Client(conn, config)
	_ = conn.SetDeadline(time.Now().Add(opts.ConnectTimeout))
	if err := encrypted.Handshake(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return encrypted, conn.SetDeadline(time.Time{})
}

func newBrokerWire(conn net.Conn, x *session) *brokerWire {
	return &brokerWire{Conn: conn, session: x, buffer: make([]byte, brokerReadSize)}
}

// Read implements [net.Conn] for the library.
func (w *brokerWire) Read(p []byte) (int, error) {
	for w.passing == 0 {
		if err := w.advance(); err != nil {
			return 0, err
		}
	}
	if len(w.in) == 0 {
		if err := w.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p[:min(len(p), w.passing)], w.in)
	w.in = w.in[n:]
	w.passing -= n
	return n, nil
}

// advance does one step towards the next packet for the library: it hands over
// what was published, or reads.
func (w *brokerWire) advance() error {
	if n := wholePublishes(w.in); n > 0 {
		w.session.receive(arrival{packets: slices.Clone(w.in[:n]), at: w.at})
		w.in = w.in[n:]
	}
	size, known := packetSize(w.in)
	switch {
	case !known || w.in[0]>>4 == typePublish && size <= len(w.buffer):
		return w.fill()
	case w.in[0]>>4 == typePublish:
		return w.large(size)
	default:
		w.passing = size
		return nil
	}
}

// wholePublishes returns the length of the PUBLISH packets that p begins with.
func wholePublishes(p []byte) (n int) {
	for {
		size, known := packetSize(p[n:])
		if !known || p[n]>>4 != typePublish || size > len(p)-n {
			return n
		}
		n += size
	}
}

// fill reads more behind what is in hand, which is less than the buffer.
func (w *brokerWire) fill() error {
	held := copy(w.buffer, w.in)
	n, err := w.Conn.Read(w.buffer[held:])
	w.in, w.at = w.buffer[:held+n], time.Now()
	return err
}

// large reads a PUBLISH that is larger than the buffer, and keeps as much of it
// as says what it is. Not to read it would bring it again with each connection.
func (w *brokerWire) large(size int) error {
	kept := make([]byte, min(size, keptOfPacket))
	n := copy(kept, w.in)
	w.in = nil
	if _, err := io.ReadFull(w.Conn, kept[n:]); err != nil {
		return fmt.Errorf("read a message of %d bytes: %w", size, err)
	}
	cut := size - len(kept)
	if _, err := io.CopyN(io.Discard, w.Conn, int64(cut)); err != nil {
		return fmt.Errorf("read a message of %d bytes: %w", size, err)
	}
	w.session.receive(arrival{packets: kept, cut: cut, at: time.Now()})
	return nil
}

// Write implements [net.Conn], for the library and for acknowledgements. What
// it is given is whole packets.
func (w *brokerWire) Write(p []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	_ = w.Conn.SetWriteDeadline(time.Now().Add(writeTime))
	n, err := w.Conn.Write(p)
	if err != nil {
		_ = w.Conn.Close() // a part of a packet may be out
	}
	return n, err
}
