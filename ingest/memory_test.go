package ingest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"telltale/devices"
)

// stuckVariable makes this program a broker whose log takes nothing.
const stuckVariable = "TELLTALE_TEST_STUCK_BROKER"

func TestMain(m *testing.M) {
	if os.Getenv(stuckVariable) != "" {
		if err := runStuckBroker(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runStuckBroker prints its address, and for each line of its input the memory
// in use and the number of messages that are under way.
func runStuckBroker() error {
	log := appenderFunc(func(ctx context.Context, _ time.Time, _ []devices.Report, _ [][]byte) error {
		<-ctx.Done()
		return ctx.Err()
	})
	p, err := NewPipeline(log, fleet(), PipelineOptions{Patience: time.Hour})
	if err != nil {
		return err
	}
	b, err := NewBroker(p, BrokerOptions{Listen: "127.0.0.1:0", Authenticator: hashed{}})
	if err != nil {
		return err
	}
	go func() { _ = p.Run(context.Background()) }()
	go func() { _ = b.Run(context.Background()) }()
	fmt.Println(b.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		runtime.GC()
		runtime.GC() // pools let go at the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Println(m.HeapAlloc+m.StackInuse, b.hook.inflight.Load(), len(b.listener.open()))
	}
	return nil
}

// hashed lets everybody in whose password is right, at the price of a hash as
// for a device's login.
type hashed struct{}

func (hashed) Authenticate(_ context.Context, l Login) (Access, error) {
	if sha256.Sum256([]byte(l.Password)) != sha256.Sum256([]byte("secret")) {
		return Access{}, ErrDenied
	}
	return Access{Anywhere: true}, nil
}

// stuckBroker is the other process.
type stuckBroker struct {
	addr  *net.TCPAddr
	ask   *os.File
	lines *bufio.Scanner
}

func startStuckBroker(t *testing.T) *stuckBroker {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), stuckVariable+"=1")
	cmd.Stdin, cmd.Stderr = r, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	x := &stuckBroker{ask: w, lines: bufio.NewScanner(out)}
	x.lines.Scan()
	if x.addr, err = net.ResolveTCPAddr("tcp", x.lines.Text()); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *stuckBroker) measure(t *testing.T) (memory, inflight, connections int) {
	t.Helper()
	fmt.Fprintln(x.ask)
	x.lines.Scan()
	if _, err := fmt.Sscan(x.lines.Text(), &memory, &inflight, &connections); err != nil {
		t.Fatalf("%q: %v", x.lines.Text(), err)
	}
	return memory, inflight, connections
}

// dialFrom connects from another loopback address: so many connections would
// take the ports away that other tests have found free. Their buffers are small,
// for the kernel's memory is everybody's too: when it runs short, connections of
// other tests wait for seconds.
func dialFrom(addr *net.TCPAddr, v visitor) (*client, error) {
	conn, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetWriteBuffer(128 << 10); err != nil {
		return nil, err
	}
	return connectOver(conn, v)
}

// largestPayload is a list of as many readings as one payload can hold.
func largestPayload() string {
	var values []string
	for i := range 15 {
		values = append(values, fmt.Sprintf(`"m%d":1`, i))
	}
	object := `{"values":{` + strings.Join(values, ",") + `}}`
	n := 250_000 / (len(object) + 1)
	return "[" + strings.Repeat(object+",", n-1) + object + "]"
}

// TestMemoryIsBoundedWhenTheLogIsStuck has 2,000 devices connect and say
// nothing, and 400 more send the largest payloads without end to a broker whose
// log takes nothing. docs/limits.md states the bound. (The crowd of 10,000 that
// connects at once is in internal/faults.)
func TestMemoryIsBoundedWhenTheLogIsStuck(t *testing.T) {
	t.Parallel()
	const idle, flooding, atOnce = 2_000, 400, 100
	x := startStuckBroker(t)
	message := packet("telltale/fridge-1/telemetry", largestPayload(), 1, false)

	var connecting sync.WaitGroup
	var refused atomic.Int64
	clients := make([]*client, idle+flooding)
	began := time.Now()
	turn := make(chan struct{}, atOnce)
	for i := range idle + flooding {
		turn <- struct{}{}
		connecting.Go(func() {
			defer func() { <-turn }()
			c, err := dialFrom(x.addr, visitor{id: fmt.Sprint("d", i), username: "u", password: "secret"})
			if err != nil {
				refused.Add(1)
				t.Logf("connection %d: %v", i, err)
				return
			}
			t.Cleanup(c.close)
			clients[i] = c
		})
	}
	connecting.Wait()
	t.Logf("%d connections in %s", idle+flooding, time.Since(began))
	if n := refused.Load(); n > 0 {
		t.Fatalf("%d of %d were refused", n, idle+flooding)
	}

	for _, c := range clients[:flooding] {
		go func() {
			for {
				if _, err := c.conn.Write(message); err != nil {
					return
				}
			}
		}()
	}
	memory, inflight, connections := x.measure(t)
	await(t, "no more is read", func() bool {
		before := inflight
		memory, inflight, connections = x.measure(t)
		return inflight == before && inflight > 0
	})
	const base = 16 << 20
	bound := base + 2*(64<<20) + 2*largePackets + connections*(32<<10)
	t.Logf("%d connections, %d messages under way: %d MiB in use, at most %d are stated", connections, inflight, memory>>20, bound>>20)
	if memory > bound {
		t.Errorf("%d bytes in use, %d are the bound", memory, bound)
	}
	// Of those that flood, a slow machine sends some away after packetTime.
	if connections < idle {
		t.Errorf("%d connections are open, of which %d should have been left alone", connections, idle)
	}
}
