package ingest

import "github.com/prometheus/client_golang/prometheus"

// subscriberMetrics are the subscriber's own; messages are counted by the
// pipeline.
type subscriberMetrics struct {
	connected prometheus.Gauge
	connects  prometheus.Counter
	dropped   prometheus.Counter
}

func newSubscriberMetrics(reg prometheus.Registerer) (*subscriberMetrics, error) {
	m := &subscriberMetrics{
		connected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "telltale_subscriber_connected", Help: "1 while connected to the external broker."}),
		connects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_subscriber_connects_total", Help: "Connections made to the external broker."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_subscriber_dropped_total", Help: "QoS 0 messages lost because they came faster than they could be stored."}),
	}
	return m, register(reg, m.connected, m.connects, m.dropped)
}
