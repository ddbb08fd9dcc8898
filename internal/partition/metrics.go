package partition

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what workers commit.
type Metrics struct {
	reports     prometheus.Counter
	transitions *prometheus.CounterVec
	commits     prometheus.Counter
	retries     prometheus.Counter
	delay       prometheus.Histogram
}

// NewMetrics registers the counters of all workers of a node.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		reports: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_rules_reports_total",
			Help: "Reports that the rules have judged; telltale_ingest_reports_total less this is their lag.",
		}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telltale_alarm_transitions_total",
			Help: "Committed changes of alarms, by kind of change.",
		}, []string{"change"}),
		commits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_rules_commits_total",
			Help: "Transactions of the rule workers.",
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_rules_commit_retries_total",
			Help: "Commits of the rule workers that had to be tried again.",
		}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "telltale_rules_commit_seconds",
			Help:    "Time from the start of a transaction of the rule workers to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	reg.MustRegister(m.reports, m.transitions, m.commits, m.retries, m.delay)
	return m
}

func (m *Metrics) observe(effects *Effects, now time.Time) {
	m.commits.Inc()
	m.delay.Observe(now.Sub(effects.Now).Seconds())
	for _, t := range effects.Transitions {
		m.transitions.WithLabelValues(t.Change.String()).Inc()
	}
}
