package ingest

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"telltale/devices"
	"telltale/ingest/codec"
)

// brittle is a codec with a bug.
type brittle struct{}

func (brittle) Decode(dst []devices.Report, p codec.Payload) ([]devices.Report, error) {
	return append(dst, devices.Report{Device: "fridge-1", Seq: uint64(p.Body[3])}), nil
}

func TestAPanickingCodecCostsItsMessageOnly(t *testing.T) {
	t.Parallel()
	router, err := codec.NewRouter([]codec.Source{{Filter: "brittle/+", Codec: "brittle"}}, codec.Options{
		Extra: map[string]func(codec.Source) (codec.Codec, error){
			"brittle": func(codec.Source) (codec.Codec, error) { return brittle{}, nil },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var log memory
	core, logged := observer.New(zap.ErrorLevel)
	p := startPipeline(t, &log, PipelineOptions{Router: router, Log: zap.New(core)})
	accept := func(topic, payload string) {
		t.Helper()
		if err := p.Accept(context.Background(), Message{Topic: topic, Payload: []byte(payload), QoS: 1, ReceivedAt: time.Now()}); err != nil {
			t.Errorf("message %q is not acknowledged: %v", payload, err)
		}
	}
	accept("brittle/fridge-1", "ok")
	accept("telltale/fridge-1/telemetry", `{"values":{"temperature":4}}`)

	reports, refused, _ := log.stored()
	if len(reports) != 1 {
		t.Errorf("%d reports are stored, want the other device's one", len(reports))
	}
	if len(refused) != 1 || refused[0].Reason != Malformed || string(refused[0].Payload) != "ok" ||
		refused[0].Detail != "codec panicked: runtime error: index out of range [3] with length 2" {
		t.Errorf("quarantine holds %+v", refused)
	}
	if logged.Len() != 1 || !strings.Contains(logged.All()[0].ContextMap()["stack"].(string), "brittle.Decode") {
		t.Errorf("log says %v, want the stack once", logged.All())
	}
}
