package app

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/internal/config"
)

var update = flag.Bool("update", false, "write what the recorded devices say to testdata/sources")

// TestRecordedDevicesAreReadByConfigurationAlone sends the recorded messages of
// real appliances, and the runs of simulated vaccine fridges, through the
// configuration of testdata/sources and the pipeline, and compares what comes
// out, in the units of a model, with the text beside the configuration.
func TestRecordedDevicesAreReadByConfigurationAlone(t *testing.T) {
	t.Parallel()
	for _, family := range []struct{ name, files, topic string }{
		{"fridge", "appliances/status/da_ref_*.json", "appliances/fridge/%s"},
		{"laundry", "appliances/status/da_wm_[ws]*.json", "appliances/laundry/%s"},
		{"dishwasher", "appliances/status/da_wm_dw*.json", "appliances/dishwasher/%s"},
		{"oven", "appliances/status/da_ks_*.json", "appliances/oven/%s"},
		{"who", "who/*.json", "who/%s/records"},
	} {
		t.Run(family.name, func(t *testing.T) {
			t.Parallel()
			pipeline := &recordedPipeline{}
			pipeline.start(t, filepath.Join("testdata", "sources", family.name+".yaml"))
			files, err := filepath.Glob(sharedData(t, ".") + "/" + family.files)
			if err != nil || len(files) == 0 {
				t.Fatalf("no recorded files: %v", err)
			}
			var got bytes.Buffer
			for _, path := range files {
				body, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				device := strings.TrimSuffix(filepath.Base(path), ".json")
				got.WriteString(pipeline.send(t, fmt.Sprintf(family.topic, device), body))
			}
			golden := filepath.Join("testdata", "sources", family.name+".txt")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
				t.Errorf("reports differ (-want +got):\n%s", diff)
			}
		})
	}
}

// recordedPipeline is a pipeline whose devices are all of one model, and which
// writes down what it would store.
type recordedPipeline struct {
	pipeline *ingest.Pipeline
	stored   bytes.Buffer
}

func (p *recordedPipeline) start(t *testing.T, path string) {
	t.Helper()
	cfg, err := config.Load(path, func(name string) (string, bool) { return "/nowhere", name == "TELLTALE_DATA" })
	if err != nil {
		t.Fatal(err)
	}
	router, err := codec.NewRouter(sources(cfg.Sources), codec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	model := &devices.Model{ID: "recorded", Metrics: map[string]devices.Metric{}}
	for metric, unit := range map[string]string{
		"cooler_temperature": "Cel", "freezer_temperature": "Cel", "temperature": "Cel", "cavity_temperature": "Cel", "ambient": "Cel",
		"energy": "kWh", "power": "W", "washer_minutes_left": "s", "mains": "V", "hold_over_days": "d", "door_seconds": "min",
	} {
		model.Metrics[metric] = devices.Metric{Unit: unit}
	}
	known := func() *devices.Directory { // whoever sends: this test is not about identity
		var list []*devices.Device
		for _, pattern := range []string{"appliances/status", "who"} {
			entries, _ := os.ReadDir(sharedData(t, pattern))
			for _, e := range entries {
				list = append(list, &devices.Device{ID: devices.ID(strings.TrimSuffix(e.Name(), ".json")), Model: model.ID})
			}
		}
		return devices.NewDirectory(1, []*devices.Model{model}, list)
	}()
	p.pipeline, err = ingest.NewPipeline(p, func() *devices.Directory { return known }, ingest.PipelineOptions{Router: router})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.pipeline.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// send returns what a message has made the pipeline store.
func (p *recordedPipeline) send(t *testing.T, topic string, body []byte) string {
	t.Helper()
	if err := p.pipeline.Accept(t.Context(), ingest.Message{Topic: topic, Payload: body, ReceivedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	defer p.stored.Reset()
	return p.stored.String()
}

// Append implements ingest.Appender. It is called by the pipeline alone, and
// has returned before Accept does.
func (p *recordedPipeline) Append(_ context.Context, at time.Time, reports []devices.Report, refused [][]byte) error {
	for _, r := range reports {
		p.stored.WriteString(string(r.Device))
		if !r.ObservedAt.Equal(r.ReceivedAt) {
			p.stored.WriteString(" " + r.ObservedAt.Format(time.RFC3339))
		}
		for _, reading := range r.Readings {
			fmt.Fprintf(&p.stored, " %s=%s", reading.Metric, reading.Value)
		}
		for _, code := range r.Faults {
			p.stored.WriteString(" fault " + code)
		}
		p.stored.WriteString("\n")
	}
	for _, record := range refused {
		fmt.Fprintf(&p.stored, "refused: %s\n", record)
	}
	return nil
}

// TestTheDocumentedSourcesAreTheTestedOnes keeps the examples of docs/sources.md
// the same as the files that are tested.
func TestTheDocumentedSourcesAreTheTestedOnes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fridge", "who"} {
		text, err := os.ReadFile(filepath.Join("testdata", "sources", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(page, text) {
			t.Errorf("docs/sources.md does not show %s.yaml as it is", name)
		}
	}
}
