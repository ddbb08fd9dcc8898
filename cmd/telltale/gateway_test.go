package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"telltale/devices"
	"telltale/internal/gatewaytest"
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
	g := &served{t: t, mqtt: gatewaytest.UnusedAddress(t), http: gatewaytest.UnusedAddress(t)}
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
	gatewaytest.Await(g.t, "the gateway to be ready", func() bool {
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
	ctx, stop := context.WithTimeout(g.t.Context(), gatewaytest.Patience)
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
