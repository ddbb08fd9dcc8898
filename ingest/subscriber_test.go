package ingest

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest/codec"
	"telltale/ingest/stream"
	"telltale/internal/gatewaytest"
)

// broker is a Debian Mosquitto that persists its sessions.
type debianBroker struct {
	t    testing.TB
	addr *net.TCPAddr
	conf string
	cmd  *exec.Cmd
}

// saveAlways makes Mosquitto write its sessions down whenever they change.
const saveAlways = "autosave_on_changes true\nautosave_interval 1\n"

// startMosquitto starts one on a free port, with the settings that we recommend
// and further lines of configuration, and stops it at the end of the test.
func startMosquitto(t testing.TB, conf ...string) *debianBroker {
	t.Helper()
	dir := t.TempDir()
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: gatewaytest.UnusedPort(t)}
	b := &debianBroker{t: t, addr: addr, conf: filepath.Join(dir, "mosquitto.conf")}
	recommended, err := os.ReadFile("../deploy/mosquitto/telltale.conf")
	if err != nil {
		t.Fatal(err)
	}
	text := string(recommended) + strings.Join(conf, "") + fmt.Sprintf(`listener %d 127.0.0.1
allow_anonymous true
persistence_location %s/
log_type none
`, b.addr.Port, dir)
	if os.Geteuid() == 0 {
		text += "user root\n"
	}
	if err := os.WriteFile(b.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	t.Cleanup(b.kill)
	return b
}

// start runs the broker and returns when it answers.
func (b *debianBroker) start() {
	b.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	b.cmd = exec.Command(path, "-c", b.conf)
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := dial(b.addr, visitor{id: "probe"})
		if err == nil {
			c.close()
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("mosquitto does not answer: %v", err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// kill ends the broker without a goodbye.
func (b *debianBroker) kill() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

func (b *debianBroker) url() string { return "mqtt://" + b.addr.String() }

func newSubscriber(t testing.TB, p *Pipeline, opts SubscriberOptions) *Subscriber {
	t.Helper()
	router, err := codec.NewRouter(nil, codec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	opts.ClientID = cmp.Or(opts.ClientID, "telltale-0")
	if opts.Filters == nil {
		opts.Filters = router.Filters()
	}
	s, err := NewSubscriber(p, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// awaitReady waits until the subscriber is, or is not, ready.
func awaitReady(t testing.TB, s *Subscriber, want bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); (s.Ready() == nil) != want; {
		if time.Now().After(deadline) {
			t.Fatalf("ready is %v, want %v", s.Ready(), want)
		}
		<-time.After(time.Millisecond)
	}
}

// await waits until a condition holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// publishSeq publishes reports of a device with sequences from..to, each
// acknowledged.
func publishSeq(t testing.TB, addr net.Addr, device string, from, to int) {
	t.Helper()
	c, err := dial(addr, visitor{id: "pub-" + device})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for n := from; n <= to; n++ {
		if err := c.publishAcked("telltale/"+device+"/telemetry", fmt.Sprintf(`{"seq":%d}`, n), uint16(n%65535+1)); err != nil {
			t.Fatal(err)
		}
	}
}

// missing returns the sequences 1..n that are not among the reports.
func missing(reports []devices.Report, n int) []int {
	have := make(map[uint64]bool)
	for _, r := range reports {
		have[r.Seq] = true
	}
	var lost []int
	for i := 1; i <= n; i++ {
		if !have[uint64(i)] {
			lost = append(lost, i)
		}
	}
	return lost
}

func TestSubscriberStoresWhatTheBrokerHands(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t, saveAlways)
	log := openLog(t, stream.Options{})
	p := startPipeline(t, log, PipelineOptions{})
	s := newSubscriber(t, p, SubscriberOptions{URL: broker.url()})
	stop := run(t, s.Run)
	awaitReady(t, s, true)

	publishSeq(t, broker.addr, "fridge-1", 1, 50)
	await(t, "50 reports are stored", func() bool { return counterValue(t, p.metrics.reports) == 50 })

	// What comes while we are away is kept for us.
	stop()
	if s.Ready() == nil {
		t.Error("a stopped subscriber says that it is ready")
	}
	publishSeq(t, broker.addr, "fridge-1", 51, 100)
	run(t, newSubscriber(t, p, SubscriberOptions{URL: broker.url()}).Run)
	await(t, "100 reports are stored", func() bool { return counterValue(t, p.metrics.reports) >= 100 })

	await(t, "all 100 are stored", func() bool { return len(missing(allReports(t, log)["fridge-1"], 100)) == 0 })
	checkOrder(t, allReports(t, log)["fridge-1"])
}

// checkOrder fails when a report came before one that it should follow.
// Mosquitto may not have read our last acknowledgements when it notices that
// we are gone, and then sends some again.
func checkOrder(t testing.TB, reports []devices.Report) {
	t.Helper()
	seen := uint64(0)
	for _, r := range reports {
		if r.Seq > seen+1 {
			t.Fatalf("sequence %d came before %d", r.Seq, seen+1)
		}
		seen = max(seen, r.Seq)
	}
}

// TestBrokerIsAcknowledgedInOrderAfterTheSync plays the broker, byte by byte.
func TestBrokerIsAcknowledgedInOrderAfterTheSync(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	entered, release := make(chan struct{}), make(chan struct{})
	log := appenderFunc(func(context.Context, time.Time, []devices.Report, [][]byte) error {
		entered <- struct{}{}
		<-release
		return nil
	})
	p := startPipeline(t, log, PipelineOptions{})
	run(t, newSubscriber(t, p, SubscriberOptions{URL: "mqtt://" + l.Addr().String(), Log: zap.NewNop()}).Run)

	c := acceptSubscriber(t, l)
	ids := []uint16{500, 3, 65535, 4}
	for _, id := range ids {
		if err := c.publish("telltale/fridge-1/telemetry", `{}`, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.publish("telltale/fridge-1/telemetry", `{}`, 0); err != nil { // QoS 0 has none
		t.Fatal(err)
	}
	<-entered
	c.expectNothing(t, 50*time.Millisecond)
	go func() {
		for range entered { // however many flushes it takes
		}
	}()
	close(release)
	var got []uint16
	for range ids {
		kind, body, err := c.read()
		if err != nil || kind != packetPuback {
			t.Fatalf("got packet %d (%v), want an acknowledgement", kind, err)
		}
		got = append(got, binary.BigEndian.Uint16(body))
	}
	if diff := gocmp.Diff(ids, got); diff != "" {
		t.Errorf("acknowledgements differ (-want +got):\n%s", diff)
	}
	c.expectNothing(t, 20*time.Millisecond)
}

// acceptSubscriber takes a connection and its subscription as a broker does.
func acceptSubscriber(t testing.TB, l net.Listener) *client {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{conn: conn, r: bufio.NewReader(conn)}
	t.Cleanup(c.close)
	if _, _, err := c.read(); err != nil { // CONNECT
		t.Fatal(err)
	}
	if err := c.send(packetConnack<<4, []byte{0, 0}); err != nil {
		t.Fatal(err)
	}
	_, body, err := c.read() // SUBSCRIBE to two filters
	if err != nil {
		t.Fatal(err)
	}
	if err := c.send(packetSuback<<4, []byte{body[0], body[1], 1, 1}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatIsNotStoredComesAgain(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t, saveAlways)
	failing := memory{fail: errors.New("disk is gone")}
	p, err := NewPipeline(&failing, fleet(), PipelineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stopPipeline := run(t, p.Run)
	s := newSubscriber(t, p, SubscriberOptions{URL: broker.url()})
	stop := run(t, s.Run)
	awaitReady(t, s, true)
	publishSeq(t, broker.addr, "fridge-1", 1, 100)
	await(t, "the log fails", func() bool { return counterValue(t, p.metrics.flushFailures) > 0 })
	go stopPipeline() // as in a crash: nothing of it was stored
	stop()

	var log memory
	again := startPipeline(t, &log, PipelineOptions{})
	run(t, newSubscriber(t, again, SubscriberOptions{URL: broker.url()}).Run)
	await(t, "100 reports are stored", func() bool { return counterValue(t, again.metrics.reports) >= 100 })
	reports, _, _ := log.stored()
	if lost := missing(reports, 100); len(lost) > 0 {
		t.Errorf("lost %v", lost)
	}
}

func TestSubscriberSurvivesKilledBroker(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t, saveAlways)
	log := openLog(t, stream.Options{})
	p := startPipeline(t, log, PipelineOptions{})
	s := newSubscriber(t, p, SubscriberOptions{URL: broker.url(), Log: zap.NewNop()})
	run(t, s.Run)
	awaitReady(t, s, true)

	for round := range 3 {
		device := fmt.Sprintf("fridge-%d", round)
		streaming := make(chan struct{})
		go func() {
			defer close(streaming)
			c, err := dial(broker.addr, visitor{id: "stream-" + device})
			if err != nil {
				return
			}
			defer c.close()
			for n := uint16(1); ; n++ {
				if c.publishAcked("telltale/fridge-900/telemetry", `{}`, n) != nil {
					return // the broker was killed
				}
			}
		}()
		before := counterValue(t, p.metrics.reports)
		await(t, "messages stream", func() bool { return counterValue(t, p.metrics.reports) > before+100 })
		broker.kill()
		<-streaming
		awaitReady(t, s, false)
		broker.start()
		awaitReady(t, s, true)

		publishSeq(t, broker.addr, device, 1, 50)
		await(t, "what follows is stored", func() bool {
			return len(missing(allReports(t, log)[devices.ID(device)], 50)) == 0
		})
	}
}

func TestSubscriberWaitsForABrokerThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t, saveAlways)
	broker.kill()
	p := startPipeline(t, &memory{}, PipelineOptions{})
	s := newSubscriber(t, p, SubscriberOptions{URL: broker.url()})
	if err := s.Ready(); err == nil || err.Error() != "ingest: broker: not connected yet" {
		t.Errorf("before Run: got %v", err)
	}
	run(t, s.Run)
	await(t, "the first attempt fails", func() bool {
		return strings.Contains(fmt.Sprint(s.Ready()), "connection refused")
	})
	broker.start()
	awaitReady(t, s, true)
}

func TestOverflowLosesNothingOfQoS1(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t, saveAlways)
	var log memory
	release := make(chan struct{})
	slow := appenderFunc(func(ctx context.Context, at time.Time, reports []devices.Report, refused [][]byte) error {
		<-release
		return log.Append(ctx, at, reports, refused)
	})
	p := startPipeline(t, slow, PipelineOptions{QueueMessages: 2})
	s := newSubscriber(t, p, SubscriberOptions{URL: broker.url(), QueueBytes: 4096, Log: zap.NewNop()})
	run(t, s.Run)
	awaitReady(t, s, true)
	publishSeq(t, broker.addr, "fridge-1", 1, 200)
	awaitReady(t, s, false) // the queue has overflowed
	close(release)
	await(t, "all 200 are stored", func() bool {
		reports, _, _ := log.stored()
		return len(missing(reports, 200)) == 0
	})
	if counterValue(t, s.metrics.connects) < 2 {
		t.Error("the queue did not overflow")
	}
	reports, _, _ := log.stored()
	checkOrder(t, reports)
}

func TestRefusedSubscriptionIsReported(t *testing.T) {
	t.Parallel()
	// Our own broker refuses a device what is not its own.
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{Authenticator: logins{"fridge-1": "a"}}, PipelineOptions{})
	p := startPipeline(t, &memory{}, PipelineOptions{})
	s := newSubscriber(t, p, SubscriberOptions{URL: "mqtt://" + b.Addr().String(), Username: "fridge-1", Password: "a",
		Filters: []string{"telltale/fridge-1/command", "telltale/#"}, Log: zap.NewNop()})
	run(t, s.Run)
	want := `ingest: broker: subscription refused by the broker: ["telltale/#"]`
	await(t, "the refusal is known", func() bool { return fmt.Sprint(s.Ready()) == want })
}

func TestWrongSubscriberOptionsAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		opts SubscriberOptions
		want string
	}{
		{"no URL", SubscriberOptions{}, `subscriber options: broker URL "" must begin with mqtt://, mqtts://, ws:// or wss://`},
		{"a bare address", SubscriberOptions{URL: "broker:1883"}, `subscriber options: broker URL "broker:1883" must begin with mqtt://, mqtts://, ws:// or wss://`},
		{"no host", SubscriberOptions{URL: "mqtt://:1883"}, `subscriber options: broker URL "mqtt://:1883" names no host`},
		{"no id and no topics", SubscriberOptions{URL: "mqtt://h"},
			"subscriber options: client id is missing; it must be the same after each restart\nno topics to subscribe to"},
		{"a group of two levels", SubscriberOptions{URL: "mqtt://h", ClientID: "a", Filters: []string{"a"}, Group: "a/b"},
			`subscriber options: group "a/b" must be without /, + and #`},
		{"a keep alive that the library would take for never", SubscriberOptions{URL: "mqtt://h", ClientID: "a", Filters: []string{"a"}, KeepAlive: time.Millisecond},
			"subscriber options: keep alive must be at least 1s, not 1ms"},
		{"a wrong filter", SubscriberOptions{URL: "mqtt://h", ClientID: "a", Filters: []string{"a/#/b"}},
			`subscriber options: topic filter "a/#/b" has a # that is not its last level`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := NewSubscriber(nil, c.opts); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestBrokerURLsGetTheirPort(t *testing.T) {
	t.Parallel()
	got := make(map[string]string)
	for _, s := range []string{"mqtt://h", "mqtts://h", "mqtt://[::1]", "tcp://h:1", "wss://h/mqtt"} {
		u, err := checkURL(s)
		if err != nil {
			t.Fatal(err)
		}
		got[s] = u
	}
	want := map[string]string{"mqtt://h": "mqtt://h:1883", "mqtts://h": "mqtts://h:8883", "mqtt://[::1]": "mqtt://[::1]:1883",
		"tcp://h:1": "tcp://h:1", "wss://h/mqtt": "wss://h/mqtt"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("URLs differ (-want +got):\n%s", diff)
	}
}
