package load

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// broker acknowledges everything, after answer has had a look at it.
func broker(t *testing.T, answer func(id uint16, w io.Writer)) (addr string, messages *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	messages = new(atomic.Int64)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn, messages, answer)
		}
	}()
	return l.Addr().String(), messages
}

func serve(conn net.Conn, messages *atomic.Int64, answer func(uint16, io.Writer)) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for {
		head, err := r.ReadByte()
		if err != nil {
			return
		}
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		if head == 0x10 {
			_, _ = conn.Write([]byte{packetConnack, 2, 0, 0})
			continue
		}
		messages.Add(1)
		topic := binary.BigEndian.Uint16(body)
		answer(binary.BigEndian.Uint16(body[2+topic:]), conn)
	}
}

func acknowledge(id uint16, w io.Writer) {
	_, _ = w.Write(binary.BigEndian.AppendUint16([]byte{packetPuback, 2}, id))
}

func TestEveryMessageIsAcknowledged(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]Options{
		"one at a time":                 {Connections: 3, Devices: 10},
		"a window of them":              {Connections: 3, Devices: 10, Window: 500},
		"more connections than devices": {Connections: 5, Devices: 2, Window: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, messages := broker(t, acknowledge)
			opts.Broker, opts.Duration = addr, 100*time.Millisecond
			report, err := Run(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			if report.Sent == 0 || report.Sent != report.Acknowledged || report.Sent != messages.Load() {
				t.Errorf("the broker got %d messages; report says %s", messages.Load(), report)
			}
		})
	}
}

func TestRateIsKept(t *testing.T) {
	t.Parallel()
	addr, _ := broker(t, acknowledge)
	report, err := Run(t.Context(), Options{
		Broker: addr, Connections: 4, Devices: 4, Window: 100, Rate: 200, Duration: 500 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	// What a stall of this machine held back is made up for, so the number is
	// exact but for the messages due at the very end.
	if report.Sent < 90 || report.Sent > 104 {
		t.Errorf("%s, want 100 messages", report)
	}
}

func TestDevicesGoTooWarmOneAfterTheOther(t *testing.T) {
	t.Parallel()
	opts := Options{Devices: 9, BreachEvery: 2, WarmUp: 3 * time.Second, Duration: 10 * time.Second}
	for device, want := range []time.Duration{4, 0, 6, 0, 8, 0, 10, 0, 12} {
		if got := opts.breachAfter(device); got != want*time.Second {
			t.Errorf("device %d goes too warm after %s, want %ds", device, got, want)
		}
	}
	if opts.BreachEvery = 0; opts.breachAfter(0) != 0 {
		t.Error("a device goes too warm although none shall")
	}
}

func TestWrongAcknowledgementsEndTheRun(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(uint16, io.Writer){
		"of a packet not sent": func(_ uint16, w io.Writer) { acknowledge(77, w) },
		"twice":                func(id uint16, w io.Writer) { acknowledge(id, w); acknowledge(id, w) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, _ := broker(t, answer)
			_, err := Run(t.Context(), Options{Broker: addr, Connections: 1, Devices: 1, Window: 3, Duration: time.Second})
			if err == nil || !strings.Contains(err.Error(), "not under way") {
				t.Errorf("got %v, want a complaint about the PUBACK", err)
			}
		})
	}
}

func TestRunEndsWhenItIsTold(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	addr, _ := broker(t, func(uint16, io.Writer) {
		select {
		case asked <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := Run(ctx, Options{Broker: addr, Connections: 1, Devices: 1, Duration: time.Hour}); err == nil {
		t.Error("a run that was broken off reports no error")
	}
}
