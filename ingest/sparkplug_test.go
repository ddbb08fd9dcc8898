package ingest

import (
	"bytes"
	"testing"

	"telltale/ingest/codec"
	"telltale/ingest/codec/sparkplug"
)

// TestAnEdgeNodeAtAnExternalBrokerIsAskedForItsBirth lets an edge node speak
// before its birth through a Mosquitto. The request goes back over the very
// connection that its data came by.
func TestAnEdgeNodeAtAnExternalBrokerIsAskedForItsBirth(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t)
	asked := make(chan string, 10)
	router, err := codec.NewRouter([]codec.Source{{Filter: "spBv1.0/#", Codec: "sparkplug"}}, codec.Options{
		Publish: func(topic string, _ []byte) { asked <- topic },
	})
	if err != nil {
		t.Fatal(err)
	}
	var log memory
	p := startPipeline(t, &log, PipelineOptions{Router: router})
	s := newSubscriber(t, p, SubscriberOptions{URL: broker.url(), Filters: router.Filters()})
	if err := s.Publish("spBv1.0/Plant/NCMD/Line-1", nil, false); err == nil {
		t.Error("published without a connection")
	}
	run(t, s.Run)
	awaitReady(t, s, true)

	node, err := dial(broker.addr, visitor{id: "line-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer node.close()
	if err := node.subscribe("spBv1.0/Plant/NCMD/Line-1"); err != nil {
		t.Fatal(err)
	}
	if kind, _, err := node.read(); err != nil || kind != 9 {
		t.Fatalf("no SUBACK: %d, %v", kind, err)
	}
	alias := uint64(7)
	data := sparkplug.Payload{Seq: 3, Metrics: []sparkplug.Metric{{Alias: &alias, Value: sparkplug.DoubleValue(1)}}}
	if err := node.publishAcked("spBv1.0/Plant/NDATA/Line-1", string(data.Append(nil)), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(<-asked, sparkplug.RebirthRequest(), false); err != nil {
		t.Fatal(err)
	}
	kind, body, err := node.read()
	if err != nil || kind != 3 || !bytes.Contains(body, []byte("Node Control/Rebirth")) {
		t.Errorf("packet %d, %q, %v", kind, body, err)
	}

	// The request comes back to us, since the source takes all topics.
	if err := node.publishAcked("spBv1.0/Plant/NDATA/Line-1", "\xff", 2); err != nil {
		t.Fatal(err)
	}
	await(t, "both messages are stored", func() bool { return len(log.reasons()) == 2 })
	if got := log.reasons(); got[0] != Unborn || got[1] != Malformed {
		t.Errorf("refused as %v", got)
	}
}

// reasons returns why messages were refused, in their order.
func (m *memory) reasons() []Reason {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Reason
	for _, q := range m.refused {
		all = append(all, q.Reason)
	}
	return all
}
