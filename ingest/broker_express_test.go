package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// gate is a log that holds everything back until it is opened.
type gate struct {
	memory
	open chan struct{}
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) Append(ctx context.Context, at time.Time, reports []devices.Report, refused [][]byte) error {
	select {
	case <-g.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	return g.memory.Append(ctx, at, reports, refused)
}

// readAcks reads n PUBACKs and returns their packet identifiers.
func (c *client) readAcks(t testing.TB, n int) []uint16 {
	t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	var ids []uint16
	for len(ids) < n {
		kind, body, err := c.read()
		if err != nil {
			t.Fatalf("after %d of %d acknowledgements: %v", len(ids), n, err)
		}
		if kind == packetPuback {
			ids = append(ids, binary.BigEndian.Uint16(body))
		}
	}
	return ids
}

func sequence(n int) []uint16 {
	ids := make([]uint16, n)
	for i := range ids {
		ids[i] = uint16(i + 1)
	}
	return ids
}

// packet returns the bytes of a QoS 1 message.
func packet(topic, payload string, id uint16, retain bool) []byte {
	head := byte(packetPublish<<4 | 1<<1)
	if retain {
		head |= 1
	}
	body := append(binary.BigEndian.AppendUint16(appendText(nil, topic), id), payload...)
	p := []byte{head}
	n := len(body)
	for ; n >= 128; n >>= 7 {
		p = append(p, byte(n)|128)
	}
	return append(append(p, byte(n)), body...)
}

// TestAcknowledgementsComeInOrderWhicheverWay sends plain messages, which go
// the express way, between retained ones, pings and large ones, which do not,
// cut into pieces anyhow.
func TestAcknowledgementsComeInOrderWhicheverWay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			var log memory
			b, _, _ := startBroker(t, &log, BrokerOptions{}, PipelineOptions{})
			c := mustDial(t, b, visitor{id: "fridge-1"})
			const messages = 400
			var bytes []byte
			var telemetry []uint64
			for id := uint16(1); id <= messages; id++ {
				report := fmt.Sprintf(`{"seq":%d}`, id)
				switch random.IntN(8) {
				case 0:
					bytes = append(bytes, packet("telltale/fridge-1/status", "online", id, true)...)
					continue
				case 1:
					bytes = append(bytes, packet("telltale/fridge-1/telemetry", report, id, true)...)
				case 2:
					bytes = append(bytes, packet("telltale/fridge-1/telemetry", report+strings.Repeat(" ", random.IntN(20_000)), id, false)...)
				case 3:
					bytes = append(bytes, 12<<4, 0) // PINGREQ
					fallthrough
				default:
					bytes = append(bytes, packet("telltale/fridge-1/telemetry", report, id, false)...)
				}
				telemetry = append(telemetry, uint64(id))
			}
			go func() {
				for len(bytes) > 0 {
					n := min(len(bytes), 1+random.IntN(1<<random.IntN(15)))
					if _, err := c.conn.Write(bytes[:n]); err != nil {
						t.Error(err)
						return
					}
					bytes = bytes[n:]
				}
			}()
			if diff := cmp.Diff(sequence(messages), c.readAcks(t, messages)); diff != "" {
				t.Errorf("acknowledgements (-want +got):\n%s", diff)
			}
			var got []uint64
			reports, _, _ := log.stored()
			for _, r := range reports {
				if r.Seq != 0 {
					got = append(got, r.Seq)
				}
			}
			if diff := cmp.Diff(telemetry, got); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhoSendsWithoutEndHasOnlyAWindowInTheQueue(t *testing.T) {
	t.Parallel()
	log := newGate()
	b, p, _ := startBroker(t, log, BrokerOptions{}, PipelineOptions{})
	flood := mustDial(t, b, visitor{id: "flood"})
	const messages = 5000
	go func() {
		for id := uint16(1); id <= messages; id++ {
			if flood.publish("telltale/fridge-1/telemetry", fmt.Sprintf(`{"seq":%d}`, id), id) != nil {
				return
			}
		}
	}()
	// Its window is full, and one more load waits for room in there.
	await(t, "a window is in the pipeline", func() bool { return b.hook.inflight.Load() > windowMessages })
	modest := mustDial(t, b, visitor{id: "modest"})
	if err := modest.publish("telltale/fridge-2/telemetry", `{"seq":1}`, 1); err != nil {
		t.Fatal(err)
	}
	await(t, "the modest one's is, too", func() bool { return p.queue.holds("fridge-2") })
	if n, _ := p.queue.size(); n > windowMessages+1 {
		t.Errorf("%d messages are queued", n)
	}
	close(log.open)
	if got := modest.readAcks(t, 1); got[0] != 1 {
		t.Errorf("acknowledged %v", got)
	}
	if diff := cmp.Diff(sequence(messages), flood.readAcks(t, messages)); diff != "" {
		t.Errorf("acknowledgements (-want +got):\n%s", diff)
	}
	reports, _, _ := log.stored()
	for i, r := range reports {
		if r.Device == "fridge-2" && i > windowMessages {
			t.Errorf("the modest one's message is number %d, behind more than a window", i)
		}
	}
}

func TestNothingOvertakesAMessageThatWasGivenUp(t *testing.T) {
	t.Parallel()
	var log memory
	log.set(errors.New("no route to log"))
	b, p, _ := startBroker(t, &log, BrokerOptions{}, PipelineOptions{Patience: 200 * time.Millisecond})
	c := mustDial(t, b, visitor{id: "fridge-1"})
	for id := uint16(1); ; id++ { // until it is sent away
		if err := c.publish("telltale/fridge-1/telemetry", fmt.Sprintf(`{"seq":%d}`, id), id); err != nil {
			break
		}
		c.expectSilence(t, 5*time.Millisecond)
	}
	await(t, "all is settled", func() bool { return b.hook.inflight.Load() == 0 })
	log.set(nil)
	again := mustDial(t, b, visitor{id: "fridge-1"})
	if err := again.publishAcked("telltale/fridge-1/telemetry", `{"seq":1000}`, 1); err != nil {
		t.Fatal(err)
	}
	reports, _, _ := log.stored()
	if len(reports) != 1 || reports[0].Seq != 1000 {
		t.Errorf("stored %v: what was given up, or came after that, is sent again", reports)
	}
	if n := counterValue(t, p.metrics.outcomes[outcomeUnstored]); n == 0 {
		t.Error("what was given up is not counted")
	}
}

// expectSilence waits for a while in which no acknowledgement may come; the
// connection may end.
func (c *client) expectSilence(t testing.TB, while time.Duration) {
	t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(while))
	if kind, _, err := c.read(); err == nil && kind == packetPuback {
		t.Error("acknowledged, but not stored")
	}
}

func TestTelemetryAloneKeepsAConnectionAlive(t *testing.T) {
	t.Parallel()
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{}, PipelineOptions{})
	connect := func(id string) *client {
		conn, err := net.Dial("tcp", b.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		c := &client{conn: conn}
		greeting := append(append(appendText(nil, "MQTT"), 4, 2, 0, 3), appendText(nil, id)...) // three seconds, half as much again granted
		if err := c.send(0x10, greeting); err != nil {
			t.Fatal(err)
		}
		return c
	}
	silent, busy := connect("silent"), connect("busy")
	sent := make(chan error, 1)
	go func() {
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for id := uint16(1); id <= 20; id++ {
			<-tick.C
			if err := busy.publish("telltale/fridge-1/telemetry", `{}`, id); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	_ = silent.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	began := time.Now()
	if _, err := silent.conn.Read(make([]byte, 64)); err != nil { // the CONNACK
		t.Fatal(err)
	}
	if _, err := silent.conn.Read(make([]byte, 64)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the silent one got %v, want the end of the connection", err)
	}
	if waited := time.Since(began); waited < 2900*time.Millisecond {
		t.Errorf("the silent one was sent away after %s", waited)
	}
	if err := <-sent; err != nil {
		t.Errorf("the busy one was sent away: %v", err)
	}
}

func TestMessageOfAClientThatLeavesAtOnceIsStored(t *testing.T) {
	t.Parallel()
	var log memory
	b, _, _ := startBroker(t, &log, BrokerOptions{}, PipelineOptions{})
	for i := range 50 {
		c := mustDial(t, b, visitor{id: fmt.Sprint("fridge-", i), willTopic: fmt.Sprintf("telltale/fridge-%d/status", i), will: "offline"})
		if err := c.publish(fmt.Sprintf("telltale/fridge-%d/telemetry", i), `{}`, 1); err != nil {
			t.Fatal(err)
		}
		c.close()
	}
	await(t, "all messages and last wills are stored", func() bool {
		reports, _, _ := log.stored()
		return len(reports) == 100
	})
}

func TestGreetingsAreBounded(t *testing.T) {
	t.Parallel()
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{}, PipelineOptions{})
	if _, err := dial(b.Addr(), visitor{id: "big", username: "u", password: strings.Repeat("x", greetingSize)}); err == nil {
		t.Error("a CONNECT above the limit was answered")
	}
}

// holds reports whether a report of a device waits.
func (q *queue) holds(id devices.ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.items, func(it *pending) bool {
		return slices.ContainsFunc(it.reports, func(r devices.Report) bool { return r.Device == id })
	})
}
