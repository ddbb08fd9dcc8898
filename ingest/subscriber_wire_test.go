package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"telltale/devices"
)

// pieces is a connection that brings bytes in pieces of its choosing.
type pieces struct {
	net.Conn
	rest []byte
	size func() int
}

func (c *pieces) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), max(c.size(), 1))], c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// sorted returns what the wire makes of a stream: the packets that arrive, and
// what the library reads.
func sorted(stream []byte, size func() int) (published, library []byte) {
	x := newSession(&Subscriber{opts: SubscriberOptions{QueueBytes: 64 << 20}})
	w := newBrokerWire(&pieces{rest: stream, size: size}, x)
	library, _ = io.ReadAll(w)
	x.arrivals.close()
	list, _ := x.arrivals.take(nil)
	for _, a := range list {
		published = append(published, a.packets...)
	}
	return published, library
}

func TestTheWireSortsPacketsHoweverTheyAreCut(t *testing.T) {
	t.Parallel()
	publishes := [][]byte{
		packet("telltale/fridge-1/telemetry", `{"seq":1}`, 256, false),
		packet("telltale/fridge-1/telemetry", "", 0, true),
		packet("$SYS/broker/uptime", strings.Repeat("x", 300), 7, false),
		packet("telltale/fridge-1/telemetry", strings.Repeat("y", brokerReadSize+9), 8, false),
	}
	others := [][]byte{{0xd0, 0}, {0x90, 4, 0, 1, 1, 1}, {0x40, 2, 0, 9}}
	var stream []byte
	for i, p := range publishes {
		stream = append(stream, p...)
		stream = append(stream, others[i%len(others)]...)
	}
	wantLibrary := slices.Concat(others[0], others[1], others[2], others[0])
	for _, size := range []int{1, 2, 3, 7, 100, brokerReadSize - 1, 1 << 20} {
		published, library := sorted(slices.Clone(stream), func() int { return size })
		if !bytes.Equal(published, slices.Concat(publishes...)) {
			t.Errorf("in pieces of %d: %d bytes of messages, want %d", size, len(published), len(slices.Concat(publishes...)))
		}
		if diff := gocmp.Diff(wantLibrary, library); diff != "" {
			t.Errorf("in pieces of %d: the library reads (-want +got):\n%s", size, diff)
		}
	}
}

// FuzzBrokerStream gives the wire any bytes: nothing may be made up or lost
// before the first packet that is not whole, and pieces must not matter.
func FuzzBrokerStream(f *testing.F) {
	f.Add(packet("a", "{}", 1, false), uint8(3))
	f.Add(append([]byte{0xd0, 0}, packet("a/b", "x", 0, false)...), uint8(1))
	f.Add([]byte{0x30, 0xff, 0xff, 0xff, 0xff, 1}, uint8(9))
	f.Add([]byte{0x30, 0xff, 0xff, 0x7f, 0, 0}, uint8(200))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		published, library := sorted(slices.Clone(stream), func() int { return int(size) })
		whole, other := sorted(slices.Clone(stream), func() int { return len(stream) })
		if !bytes.Equal(published, whole) || !bytes.Equal(library, other) {
			t.Fatalf("in pieces of %d: %x and %x; whole: %x and %x", size, published, library, whole, other)
		}
		var want, rest []byte
		for p := stream; ; {
			n, known := packetSize(p)
			if !known {
				break
			}
			if p[0]>>4 != typePublish {
				rest = append(rest, p[:min(n, len(p))]...)
			} else if n <= len(p) {
				want = append(want, p[:n]...)
			} else {
				break
			}
			p = p[min(n, len(p)):]
		}
		if !bytes.Equal(published, want) || !bytes.Equal(library, rest) {
			t.Fatalf("got %x and %x, want %x and %x", published, library, want, rest)
		}
	})
}

func TestAMessageThatIsTooLargeToKeepIsRefusedOnceAndAcknowledged(t *testing.T) {
	t.Parallel()
	var log memory
	c := playBroker(t, startPipeline(t, &log, PipelineOptions{}), SubscriberOptions{})
	const size = 3 << 20
	if err := c.publishAcked("telltale/fridge-1/telemetry", strings.Repeat("x", size), 7); err != nil {
		t.Fatal(err)
	}
	if err := c.publishAcked("telltale/fridge-1/telemetry", `{"seq":2}`, 8); err != nil {
		t.Fatal(err)
	}
	reports, refused, _ := log.stored()
	if len(refused) != 1 || refused[0].Reason != TooLarge || len(refused[0].Payload) != keptOfOversized ||
		!strings.Contains(refused[0].Detail, fmt.Sprint(size)) {
		t.Errorf("refused %+v", refused)
	}
	if len(reports) != 1 || reports[0].Seq != 2 {
		t.Errorf("stored %+v", reports)
	}
}

// playBroker has a subscriber connect to the test.
func playBroker(t *testing.T, p *Pipeline, opts SubscriberOptions) *client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	opts.URL, opts.Log = "mqtt://"+l.Addr().String(), zap.NewNop()
	run(t, newSubscriber(t, p, opts).Run)
	return acceptSubscriber(t, l)
}

func TestAcknowledgementsOfOneFlushAreOneWrite(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	entered := make(chan struct{}, 1)
	log := appenderFunc(func(context.Context, time.Time, []devices.Report, [][]byte) error {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-release
		return nil
	})
	p := startPipeline(t, log, PipelineOptions{})
	c := playBroker(t, p, SubscriberOptions{})
	if err := c.publish("telltale/fridge-1/telemetry", `{}`, 1); err != nil {
		t.Fatal(err)
	}
	<-entered // what follows waits for the next flush
	for id := uint16(2); id <= 100; id++ {
		if err := c.publish("telltale/fridge-1/telemetry", `{}`, id); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "all of them wait", func() bool { n, _ := p.queue.size(); return n == 99 })
	close(release)
	for want := uint16(1); want <= 100; want++ {
		kind, body, err := c.read()
		if err != nil || kind != packetPuback || binary.BigEndian.Uint16(body) != want {
			t.Fatalf("got packet %d %x (%v), want the acknowledgement of %d", kind, body, err, want)
		}
		if want == 2 && c.r.Buffered() != 98*4 {
			t.Errorf("%d bytes came with the second acknowledgement, want those of 98 more", c.r.Buffered())
		}
	}
}

func TestABrokerThatBreaksTheProtocolIsLeftAndNothingAcknowledgedAfterIt(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string][]byte{
		"a wildcard in a topic": packet("telltale/+/telemetry", "{}", 9, false),
		"no topic":              packet("", "{}", 9, false),
		"not UTF-8":             packet("telltale/\xff/telemetry", "{}", 9, false),
		"an id of zero":         {0x32, 5, 0, 1, 'a', 0, 0},
		"QoS 2, not asked for":  {0x34, 5, 0, 1, 'a', 0, 1},
		"QoS 3":                 {0x36, 5, 0, 1, 'a', 0, 1},
		"a topic that ends":     {0x32, 3, 0, 9, 'a'},
		"a length that ends":    {0x32, 0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log memory
			c := playBroker(t, startPipeline(t, &log, PipelineOptions{}), SubscriberOptions{})
			if err := c.publishAcked("telltale/fridge-1/telemetry", `{"seq":1}`, 8); err != nil {
				t.Fatal(err)
			}
			if _, err := c.conn.Write(append(wrong, packet("telltale/fridge-1/telemetry", `{"seq":2}`, 10, false)...)); err != nil {
				t.Fatal(err)
			}
			for {
				kind, _, err := c.read()
				if err != nil {
					break
				}
				if kind == packetPuback {
					t.Fatal("acknowledged")
				}
			}
		})
	}
}

func TestQoS0ThatDoesNotFitIsCounted(t *testing.T) {
	t.Parallel()
	x := newSession(&Subscriber{opts: SubscriberOptions{QueueBytes: 40}})
	var err error
	if x.subscriber.metrics, err = newSubscriberMetrics(nil); err != nil {
		t.Fatal(err)
	}
	one := append([]byte{packetPublish << 4, 13, 0, 1, 'a'}, "0123456789"...)
	x.receive(arrival{packets: slices.Concat(one, one, one, one)})
	if got := counterValue(t, x.subscriber.metrics.dropped); got != 2 {
		t.Errorf("%g counted, want 2", got)
	}
	select {
	case err := <-x.ended:
		t.Errorf("the connection ends: %v", err)
	default:
	}
	x.receive(arrival{packets: packet("a", "0123456789", 1, false)})
	if err := <-x.ended; !errors.Is(err, errOverflow) {
		t.Errorf("got %v", err)
	}
	x.receive(arrival{packets: one[:15]})
	if got := counterValue(t, x.subscriber.metrics.dropped); got != 3 {
		t.Errorf("%g counted, want 3: a message after one that was left is taken", got)
	}
}
