package outbox

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what a dispatcher does. A nil one counts nothing.
type Metrics struct {
	attempts *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	oldest   *prometheus.GaugeVec
	open     *prometheus.GaugeVec
}

// NewMetrics registers the metrics of a node's dispatcher.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telltale_outbox_attempts_total",
			Help: "Attempts to deliver an event, by destination and what became of the delivery (completed, retryable, discarded).",
		}, []string{"destination", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "telltale_outbox_attempt_seconds",
			Help:    "Duration of attempts to deliver an event, by destination.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, []string{"destination"}),
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "telltale_outbox_oldest_unsent_seconds",
			Help: "Age of the oldest event not delivered yet, by destination; 0 when there is none.",
		}, []string{"destination"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "telltale_outbox_breaker_open",
			Help: "1 while a destination fails and is left alone, by destination.",
		}, []string{"destination"}),
	}
	reg.MustRegister(m.attempts, m.seconds, m.oldest, m.open)
	return m
}

func (m *Metrics) attempted(destination string, outcome Outcome, took time.Duration) {
	if m == nil {
		return
	}
	m.attempts.WithLabelValues(destination, string(outcome.State)).Inc()
	m.seconds.WithLabelValues(destination).Observe(took.Seconds())
}

func (m *Metrics) waiting(destination string, age time.Duration) {
	if m != nil {
		m.oldest.WithLabelValues(destination).Set(max(age, 0).Seconds())
	}
}

func (m *Metrics) breaker(destination string, open bool) {
	if m == nil {
		return
	}
	value := 0.0
	if open {
		value = 1
	}
	m.open.WithLabelValues(destination).Set(value)
}
