package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"telltale/devices"
	"telltale/ingest/codec"
	"telltale/ingest/stream"
)

// openLog opens a real log for the test.
func openLog(t testing.TB, opts stream.Options) *stream.Log {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	log, err := stream.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// startBroker runs a broker, and a pipeline behind it, until the end of the
// test or until stop is called.
func startBroker(t testing.TB, log Appender, opts BrokerOptions, popts PipelineOptions) (b *Broker, p *Pipeline, stop func()) {
	t.Helper()
	p = startPipeline(t, log, popts)
	opts.Listen = "127.0.0.1:0"
	if opts.Authenticator == nil {
		opts.Authenticator = Anonymous{}
	}
	if opts.Log == nil {
		opts.Log = zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
	}
	b, err := NewBroker(p, opts)
	if err != nil {
		t.Fatal(err)
	}
	return b, p, run(t, b.Run)
}

// mosquitto returns a command of the mosquitto clients against the broker.
func mosquitto(t testing.TB, b *Broker, tool string, args ...string) *exec.Cmd {
	t.Helper()
	_, port, _ := net.SplitHostPort(b.Addr().String())
	return exec.CommandContext(t.Context(), tool, append([]string{"-h", "127.0.0.1", "-p", port}, args...)...)
}

func runTool(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// allReports reads everything in a log, by device.
func allReports(t testing.TB, log *stream.Log) map[devices.ID][]devices.Report {
	t.Helper()
	all := make(map[devices.ID][]devices.Report)
	for partition := range log.Partitions() {
		end, err := log.End(t.Context(), partition)
		if err != nil {
			t.Fatal(err)
		}
		r, err := log.Read(t.Context(), partition, 0)
		if err != nil {
			t.Fatal(err)
		}
		for r.Seq() < end {
			m, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, report := range m.Reports {
				all[report.Device] = append(all[report.Device], report)
			}
		}
		r.Close()
	}
	return all
}

func TestDebianClientsPublishAndSubscribe(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"mqttv311", "mqttv5"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			log := openLog(t, stream.Options{})
			b, _, _ := startBroker(t, log, BrokerOptions{}, PipelineOptions{})

			// Line by line, or "Subscribed" shows only at the end.
			sub := mosquitto(t, b, "mosquitto_sub", "-V", version, "-t", "telltale/#", "-q", "1", "-C", "3", "-W", "30", "-v", "-d")
			sub = exec.CommandContext(t.Context(), "stdbuf", append([]string{"-oL"}, sub.Args...)...)
			var out bytes.Buffer
			subscribed := make(chan struct{})
			sub.Stdout = &watch{buf: &out, want: "Subscribed", seen: subscribed}
			if err := sub.Start(); err != nil {
				t.Fatal(err)
			}
			<-subscribed
			for qos := range 3 {
				runTool(t, mosquitto(t, b, "mosquitto_pub", "-V", version, "-q", fmt.Sprint(qos),
					"-t", "telltale/fridge-1/telemetry", "-m", fmt.Sprintf(`{"seq":%d,"values":{"temperature":4.2}}`, qos+1)))
			}
			if err := sub.Wait(); err != nil {
				t.Fatalf("mosquitto_sub: %v\n%s", err, out.String())
			}
			for qos := range 3 {
				if want := fmt.Sprintf(`telltale/fridge-1/telemetry {"seq":%d,`, qos+1); !strings.Contains(out.String(), want) {
					t.Errorf("subscriber did not see %s in\n%s", want, out.String())
				}
			}
			if got := allReports(t, log)["fridge-1"]; len(got) != 3 {
				t.Errorf("log holds %v, want 3 reports", got)
			}
		})
	}
}

// watch closes seen when want has been written to it.
type watch struct {
	mu   sync.Mutex
	buf  *bytes.Buffer
	want string
	seen chan struct{}
	done bool
}

func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.buf.Write(p)
	if !w.done && strings.Contains(w.buf.String(), w.want) {
		w.done = true
		close(w.seen)
	}
	return n, err
}

func TestAcknowledgementComesAfterTheSync(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	log := appenderFunc(func(context.Context, time.Time, []devices.Report, [][]byte) error {
		entered <- struct{}{}
		<-release
		return nil
	})
	b, _, _ := startBroker(t, log, BrokerOptions{}, PipelineOptions{})
	c := mustDial(t, b, visitor{id: "a"})
	if err := c.publish("telltale/fridge-1/telemetry", `{}`, 7); err != nil {
		t.Fatal(err)
	}
	<-entered
	c.expectNothing(t, 50*time.Millisecond)
	close(release)
	kind, body, err := c.read()
	if err != nil || kind != packetPuback || binary.BigEndian.Uint16(body) != 7 {
		t.Errorf("got packet %d %v (%v), want the acknowledgement of 7", kind, body, err)
	}
}

func TestWhatIsNotStoredIsNotAcknowledgedAndTheDeviceIsSentAway(t *testing.T) {
	t.Parallel()
	log := memory{fail: errors.New("disk is gone")}
	b, _, _ := startBroker(t, &log, BrokerOptions{}, PipelineOptions{Patience: 10 * time.Millisecond})
	c := mustDial(t, b, visitor{id: "a"})
	err := c.publishAcked("telltale/fridge-1/telemetry", `{"seq":1}`, 7)
	if err == nil {
		t.Fatal("message was acknowledged though the log failed")
	}

	log.set(nil)
	c = mustDial(t, b, visitor{id: "a"})
	if err := c.publishAcked("telltale/fridge-1/telemetry", `{"seq":1}`, 7); err != nil {
		t.Fatal(err)
	}
	if reports, _, _ := log.stored(); len(reports) != 1 {
		t.Errorf("stored %d reports, want 1", len(reports))
	}
}

func TestFullLogHoldsAcknowledgementsBackUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	log := openLog(t, stream.Options{Partitions: 1, MaxBytes: 4 << 20})
	b, p, _ := startBroker(t, log, BrokerOptions{}, PipelineOptions{})
	big := `{"faults":["` + strings.Repeat(`x`, 64) + `"],"values":{"a":"` + strings.Repeat("y", 64) + `"}}`
	for i := range 2 { // the quarantine is in the same log and fills it faster
		c := mustDial(t, b, visitor{id: fmt.Sprint("filler-", i)})
		for id := uint16(1); id <= 8; id++ {
			if err := c.publishAcked("nobody/knows", strings.Repeat("z", codec.MaxPayload-1000), id); err != nil {
				t.Fatalf("filling: %v", err)
			}
			if u, err := log.Usage(t.Context()); err != nil || u.Bytes > 4<<20-codec.MaxPayload {
				break
			}
		}
	}

	c := mustDial(t, b, visitor{id: "filler"})
	if err := c.publish("nobody/knows", strings.Repeat("z", codec.MaxPayload-1000), 1); err != nil {
		t.Fatal(err)
	}
	c.expectNothing(t, 300*time.Millisecond)
	if err := c.publish("telltale/fridge-1/telemetry", big, 2); err != nil {
		t.Fatal(err)
	}

	end, err := log.QuarantineEnd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.TrimQuarantine(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	for want := uint16(1); want <= 2; want++ {
		kind, body, err := c.read()
		if err != nil || kind != packetPuback || binary.BigEndian.Uint16(body) != want {
			t.Fatalf("got packet %d (%v), want the acknowledgement of %d", kind, err, want)
		}
	}
	if counterValue(t, p.metrics.flushFailures) == 0 {
		t.Error("log was never full")
	}
}

func TestPayloadSizes(t *testing.T) {
	t.Parallel()
	log := openLog(t, stream.Options{})
	b, _, _ := startBroker(t, log, BrokerOptions{}, PipelineOptions{})
	c := mustDial(t, b, visitor{id: "gateway-1"})
	for i, size := range []int{codec.MaxPayload, codec.MaxPayload + 1, 1 << 20} {
		body := `{"values":{` + strings.Repeat(" ", size-13) + `}}`
		if err := c.publishAcked("telltale/fridge-1/telemetry", body, uint16(i+1)); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
	}
	if err := c.publishAcked("telltale/fridge-1/telemetry", strings.Repeat(" ", maxPacket), 9); err == nil {
		t.Error("a packet above the limit was acknowledged")
	}
	c = mustDial(t, b, visitor{id: "gateway-1"}) // the broker still answers
	if err := c.publishAcked("telltale/fridge-1/telemetry", `{}`, 1); err != nil {
		t.Fatal(err)
	}

	var got []string
	for deadline := time.Now().Add(30 * time.Second); len(got) < 3 && time.Now().Before(deadline); {
		got = nil
		for _, q := range readQuarantine(t, log) {
			got = append(got, fmt.Sprintf("%s %d: %s", q.Reason, len(q.Payload), q.Detail))
		}
	}
	want := []string{
		"too_large 4096: payload of 262145 bytes is above the limit of 262144; the first 4096 are kept",
		"too_large 4096: payload of 1048576 bytes is above the limit of 262144; the first 4096 are kept",
		"too_large 0: client gateway-1 sent a packet above the limit of 2097152 bytes, which was not read; its connection was closed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("quarantine differs (-want +got):\n%s", diff)
	}
	if n := len(allReports(t, log)["fridge-1"]); n != 2 {
		t.Errorf("log holds %d reports, want the 2 that are not too large", n)
	}
}

func TestLastWillIsStored(t *testing.T) {
	t.Parallel()
	log := openLog(t, stream.Options{})
	b, _, stop := startBroker(t, log, BrokerOptions{}, PipelineOptions{})
	watcher := mustDial(t, b, visitor{id: "watcher"})
	if err := watcher.subscribe("telltale/+/status"); err != nil {
		t.Fatal(err)
	}
	if kind, _, err := watcher.read(); err != nil || kind != packetSuback {
		t.Fatalf("got packet %d (%v), want a SUBACK", kind, err)
	}
	dies := mustDial(t, b, visitor{id: "fridge-1", willTopic: "telltale/fridge-1/status", will: "offline"})
	mustDial(t, b, visitor{id: "fridge-2", willTopic: "telltale/fridge-2/status", will: "offline"})
	dies.close()
	if kind, body, err := watcher.read(); err != nil || kind != packetPublish || !bytes.Contains(body, []byte("telltale/fridge-1/statu")) {
		t.Fatalf("got packet %d %q (%v), want the last will", kind, body, err)
	}

	// Whoever comes later learns it too: a status is retained.
	late := mustDial(t, b, visitor{id: "late"})
	if err := late.subscribe("telltale/fridge-1/status"); err != nil {
		t.Fatal(err)
	}
	for kind := byte(0); kind != packetPublish; {
		var err error
		if kind, _, err = late.read(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	// A broker that stops says nothing about the devices it leaves.
	got := allReports(t, log)
	if len(got["fridge-1"]) != 1 || got["fridge-1"][0].Presence != devices.Offline || len(got) != 1 {
		t.Errorf("log holds %v, want that fridge-1 is offline", got)
	}
}

func TestTelemetryIsNotRetained(t *testing.T) {
	t.Parallel()
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{}, PipelineOptions{})
	runTool(t, mosquitto(t, b, "mosquitto_pub", "-q", "1", "-r", "-t", "telltale/fridge-1/telemetry", "-m", `{}`))
	runTool(t, mosquitto(t, b, "mosquitto_pub", "-q", "1", "-r", "-t", "telltale/fridge-1/status", "-m", `online`))
	out, err := mosquitto(t, b, "mosquitto_sub", "-t", "telltale/#", "-C", "1", "-W", "30", "-v").CombinedOutput()
	if err != nil || string(out) != "telltale/fridge-1/status online\n" {
		t.Errorf("a later subscriber sees %q (%v), want the status alone", out, err)
	}
}

func TestCommandsReachTheDeviceAndAreNotIngested(t *testing.T) {
	t.Parallel()
	var log memory
	b, _, _ := startBroker(t, &log, BrokerOptions{}, PipelineOptions{})
	c := mustDial(t, b, visitor{id: "fridge-1"})
	if err := c.subscribe("telltale/fridge-1/command"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.read(); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish("telltale/fridge-1/command", []byte("defrost"), false); err != nil {
		t.Fatal(err)
	}
	if kind, body, err := c.read(); err != nil || kind != packetPublish || !bytes.HasSuffix(body, []byte("defrost")) {
		t.Errorf("got packet %d %q (%v), want the command", kind, body, err)
	}
	runTool(t, mosquitto(t, b, "mosquitto_pub", "-q", "1", "-t", "telltale/fridge-1/command", "-m", "on"))
	if _, refused, _ := log.stored(); len(refused) != 0 {
		t.Errorf("a command went to quarantine: %v", refused)
	}
}

func TestBrokerThatStopsFinishesWhatItTook(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	log := appenderFunc(func(context.Context, time.Time, []devices.Report, [][]byte) error {
		entered <- struct{}{}
		<-release
		return nil
	})
	b, _, stop := startBroker(t, log, BrokerOptions{}, PipelineOptions{})
	c := mustDial(t, b, visitor{id: "a"})
	if err := c.publish("telltale/fridge-1/telemetry", `{}`, 7); err != nil {
		t.Fatal(err)
	}
	<-entered
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	for b.Ready() == nil { // until it has begun to stop
		runtime.Gosched()
	}
	close(release)
	if kind, _, err := c.read(); err != nil || kind != packetPuback {
		t.Errorf("got packet %d (%v), want the acknowledgement of what was taken", kind, err)
	}
	<-stopped
	if _, err := dial(b.Addr(), visitor{id: "late"}); err == nil {
		t.Error("a stopped broker took a connection")
	}
}
