package codec

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// sparkplugMetrics count over all Sparkplug sources.
type sparkplugMetrics struct {
	missing prometheus.Counter
	asked   prometheus.Counter
	skipped prometheus.Counter
}

func newSparkplugMetrics(reg prometheus.Registerer) (*sparkplugMetrics, error) {
	m := &sparkplugMetrics{
		missing: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_sparkplug_missing_total", Help: "Messages of edge nodes that never came, by their sequence numbers."}),
		asked: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_sparkplug_rebirths_requested_total", Help: "How often edge nodes were asked for their births."}),
		skipped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_sparkplug_skipped_values_total", Help: "Values that are no readings: bytes, data sets, templates, arrays, long texts."}),
	}
	if reg == nil {
		return m, nil
	}
	for _, counter := range []*prometheus.Counter{&m.missing, &m.asked, &m.skipped} {
		err := reg.Register(*counter)
		var before prometheus.AlreadyRegisteredError // by another source
		switch {
		case errors.As(err, &before):
			*counter = before.ExistingCollector.(prometheus.Counter)
		case err != nil:
			return nil, fmt.Errorf("register sparkplug metrics: %w", err)
		}
	}
	return m, nil
}
