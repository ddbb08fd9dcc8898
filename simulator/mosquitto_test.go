package simulator_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"telltale/internal/gatewaytest"
)

// broker is a Mosquitto of the test's own, on a free port.
type broker struct {
	t       *testing.T
	config  string
	address string
	process *exec.Cmd
	output  bytes.Buffer
}

func newBroker(t *testing.T) *broker {
	t.Helper()
	port := gatewaytest.UnusedPort(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil { // it drops root
		t.Fatal(err)
	}
	b := &broker{t: t, config: filepath.Join(dir, "mosquitto.conf"), address: fmt.Sprintf("127.0.0.1:%d", port)}
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence true\n"+
		"persistence_location %s/\nmax_queued_messages 0\nmax_inflight_messages 0\nuser root\n", port, dir)
	if err := os.WriteFile(b.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *broker) url() string { return "tcp://" + b.address }

// start runs the broker until it answers.
func (b *broker) start() {
	b.t.Helper()
	b.process = exec.Command("/usr/sbin/mosquitto", "-c", b.config)
	b.process.Stdout, b.process.Stderr = &b.output, &b.output
	if err := b.process.Start(); err != nil {
		b.t.Fatalf("start mosquitto: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", b.address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			b.t.Fatalf("mosquitto does not answer: %v\n%s", err, b.output.String())
		}
	}
}

// stop ends the broker, which saves its sessions.
func (b *broker) stop() {
	if b.process == nil {
		return
	}
	_ = b.process.Process.Signal(syscall.SIGTERM)
	_ = b.process.Wait() // how it ends does not matter
	b.process = nil
}

// listener collects what a broker hands out, across the broker's restarts.
type listener struct {
	mu       sync.Mutex
	messages []string // "topic payload", in the order of arrival, each once
	seen     map[string]bool
	changed  chan struct{}
}

// listen subscribes to everything, in a session that outlives connections.
func listen(t *testing.T, url string) *listener {
	t.Helper()
	l := &listener{seen: make(map[string]bool), changed: make(chan struct{}, 1)}
	subscribed := make(chan struct{}, 10)
	options := mqtt.NewClientOptions().AddBroker(url).SetClientID("listener").SetCleanSession(false).
		SetProtocolVersion(4).SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond).
		SetMaxReconnectInterval(100 * time.Millisecond).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { l.take(m) }).
		SetOnConnectHandler(func(c mqtt.Client) {
			c.Subscribe("telltale/#", 1, nil).Wait()
			subscribed <- struct{}{}
		})
	client := mqtt.NewClient(options)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	<-subscribed
	t.Cleanup(func() { client.Disconnect(100) })
	return l
}

func (l *listener) take(m mqtt.Message) {
	text := m.Topic() + " " + string(m.Payload())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[text] {
		return // QoS 1 is at least once
	}
	l.seen[text] = true
	l.messages = append(l.messages, text)
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// wait returns when done says so of the messages, and fails after a while.
func (l *listener) wait(t *testing.T, what string, done func(messages []string) bool) []string {
	t.Helper()
	limit := time.After(60 * time.Second)
	for {
		l.mu.Lock()
		messages := append([]string(nil), l.messages...)
		l.mu.Unlock()
		if done(messages) {
			return messages
		}
		select {
		case <-l.changed:
		case <-limit:
			t.Fatalf("waited too long for %s; there are %d messages", what, len(messages))
		}
	}
}
