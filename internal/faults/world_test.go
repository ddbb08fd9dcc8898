package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"telltale/ingest/stream"
	"telltale/internal/declare"
	"telltale/internal/gatewaytest"
	"telltale/internal/postgres"
)

// world is a gateway and what it stands on. The faults of a test happen to it
// one after the other, each with a fleet of its own.
type world struct {
	t     *testing.T
	dir   string
	rand  *rand.Rand
	start time.Time // of the fleets' own clocks

	gateway    *process
	mqtt, http string // its addresses
	hooks      *receiver
	clock      string // file that shifts its clock; "": it has the host's

	// Outside the gateway; nil: embedded.
	database *database
	stream   *natsServer
	broker   *mosquitto
	influx   *influxServer
}

// newWorld returns a world without its outside parts, which the caller adds
// before begin.
func newWorld(t *testing.T) *world {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("moments are drawn from seed %d", seed)
	return &world{
		t: t, dir: t.TempDir(), rand: rand.New(rand.NewPCG(seed, seed)),
		start: time.Now().Add(-20 * 24 * time.Hour).Truncate(time.Minute).UTC(),
		mqtt:  gatewaytest.UnusedAddress(t), http: gatewaytest.UnusedAddress(t), hooks: newReceiver(t),
	}
}

// begin starts the gateway and declares the fleets.
func (w *world) begin(fleets ...string) {
	w.t.Helper()
	config := filepath.Join(w.dir, "telltale.yaml")
	if err := os.WriteFile(config, []byte(w.config()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	ready := listens(w.mqtt)
	if w.broker != nil {
		ready = listens(w.http)
	}
	w.gateway = newProcess(w.t, "gateway", func() *exec.Cmd {
		return again("gateway", configVariable+"="+config, clockVariable+"="+w.clock)
	}, ready)
	w.gateway.start()

	var text strings.Builder
	text.WriteString(model)
	for _, fleet := range fleets {
		for i := range devicesOfFleet {
			declareDevice(&text, deviceOf(fleet, i), w.start)
		}
	}
	w.declare(text.String())
}

func (w *world) config() string {
	var c strings.Builder
	fmt.Fprintf(&c, "data: %s\nlog: {level: warn}\nhttp: {listen: %q}\n", w.dir, w.http)
	fmt.Fprintf(&c, "webhooks: [{name: receiver, url: %q, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}]\n", w.hooks.URL)
	c.WriteString("sources: [{filter: brittle/+, codec: brittle}]\n")
	if w.broker != nil {
		fmt.Fprintf(&c, "mqtt: {broker: %q, client_id: gateway}\n", "mqtt://"+w.broker.link.addr())
	} else {
		fmt.Fprintf(&c, "mqtt: {listen: %q}\n", w.mqtt)
	}
	if w.database != nil {
		fmt.Fprintf(&c, "database: {url: %q}\n", "postgres://telltale@"+w.database.link.addr()+"/telltale?sslmode=disable")
	}
	if w.stream != nil {
		fmt.Fprintf(&c, "stream: {url: %q, partitions: 4}\n", "nats://"+w.stream.link.addr())
	}
	if w.influx != nil {
		fmt.Fprintf(&c, "history: {store: influx, influx: {url: %q, bucket: %q}}\n", "http://"+w.influx.link.addr(), w.influx.bucket)
	}
	return c.String()
}

const model = `
kind: Model
id: FR-1
metrics: {temperature: {unit: Cel}}
report_every: 1m
---
kind: Rule
id: warm
title: Too warm
applies_to: {models: [FR-1]}
when: temperature > 8
for: 10m
severity: major
---
kind: Customer
id: C-1
name: Nordfrost
tier: standard
language: en
timezone: Europe/Berlin
contacts: []
`

func declareDevice(text *strings.Builder, id string, start time.Time) {
	fmt.Fprintf(text, "---\nkind: Device\nid: %s\nmodel: FR-1\nowners: [{customer: C-1, from: %s}]\n",
		id, start.Add(-time.Hour).Format(time.RFC3339))
}

// declare applies declarations and returns when the gateway works by them.
func (w *world) declare(text string) {
	w.t.Helper()
	set, err := declare.ParseSources(declare.Source{Name: "fleet.yaml", Text: []byte(text)})
	if err != nil {
		w.t.Fatal(err)
	}
	db := w.db()
	defer db.Close()
	plan, err := db.Apply(w.t.Context(), set, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	gatewaytest.Await(w.t, "the gateway to work by the declarations", func() bool {
		behind, err := db.NodesBehind(w.t.Context(), plan.Version)
		return err == nil && behind == 0
	})
}

// db connects to the database past the links, as soon as that answers. The
// caller closes it.
func (w *world) db() *postgres.DB {
	w.t.Helper()
	var db *postgres.DB
	gatewaytest.Await(w.t, "the database", func() bool {
		url, err := w.databaseURL()
		if err != nil {
			return false
		}
		db, err = postgres.Open(w.t.Context(), url, postgres.Options{MaxConns: 2})
		return err == nil
	})
	return db
}

func (w *world) databaseURL() (string, error) {
	if w.database != nil {
		return w.database.cluster.URL(), nil
	}
	url, running, err := postgres.RunningCluster(filepath.Join(w.dir, "postgres"))
	if err == nil && !running {
		err = fmt.Errorf("no cluster runs in %s", w.dir)
	}
	return url, err
}

// devicesReach is where fleets publish.
func (w *world) devicesReach() string {
	if w.broker != nil {
		return w.broker.address
	}
	return w.mqtt
}

// end stops the gateway as an operator does and reads what its log kept: each
// device's reports must be there in the order they were made.
func (w *world) end() {
	w.t.Helper()
	w.gateway.stop()
	opts := stream.Options{Dir: filepath.Join(w.dir, "stream")}
	if w.stream != nil {
		opts = stream.Options{URL: "nats://" + w.stream.address}
	}
	log, err := stream.Open(w.t.Context(), opts)
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	read := 0
	for p := range log.Partitions() {
		read += w.checkOrder(log, p)
	}
	w.t.Logf("order of %d reports in the log checked", read)
}

// checkOrder returns how many reports of a partition it looked at. A report may
// come again after later ones, sent twice; but none may come first after one
// that is later. Of what was trimmed away nothing is known.
func (w *world) checkOrder(log *stream.Log, partition int) (reports int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), gatewaytest.Patience)
	defer cancel()
	end, err := log.End(ctx, partition)
	if err != nil {
		w.t.Fatal(err)
	}
	reader, err := log.Read(ctx, partition, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer reader.Close()
	type span struct{ first, last uint64 }
	seen := make(map[string]*span)
	have := make(map[string]map[uint64]bool)
	var appended time.Time
	for reader.Seq() < end {
		m, err := reader.Next(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		if m.AppendedAt.Before(appended) {
			w.t.Errorf("partition %d, sequence %d: the log's time fell from %s to %s", partition, m.Seq, appended, m.AppendedAt)
		}
		appended = m.AppendedAt
		for _, r := range m.Reports {
			id := string(r.Device)
			s := seen[id]
			if s == nil {
				s = &span{first: r.Seq}
				seen[id], have[id] = s, make(map[uint64]bool)
			}
			if r.Seq > s.first && r.Seq < s.last && !have[id][r.Seq] {
				w.t.Errorf("device %s: report %d came after %d", id, r.Seq, s.last)
			}
			have[id][r.Seq] = true
			s.last = max(s.last, r.Seq)
			reports++
		}
	}
	return reports
}

// times is how often a fault strikes, and away how long a part is gone, short
// or as in the table.
func times() int {
	if *long {
		return 10
	}
	return 3
}

func away() time.Duration {
	if *long {
		return time.Minute
	}
	return 4 * time.Second
}

// checkClock fails when the gateway does not have the time that was set: what
// it answers to a request says what it takes the time for.
func (w *world) checkClock(t *testing.T, shift time.Duration) {
	t.Helper()
	response, err := http.Get("http://" + w.http + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		t.Fatal(err)
	}
	if ahead := time.Until(at); (ahead - shift).Abs() > 5*time.Second {
		t.Errorf("the gateway's clock is %s ahead, not %s", ahead, shift)
	}
}
