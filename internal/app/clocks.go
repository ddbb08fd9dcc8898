package app

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/config"
	"telltale/internal/postgres"
)

// clocks says by the name of a source how its devices' times are treated.
func clocks(cfg config.Config) map[string]ingest.Clock {
	all := map[string]ingest.Clock{"": clockOf(cfg.Clock)}
	for _, s := range cfg.Sources {
		if s.Clock != nil {
			all[cmp.Or(s.Name, s.Filter)] = clockOf(*s.Clock)
		}
	}
	return all
}

func clockOf(c config.Clock) ingest.Clock {
	return ingest.Clock{
		Policy:   ingest.ClockPolicy(c.Policy),
		MaxAhead: time.Duration(c.MaxAhead), MaxBehind: time.Duration(c.MaxBehind),
	}
}

// drifts loads what is known of devices' clocks, if any is to be corrected: a
// restart must not begin to measure anew, with a backlog of old messages.
func (a *App) drifts(ctx context.Context, clocks map[string]ingest.Clock) (map[devices.ID]devices.Drift, error) {
	for _, c := range clocks {
		if c.Policy == ingest.OffsetClock {
			return a.db.Drifts(ctx)
		}
	}
	return nil, nil //nolint:nilnil // nothing is measured then
}

// clockMetric counts devices by how far their clocks are off, when it is asked.
type clockMetric struct {
	db     *postgres.DB
	logger *zap.Logger
	desc   *prometheus.Desc
}

func newClockMetric(db *postgres.DB, logger *zap.Logger) *clockMetric {
	return &clockMetric{db: db, logger: logger, desc: prometheus.NewDesc("telltale_device_clock_offset_seconds",
		"How far devices' clocks are off ours, before or after, as measured over the last hours: each device once.", nil, nil)}
}

// clockBuckets are the histogram's, in seconds: up to ten minutes is believed.
func clockBuckets() []float64 { return []float64{1, 5, 15, 60, 300, 600, 3600, 86400} }

// collectTimeout bounds the query behind a scrape.
const collectTimeout = 5 * time.Second

// Describe is [prometheus.Collector]'s.
func (m *clockMetric) Describe(ch chan<- *prometheus.Desc) { ch <- m.desc }

// Collect is [prometheus.Collector]'s.
func (m *clockMetric) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	counts, sum, err := m.db.ClockOffsets(ctx, clockBuckets())
	if err != nil {
		m.logger.Warn("clock offsets not counted", zap.Error(err))
		return
	}
	var total uint64
	buckets := make(map[float64]uint64)
	for i, n := range counts {
		total += n
		if i < len(clockBuckets()) {
			buckets[clockBuckets()[i]] = total
		}
	}
	ch <- prometheus.MustNewConstHistogram(m.desc, total, sum, buckets)
}
