package ingest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"telltale/ingest/stream"
)

func TestGarbageDisturbsNobodyElse(t *testing.T) {
	t.Parallel()
	var log memory
	b, _, _ := startBroker(t, &log, BrokerOptions{Log: zap.NewNop()}, PipelineOptions{})
	good := mustDial(t, b, visitor{id: "good"})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			garbage := make([]byte, 512)
			_, _ = rand.Read(garbage)
			conn, err := net.Dial("tcp", b.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			if i%2 == 0 { // half of them after a proper greeting
				c, err := dial(b.Addr(), visitor{id: fmt.Sprint("bad-", i)})
				if err != nil {
					t.Error(err)
					return
				}
				defer c.close()
				conn = c.conn
			}
			_, _ = conn.Write(garbage)
			_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	for n := uint16(1); n <= 200; n++ {
		if err := good.publishAcked("telltale/fridge-1/telemetry", `{}`, n); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if reports, _, _ := log.stored(); len(reports) < 200 {
		t.Errorf("stored %d reports, want 200", len(reports))
	}
}

func TestSubscriberThatReadsNothingHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	b, _, stop := startBroker(t, &memory{}, BrokerOptions{}, PipelineOptions{})
	deaf := mustDial(t, b, visitor{id: "deaf"})
	if err := deaf.subscribe("#"); err != nil {
		t.Fatal(err)
	}
	c := mustDial(t, b, visitor{id: "good"})
	body := `{"values":{"a":1}}` + strings.Repeat(" ", 20_000)
	slowest := time.Duration(0)
	for n := uint16(1); n <= 1000; n++ { // far more than the buffers in between hold
		sent := time.Now()
		if err := c.publishAcked("telltale/fridge-1/telemetry", body, n); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(sent))
	}
	if slowest >= writeTime { // what the deaf one is given
		t.Errorf("a device waited %s for its acknowledgement", slowest)
	}
	await(t, "the one that does not read is sent away", func() bool { return len(b.listener.open()) == 1 })

	second := mustDial(t, b, visitor{id: "deaf-too"})
	if err := second.subscribe("#"); err != nil {
		t.Fatal(err)
	}
	for n := uint16(1); n <= 500; n++ {
		if err := c.publishAcked("telltale/fridge-1/telemetry", body, n); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	stop()
	if took := time.Since(began); took > writeTime {
		t.Errorf("stopping took %s", took)
	}
}

func TestStrangerThatSaysNothingDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	b, _, stop := startBroker(t, &memory{}, BrokerOptions{}, PipelineOptions{})
	silent, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	mustDial(t, b, visitor{id: "somebody"}) // the broker is past accepting the silent one
	began := time.Now()
	stop()
	if took := time.Since(began); took > connectTime/2 {
		t.Errorf("stopping took %s", took)
	}
}

func TestDevicesThatConnectAllAtOnceAreAllAnswered(t *testing.T) {
	t.Parallel()
	log := openLog(t, stream.Options{})
	b, p, _ := startBroker(t, log, BrokerOptions{}, PipelineOptions{})
	var wg sync.WaitGroup
	const devices = 500
	for i := range devices {
		wg.Go(func() {
			c, err := dial(b.Addr(), visitor{id: fmt.Sprint("d", i)})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.close()
			if err := c.publishAcked(fmt.Sprintf("telltale/fridge-%d/telemetry", i), `{"seq":1}`, 1); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	checkOutcomes(t, p, map[string]float64{outcomeAccepted: devices})
	if got := allReports(t, log); len(got) != devices {
		t.Errorf("log holds %d devices, want %d", len(got), devices)
	}
}

// TestReconnectingDeviceLosesNothing breaks connections off at any moment and
// sends again what was not acknowledged, as devices do.
func TestReconnectingDeviceLosesNothing(t *testing.T) {
	t.Parallel()
	log := openLog(t, stream.Options{Partitions: 2})
	b, _, _ := startBroker(t, log, BrokerOptions{}, PipelineOptions{})
	const messages = 300
	next, connections := 1, 0
	for next <= messages {
		c, err := dial(b.Addr(), visitor{id: "fridge-1"})
		if err != nil {
			t.Fatal(err)
		}
		connections++
		_ = c.conn.SetDeadline(time.Now().Add(time.Duration(connections) * 3 * time.Millisecond))
		for next <= messages {
			err := c.publishAcked("telltale/fridge-1/telemetry", fmt.Sprintf(`{"seq":%d}`, next), uint16(next))
			if err != nil {
				var timeout net.Error
				if !errors.As(err, &timeout) && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				break
			}
			next++
		}
		c.close()
	}
	reports := allReports(t, log)["fridge-1"]
	if lost := missing(reports, messages); len(lost) > 0 {
		t.Errorf("lost %v", lost)
	}
	checkOrder(t, reports)
	if connections < 3 {
		t.Errorf("the connection broke off only %d times", connections-1)
	}
}
