package partition

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telltale/rules"
)

// Metrics count what workers commit.
type Metrics struct {
	reports     prometheus.Counter
	transitions *prometheus.CounterVec
	commits     prometheus.Counter
	retries     prometheus.Counter
	delay       prometheus.Histogram
	health      *prometheus.GaugeVec
	failures    *prometheus.CounterVec
	lost        prometheus.Counter
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
	m.health = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "telltale_rule_health",
		Help: "Partitions of this node in which a rule is not well, by rule and state (error, degraded). A rule that is well has none.",
	}, []string{"rule", "state"})
	m.failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "telltale_rule_failures_total",
		Help: "Times that a rule failed while it was evaluated, by rule.",
	}, []string{"rule"})
	m.lost = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "telltale_rules_lost_reports_total",
		Help: "Reports that the rules could not take in, because storing or learning a reading failed; the log says why.",
	})
	reg.MustRegister(m.reports, m.transitions, m.commits, m.retries, m.delay, m.health, m.failures, m.lost)
	return m
}

// moveHealth counts a rule where it has come to.
func (m *Metrics) moveHealth(c HealthChange) {
	if c.Before != rules.Healthy {
		m.health.WithLabelValues(c.Rule, string(c.Before)).Dec()
	}
	if c.State != rules.Healthy {
		m.health.WithLabelValues(c.Rule, string(c.State)).Inc()
	}
}

func (m *Metrics) observe(effects *Effects, now time.Time) {
	m.commits.Inc()
	m.delay.Observe(now.Sub(effects.Now).Seconds())
	for _, t := range effects.Transitions {
		m.transitions.WithLabelValues(t.Change.String()).Inc()
	}
}
