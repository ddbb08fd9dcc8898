package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/internal/postgres/pgtest"
	"telltale/simulator"
)

// served is a gateway that the command line runs in this process.
type served struct {
	t                  *testing.T
	config, mqtt, http string
	token              string
}

// serve runs `telltale serve` until the test ends.
func serve(t *testing.T) *served {
	t.Helper()
	g := &served{t: t, mqtt: unusedAddress(t), http: unusedAddress(t)}
	g.config = writeFile(t, "telltale.yaml", fmt.Sprintf("data: %s\ndatabase: {url: %q}\nmqtt: {listen: %s}\nhttp: {listen: %s}\nlog: {level: error}\n",
		t.TempDir(), pgtest.EmptyURL(t), g.mqtt, g.http))
	ctx, stop := context.WithCancel(context.Background())
	var out, errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--config", g.config}, &console{out: &out, err: &errs, env: func(string) (string, bool) { return "", false }})
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitDone {
			t.Errorf("serve: exit %d, %s", code, &errs)
		}
	})
	g.await("the gateway to be ready", func() bool {
		answer, err := http.Get("http://" + g.http + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	g.token = strings.TrimSpace(g.beside("token", "create", "--role", "admin", "--name", "test"))
	return g
}

// beside runs a command on the gateway's data, at runs it through its API.
func (g *served) beside(args ...string) string { return g.must(append(args, "--config", g.config)) }
func (g *served) at(args ...string) string {
	return g.must(append(args, "--server", "http://"+g.http, "--token", g.token))
}

func (g *served) must(args []string) string {
	g.t.Helper()
	code, out, errs := command(g.t, args...)
	if code != exitDone {
		g.t.Fatalf("%q: exit %d: %s", args, code, errs)
	}
	return out
}

// send publishes reports of a device, as the device.
func (g *served) send(reports ...devices.Report) {
	g.t.Helper()
	ctx, stop := context.WithTimeout(g.t.Context(), patience)
	defer stop()
	publisher := simulator.NewPublisher([]devices.ID{reports[0].Device}, simulator.PublisherOptions{Broker: "tcp://" + g.mqtt})
	ended := make(chan error, 1)
	go func() { ended <- publisher.Run(ctx) }()
	if err := publisher.Publish(ctx, reports); err != nil {
		g.t.Fatal(err)
	}
	if err := publisher.Drain(ctx); err != nil {
		g.t.Fatal(err)
	}
	stop()
	<-ended
}

// patience is how long a test waits for what must happen.
const patience = 90 * time.Second

func (g *served) await(what string, done func() bool) {
	g.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline:
			g.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
