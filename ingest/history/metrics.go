package history

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what a writer stores. A nil one counts nothing.
type Metrics struct {
	readings   *prometheus.CounterVec
	orphans    prometheus.Counter
	retries    prometheus.Counter
	seconds    prometheus.Histogram
	partitions prometheus.Gauge
}

// NewMetrics registers the counters of a node's history writer.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		readings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telltale_history_readings_total",
			Help: "Readings handed to the history store, by what became of them (stored, duplicate, not_finite, refused).",
		}, []string{"outcome"}),
		orphans: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_history_orphan_reports_total",
			Help: "Reports not stored since their device is not declared any more.",
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_history_write_retries_total",
			Help: "Writes to the history store that had to be tried again.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "telltale_history_write_seconds",
			Help:    "Duration of successful writes to the history store.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		partitions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "telltale_history_partitions",
			Help: "Partitions of the log that this node writes to history.",
		}),
	}
	reg.MustRegister(m.readings, m.orphans, m.retries, m.seconds, m.partitions)
	return m
}

func (m *Metrics) written(w Written, took time.Duration) {
	if m == nil {
		return
	}
	m.readings.WithLabelValues("stored").Add(float64(w.Stored))
	m.readings.WithLabelValues("duplicate").Add(float64(w.Duplicates))
	m.readings.WithLabelValues("not_finite").Add(float64(w.NotFinite))
	m.readings.WithLabelValues("refused").Add(float64(w.Refused))
	m.orphans.Add(float64(w.Orphans))
	m.seconds.Observe(took.Seconds())
}

func (m *Metrics) retried() {
	if m != nil {
		m.retries.Inc()
	}
}

func (m *Metrics) follows(partitions int) {
	if m != nil {
		m.partitions.Set(float64(partitions))
	}
}
