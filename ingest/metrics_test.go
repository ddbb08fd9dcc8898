package ingest

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func counterValue(t testing.TB, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	if _, err := NewPipeline(&memory{}, fleet(), PipelineOptions{Metrics: reg}); err != nil {
		t.Fatal(err)
	}
	if _, err := NewPipeline(&memory{}, fleet(), PipelineOptions{Metrics: reg}); err == nil {
		t.Error("a second pipeline took the same registry")
	}
}
