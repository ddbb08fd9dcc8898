package app

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"telltale/devices"
	"telltale/ingest/codec"
	"telltale/ingest/codec/sparkplug"
	"telltale/internal/config"
	"telltale/internal/gatewaytest"
	"telltale/internal/postgres/pgtest"
)

// edgeNode is a Sparkplug edge node, Line 1 of the plant, with an oven behind
// it, over an MQTT client that knows nothing of ours.
type edgeNode struct {
	t       *testing.T
	address string
	seq     uint64
	asked   chan struct{} // a token for each request for its births

	mu     sync.Mutex
	conn   net.Conn
	client mqtt.Client
}

const (
	lineID = devices.ID("Plant/Line:201")
	ovenID = devices.ID("Plant/Line:201/oven")
)

func edgeTopic(kind sparkplug.Type) string {
	t := sparkplug.Topic{Type: kind, Group: "Plant", Node: "Line 1"}
	if kind == sparkplug.DeviceBirth || kind == sparkplug.DeviceData || kind == sparkplug.DeviceDeath {
		t.Device = "oven"
	}
	return t.String()
}

func edgePayload(seq uint64, metrics ...sparkplug.Metric) []byte {
	now := uint64(time.Now().UnixMilli())
	p := sparkplug.Payload{Timestamp: &now, Seq: seq, Metrics: metrics}
	return p.Append(nil)
}

func bdSeq() sparkplug.Metric {
	return sparkplug.Metric{Name: sparkplug.BDSeqMetric, Type: sparkplug.Int64, Value: sparkplug.LongValue(4)}
}

func number(name string, alias uint64, f float64) sparkplug.Metric {
	m := sparkplug.Metric{Name: name, Alias: &alias, Value: sparkplug.DoubleValue(f)}
	if name != "" {
		m.Type = sparkplug.Double
	}
	return m
}

// connect opens a connection whose last will is the node's death.
func (e *edgeNode) connect() {
	e.t.Helper()
	opts := mqtt.NewClientOptions().AddBroker("tcp://"+e.address).SetClientID("line-1").SetAutoReconnect(false).
		SetBinaryWill(edgeTopic(sparkplug.NodeDeath), edgePayload(0, bdSeq()), 1, false).
		SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
			conn, err := net.Dial("tcp", u.Host)
			e.mu.Lock()
			defer e.mu.Unlock()
			e.conn = conn
			return conn, err
		})
	e.client = mqtt.NewClient(opts)
	e.await(e.client.Connect())
	e.await(e.client.Subscribe(edgeTopic(sparkplug.NodeCommand), 1, func(_ mqtt.Client, m mqtt.Message) {
		p, err := sparkplug.Parse(m.Payload())
		if err != nil || len(p.Metrics) != 1 || p.Metrics[0].Name != sparkplug.RebirthMetric {
			e.t.Errorf("command %x: %v", m.Payload(), err)
		}
		e.asked <- struct{}{}
	}))
}

func (e *edgeNode) await(token mqtt.Token) {
	e.t.Helper()
	if !token.WaitTimeout(gatewaytest.Patience) || token.Error() != nil {
		e.t.Fatalf("edge node: %v", token.Error())
	}
}

func (e *edgeNode) say(kind sparkplug.Type, metrics ...sparkplug.Metric) {
	e.t.Helper()
	e.await(e.client.Publish(edgeTopic(kind), 1, false, edgePayload(e.seq, metrics...)))
	e.seq = (e.seq + 1) % 256
}

func (e *edgeNode) birth() {
	e.t.Helper()
	e.seq = 0
	e.say(sparkplug.NodeBirth, bdSeq(), number("Load", 1, 0.5))
	e.say(sparkplug.DeviceBirth, number("Inputs/Temp 1", 7, 180))
}

// die breaks the connection off.
func (e *edgeNode) die() {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.conn.Close()
}

func (e *edgeNode) wantAsked() {
	e.t.Helper()
	select {
	case <-e.asked:
	case <-time.After(gatewaytest.Patience):
		e.t.Fatal("the node was not asked for its births")
	}
}

const plantDeclarations = `
kind: Model
id: OVEN
metrics: {temperature: {unit: Cel, from: Inputs_Temp_1}}
report_every: 1h
---
kind: Model
id: EDGE
metrics: {load: {unit: "1", from: Load}}
report_every: 1h
---
kind: Device
id: Plant/Line:201
model: EDGE
---
kind: Device
id: Plant/Line:201/oven
model: OVEN
`

// runGateway runs a gateway until stop is called, so that it can be started
// again with the same configuration.
func runGateway(t *testing.T, cfg config.Config) (a *App, stop func()) {
	t.Helper()
	a, err := New(t.Context(), cfg, Options{Version: "test", Logger: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(stop)
	awaitAddress(t, cfg.MQTT.Listen)
	return a, stop
}

func TestSparkplugOverAGapARestartAndADeath(t *testing.T) {
	t.Parallel()
	cfg := config.Default(t.TempDir())
	cfg.Database.URL = config.Secret(pgtest.EmptyURL(t))
	cfg.MQTT.Listen, cfg.HTTP.Listen = gatewaytest.UnusedAddress(t), gatewaytest.UnusedAddress(t)
	cfg.HTTP.PublicURL = "http://" + cfg.HTTP.Listen
	cfg.Sources = []config.Source{{Name: "plant", Filter: "spBv1.0/#", Codec: "sparkplug"}}
	a, stop := runGateway(t, cfg)
	declareAll(t, a, plantDeclarations)
	wantLatest := func(id devices.ID, metric string, want float64) {
		t.Helper()
		gatewaytest.Await(t, "a reading of "+string(id), func() bool {
			latest, err := a.db.Latest(t.Context(), id)
			return err == nil && latest[metric].Value == devices.Number(want)
		})
	}
	wantPresence := func(id devices.ID, want devices.Presence) {
		t.Helper()
		gatewaytest.Await(t, string(id)+" to be "+want.String(), func() bool {
			d, err := a.db.Device(t.Context(), id, time.Now())
			return err == nil && d.Presence(time.Now()) == want
		})
	}

	e := &edgeNode{t: t, address: cfg.MQTT.Listen, asked: make(chan struct{}, 100)}
	e.connect()
	e.seq = 9
	e.say(sparkplug.NodeData, number("", 1, 9)) // before the birth: nobody can read it
	e.wantAsked()
	e.birth()
	wantPresence(lineID, devices.Online)
	wantLatest(ovenID, "temperature", 180)
	e.say(sparkplug.DeviceData, number("", 7, 181))
	wantLatest(ovenID, "temperature", 181)

	stop()
	a, stop = runGateway(t, cfg)
	e.connect()
	e.say(sparkplug.DeviceData, number("", 7, 182)) // by a birth from before
	e.say(sparkplug.NodeData, number("", 1, 0.7))
	wantLatest(ovenID, "temperature", 182)
	wantLatest(lineID, "load", 0.7)
	if n := len(e.asked); n != 0 {
		t.Errorf("after the restart the node was asked %d times for its births", n)
	}

	e.seq += 3
	e.say(sparkplug.DeviceData, number("", 7, 185))
	e.wantAsked()
	wantLatest(ovenID, "temperature", 185)
	e.birth()
	e.say(sparkplug.DeviceData, number("", 7, 186))
	wantLatest(ovenID, "temperature", 186)

	e.die()
	wantPresence(lineID, devices.Offline)
	wantPresence(ovenID, devices.Offline)
	stop()
}

func TestBirthsAreStoredWhenTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	away, stored := true, map[string]codec.Birth{}
	e := newEdge(func(_ context.Context, births []codec.Birth) error {
		mu.Lock()
		defer mu.Unlock()
		if away {
			return context.DeadlineExceeded
		}
		for _, b := range births {
			stored[b.Topic] = b
		}
		return nil
	}, zap.NewNop())

	body := []byte("first")
	e.keep(codec.Birth{Topic: "a", Payload: body, ReceivedAt: time.UnixMilli(1)})
	copy(body, "other") // the codec's message is gone by then
	e.keep(codec.Birth{Topic: "b", Payload: []byte("1"), ReceivedAt: time.UnixMilli(2)})
	e.save(t.Context())
	mu.Lock()
	away = false
	mu.Unlock()
	e.keep(codec.Birth{Topic: "b", Payload: []byte("2"), ReceivedAt: time.UnixMilli(3)}) // behind the first
	if len(stored) != 0 {
		t.Errorf("stored before those that wait: %v", stored)
	}
	e.save(t.Context())
	if string(stored["a"].Payload) != "first" || string(stored["b"].Payload) != "2" || e.waiting() != 0 {
		t.Errorf("stored %v, %d wait", stored, e.waiting())
	}
	e.keep(codec.Birth{Topic: "c", ReceivedAt: time.UnixMilli(4)})
	if _, ok := stored["c"]; !ok {
		t.Error("not stored at once when nothing waits")
	}
}
