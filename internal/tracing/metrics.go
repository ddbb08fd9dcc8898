package tracing

import "github.com/prometheus/client_golang/prometheus"

// metrics count spans by what became of them.
type metrics struct{ sent, unsent, dropped prometheus.Counter }

func newMetrics(reg prometheus.Registerer) *metrics {
	spans := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "telltale_tracing_spans_total",
		Help: "Spans by outcome: sent; dropped, since the queue was full; unsent, since the collector refused them or the gateway stopped.",
	}, []string{"outcome"})
	reg.MustRegister(spans)
	return &metrics{
		sent: spans.WithLabelValues("sent"), unsent: spans.WithLabelValues("unsent"), dropped: spans.WithLabelValues("dropped"),
	}
}
